/** The chain as the API shows and changes it: postern.yaml, by edits that keep what the operator wrote. */
import { join, resolve } from 'node:path'
import type { Author, ChainOperations } from '../../admin/operations.ts'
import { Refusal } from '../../admin/refusal.ts'
import type {
  Chain,
  ChainEntry,
  ChainEntryChange,
  ChainEntryDetails,
  EntryNumbers,
} from '../../admin/schemas/chain.ts'
import type { Change, Preview } from '../../admin/schemas/configuration.ts'
import type { Configuration, EntryConfiguration } from '../../config/configuration.ts'
import { withEntryEdit, type EntryEdit } from '../../config/entry-edit.ts'
import type { Generation } from '../../filter/generation.ts'
import type { JsonObject, JsonValue } from '../../mail/json.ts'
import { stages } from '../../mail/status.ts'
import type { Plugin } from '../../plugin/plugin.ts'
import { maskedOptions, restoredOptions, type KnownPlugins } from '../../config/secret-values.ts'
import { systemDisk } from '../../runtime/node/disk.ts'
import { checkConfiguration, type CheckedConfiguration } from '../check-configuration.ts'
import { readFolder } from '../read-offline.ts'
import { tryChain } from '../switch-entry.ts'
import type { CountedEntries } from './gateway-numbers.ts'
import { checkView, type EditedFiles, type FurtherTrial } from './edited-files.ts'
import { loadPlugins, optionsOfPlugins } from './known-plugins.ts'

const file = 'postern.yaml'

/** Of the metrics, or of the newest traces. */
export interface KnownNumbers {
  readonly sample: number
  readonly since?: number
  readonly entries: ReadonlyMap<string, EntryNumbers>
  readonly breakers?: CountedEntries['breakers']
}

export interface ChainParts {
  readonly folder: string
  readonly current: () => Configuration
  readonly files: EditedFiles
  /** What the entries did lately, by name, and of how many transactions. */
  readonly numbers: () => Promise<KnownNumbers>
}

export class ConfiguredChain implements ChainOperations {
  readonly #parts: ChainParts

  constructor(parts: ChainParts) {
    this.#parts = parts
  }

  async list(): Promise<Chain> {
    const { folder, current, numbers } = this.#parts
    const [checked, known, etag, plugins] = await Promise.all([
      checkConfiguration(folder),
      numbers(),
      this.#etag(),
      this.#optionsOf(current().chain),
    ])
    const entries = current().chain.map((entry) => entryView(entry, { checked, known, plugins }))
    const { sample, since } = known
    return { etag, entries, check: checkView(checked), sample, ...optional('since', since) }
  }

  async show(name: string): Promise<ChainEntryDetails | undefined> {
    const { folder, current, numbers } = this.#parts
    const entry = current().chain.find((each) => each.name === name)
    if (entry === undefined) return undefined
    const [checked, known, plugin] = await Promise.all([
      checkConfiguration(folder),
      numbers(),
      this.#plugin(entry.plugin),
    ])
    const { summary, options = {}, variables = {} } = plugin ?? {}
    const plugins = new Map(plugin === undefined ? [] : [[plugin.name, options]])
    return {
      ...entryView(entry, { checked, known, plugins }),
      etag: await this.#etag(),
      ...(summary === undefined ? {} : { description: summary }),
      schema: schemaOf(options),
      variables: [
        ...Object.entries(options).flatMap(([option, { env, description = '' }]) =>
          env === undefined ? [] : [{ name: env, option, description }],
        ),
        ...Object.entries(variables).map(([each, description]) => ({ name: each, description })),
      ],
      needs: plugin?.needs?.map(({ name: each }) => each) ?? [],
    }
  }

  async preview(name: string, change: ChainEntryChange): Promise<Preview> {
    const text = await this.#text()
    return this.#parts.files.preview(file, edited(text, name, await this.#meant(name, change)))
  }

  async change(name: string, change: ChainEntryChange, author: Author): Promise<Change> {
    const { files, current } = this.#parts
    const before = current().chain.find((each) => each.name === name)
    if (before === undefined) throw new Refusal('not-found', `The chain has no entry ${name}`)
    const turnedOn = before.mode === 'off' && change.mode !== undefined && change.mode !== 'off'
    const meant = await this.#meant(name, change)
    return files.edit(file, (text) => edited(text, name, meant), author, {
      ...(change.note === undefined ? {} : { note: change.note }),
      ...(turnedOn ? { trial: this.#trialOf(name) } : {}),
    })
  }

  /** What `postern enable` does: the entry shows that it could do its work. */
  #trialOf(name: string): FurtherTrial {
    const { folder } = this.#parts
    return async (disk) => {
      const { configuration } = readFolder(folder, disk)
      if (configuration === undefined) return
      const { problem } = await tryChain(folder, configuration, name)
      if (problem !== undefined) throw new Refusal('invalid', problem)
    }
  }

  async #plugin(name: string): Promise<Plugin | undefined> {
    return (await loadPlugins([name], this.#parts.current())).get(name)
  }

  async #optionsOf(entries: readonly EntryConfiguration[]): Promise<KnownPlugins> {
    const names = entries.map(({ plugin }) => plugin)
    return optionsOfPlugins(names, this.#parts.current())
  }

  /** Masks stand for the secrets that the entry has now. */
  async #meant(name: string, change: ChainEntryChange): Promise<ChainEntryChange> {
    const entry = this.#parts.current().chain.find((each) => each.name === name)
    if (!change.options || entry === undefined) return change
    const plugins = await this.#optionsOf([entry])
    const given = jsonMap(change.options) ?? {}
    const before = plainOptions(entry)
    return { ...change, options: restoredOptions(given, before, plugins.get(entry.plugin)) }
  }

  async #text(): Promise<string> {
    const path = join(resolve(this.#parts.folder), file)
    return new TextDecoder().decode(await systemDisk.readFile(path))
  }

  async #etag(): Promise<string> {
    return this.#parts.files.etagOf(await this.#text())
  }
}

function edited(
  text: string,
  name: string,
  { mode, timeout, on_fault, options }: ChainEntryChange,
): string {
  const edit: EntryEdit = {
    ...(mode === undefined ? {} : { mode }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(on_fault === undefined ? {} : { on_fault }),
    ...(options === undefined ? {} : { options: jsonMap(options) }),
  }
  const after = withEntryEdit(text, name, edit)
  if (after === undefined) throw new Refusal('not-found', `The chain has no entry ${name}`)
  return after
}

/** It came as JSON. */
function jsonMap(options: { readonly [key: string]: unknown } | null): JsonObject | null {
  const map: JsonObject | null = JSON.parse(JSON.stringify(options))
  return map
}

/** What is known of all entries. */
interface Known {
  readonly checked: CheckedConfiguration
  readonly known: KnownNumbers
  readonly plugins: KnownPlugins
}

function plainOptions({ options }: EntryConfiguration): JsonObject {
  const plain: JsonObject = JSON.parse(JSON.stringify(options ?? {}))
  return plain
}

function entryView(
  entry: EntryConfiguration,
  { checked: { generation }, known: { entries, breakers }, plugins }: Known,
): ChainEntry {
  const { name, plugin, mode, first, onFault, timeoutMs, refuseAt, place } = entry
  const inForce = generation?.entries.find((each) => each.name === name)
  const summary = generation?.listing.find((each) => each.name === name)?.summary
  const line = place.lineOf(place.path)
  return {
    name,
    plugin,
    mode,
    stages: stagesOf(name, generation),
    first,
    conditional: entry.when !== undefined || entry.unless !== undefined,
    options: maskedOptions(plainOptions(entry), plugins.get(plugin)),
    ...(summary === undefined ? {} : { summary }),
    ...optional('onFault', onFault ?? inForce?.onFault),
    ...optional('timeoutMs', timeoutMs ?? inForce?.timeoutMs),
    ...optional('refuseAt', refuseAt),
    ...optional('line', line),
    ...optional('numbers', entries.get(name)),
    ...optional('breaker', breakers?.get(name)),
  }
}

function stagesOf(name: string, generation: Generation | undefined): readonly string[] {
  if (generation === undefined) return []
  const asked = generation.places.all.filter(({ entry }) => entry.name === name)
  const questions = new Set<string>(asked.map(({ question }) => question))
  const others = [...questions].filter((question) => !stages.some((stage) => stage === question))
  return [...stages.filter((stage) => questions.has(stage)), ...others]
}

function schemaOf(options: NonNullable<Plugin['options']>): JsonObject {
  const properties = Object.entries(options).map(
    ([key, { schema, description, type, ...rest }]) => {
      const plain: JsonObject = JSON.parse(JSON.stringify(schema))
      const usual: JsonValue | undefined = rest.default
      return [
        key,
        {
          ...plain,
          'x-kind': type,
          ...(description === undefined ? {} : { description }),
          ...(usual === undefined ? {} : { default: usual }),
        },
      ] as const
    },
  )
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(properties),
  }
}

function optional<K extends string, T>(key: K, value: T | undefined): Partial<Record<K, T>> {
  const made: Partial<Record<K, T>> = {}
  if (value !== undefined) made[key] = value
  return made
}
