/**
 * From the entries of the configuration to a generation that can be opened. Everything is checked
 * here that can be known before mail comes, and all mistakes are reported together.
 */
import { createHash } from 'node:crypto'
import { conditionList, type Conditions } from '../plugin/condition.ts'
import { allowed, readByAll } from '../plugin/finding.ts'
import type { OptionResources, OptionShape } from '../plugin/option.ts'
import { entryNumbers } from '../plugin/metrics.ts'
import type { Plugin, PluginDoors } from '../plugin/plugin.ts'
import { environmentOptions, resolveOptions } from '../plugin/resolve-options.ts'
import { Breakers } from './breakers.ts'
import { applicability, compileCondition, type Applicability } from './condition.ts'
import type { Thresholds } from './decision.ts'
import type { Entry, EntryConfig } from './entry.ts'
import { ChainMeter } from './chain-meter.ts'
import { entryDoors, type ChainDoors } from './entry-doors.ts'
import { errorDetail } from './fault.ts'
import { Generation } from './generation.ts'
import { answerable } from './login.ts'
import { FileMistakes } from '../plugin/file-mistakes.ts'
import { mistakeAt, type Mistake } from '../plugin/mistake.ts'
import { isPosternError } from '../mail/errors.ts'
import { missingOthers, missingTables } from './missing-files.ts'
import { NamedFiles } from './named-files.ts'
import { checkNeeds } from './needs.ts'
import { checkReplacing } from './replacing.ts'
import { instanceProblems } from './plugin-instance.ts'
import { orderPlaces, type Places } from './places.ts'
import { DoorRecorder } from './step-notes.ts'
import { plainTagging, type Tagging } from './tagging.ts'
import type { ThresholdRules } from './threshold-rules.ts'
import { receiverSettings, type ListenerTraits, type ReceiverSection } from './listener-settings.ts'

export interface GenerationRequest {
  /** In order. */
  readonly entries: readonly EntryConfig[]
  /** The whole doors; each entry gets its own view of them. */
  readonly doors: ChainDoors
  readonly resources: OptionResources
  readonly thresholds: Thresholds
  /** For whom other thresholds hold; nobody where absent. */
  readonly thresholdRules?: ThresholdRules
  readonly tagging?: Tagging
  readonly receiver: ReceiverSection
  readonly listeners: readonly ListenerTraits[]
  /** Entries that may run at once at `message`; 8 where absent. */
  readonly parallel?: number
  /** Whether it is noted what entries learn from their doors; it is where nothing is said. */
  readonly keepsAnswers?: boolean
}

export type BuiltGeneration =
  | {
      readonly ok: true
      readonly generation: Generation
      /** What works and is hardly meant. */
      readonly doubts: readonly Mistake[]
    }
  | { readonly ok: false; readonly mistakes: readonly Mistake[] }

const timeoutMs = 30_000

export function buildGeneration(request: GenerationRequest): BuiltGeneration {
  const { entries: configs, listeners, resources, receiver, thresholds, doors } = request
  const { keepsAnswers = true } = request
  const mistakes: Mistake[] = [
    ...checkNames(configs),
    ...checkNeeds(configs),
    ...checkReplacing(configs),
  ]
  const listenerNames = new Set(listeners.map(({ name }) => name))
  const doubts = configs.flatMap(failsOpen)
  const entries = configs.flatMap((config) => {
    const built = buildEntry(config, { doors, resources, keepsAnswers, listeners: listenerNames })
    mistakes.push(...built.mistakes)
    doubts.push(...(built.doubts ?? []))
    return built.entry === undefined ? [] : [built.entry]
  })
  const settings = receiverSettings({
    section: receiver,
    listeners,
    resources,
    answerable: answerable(entries),
  })
  if (!settings.ok) mistakes.push(...settings.mistakes)
  if (mistakes.length > 0 || !settings.ok) return { ok: false, mistakes: toldOnce(mistakes) }

  const places = orderPlaces(entries)
  const generation = new Generation({
    id: chainId(places, thresholds),
    listing: configs.map(({ name, mode, plugin }) => ({
      name,
      mode,
      plugin: plugin.name,
      ...(plugin.summary === undefined ? {} : { summary: plugin.summary }),
    })),
    entries,
    places,
    thresholds,
    thresholdRules: request.thresholdRules ?? new Map(),
    tagging: request.tagging ?? plainTagging,
    parallel: request.parallel ?? 8,
    settingsOf: settings.settingsOf,
    meter: new ChainMeter(doors.metrics, places.all),
    log: doors.log,
  })
  if (!entries.some(vouchesForAny)) doubts.push(unvouched(receiver.place.file))
  if (listeners.length === 0) doubts.push(unheard(receiver.place.file))
  return { ok: true, generation, doubts }
}

function checkNames(configs: readonly EntryConfig[]): readonly Mistake[] {
  const seen = new Set<string>()
  return configs.flatMap(({ name, place }) => {
    if (!seen.has(name)) {
      seen.add(name)
      return []
    }
    const problem = `the name ${name} is used twice`
    return [mistakeAt(place, ['name'], { problem, remedy: 'give each entry a name of its own' })]
  })
}

function vouchesForAny({ vouches, shadow, instance }: Entry): boolean {
  return vouches && !shadow && instance.rcpt !== undefined
}

function unvouched(file: string): Mistake {
  return {
    file,
    key: 'chain',
    problem: 'no entry vouches for a recipient: every RCPT is refused',
    remedy: 'add rcpthosts',
  }
}

function unheard(file: string): Mistake {
  const problem = 'there are none: mail comes from programs of this host alone'
  return {
    file,
    key: 'listeners',
    problem,
    remedy: 'add one: - { name: mx, listen: 127.0.0.1:2525 }',
    code: 'chain',
  }
}

/** A fault that becomes a pass is an open door, unless the plugin itself is made so. */
function failsOpen({ plugin, mode, onFault, place }: EntryConfig): readonly Mistake[] {
  if (mode !== 'enforce' || onFault !== 'pass' || plugin.defaults?.onFault === 'pass') return []
  const problem = `fails open: mail gets through whenever ${plugin.name} cannot do its work`
  const remedy = 'write defer, unless that is meant'
  return [mistakeAt(place, ['on_fault'], { problem, remedy, code: 'fails-open' })]
}

interface Surroundings {
  readonly doors: ChainDoors
  readonly resources: OptionResources
  readonly listeners: ReadonlySet<string>
  readonly keepsAnswers: boolean
}

interface Built {
  readonly entry?: Entry
  readonly mistakes: readonly Mistake[]
  readonly doubts?: readonly Mistake[]
}

function buildEntry(config: EntryConfig, surroundings: Surroundings): Built {
  const { doors, resources, listeners, keepsAnswers } = surroundings
  const { plugin, place, mode } = config
  const shape: OptionShape = plugin.options ?? {}
  const named = new NamedFiles(resources)
  const resolved = resolveOptions(shape, config.options, named.resources)
  const condition = buildCondition(config, listeners)
  const mistakes = [
    ...condition.mistakes,
    ...(resolved.ok ? [] : resolved.mistakes).map((mistake) =>
      mistakeAt(place, mistake.key === '' ? ['options'] : ['options', mistake.key], mistake),
    ),
  ]
  if (resolved.ok) mistakes.push(...missingTables(config, resolved.values))
  if (mode === 'off' || !resolved.ok || mistakes.length > 0) return { mistakes }

  const shadow = mode === 'shadow'
  const recorder = new DoorRecorder(keepsAnswers)
  const { name } = config
  const numbers = entryNumbers(doors.metrics, { name, plugin: plugin.name })
  const own = entryDoors(doors, { name, metrics: numbers.metrics, shadow, recorder })
  const set = setUp(config, resolved.values, own)
  if ('mistakes' in set) return set
  const { instance, vouches } = set
  if (config.first && instance.message === undefined) {
    const problem = `${plugin.name} does nothing at message`
    mistakes.push(mistakeAt(place, ['first'], { problem, remedy: 'take first from this entry' }))
  }
  const entry: Entry = {
    ...termsOf(config, condition.applies),
    vouches,
    shadow,
    instance,
    renew: () => plugin.setup(resolved.values, own),
    optionsFor: environmentOptions(shape, resolved.values, resources),
    breakers: new Breakers(instance.dependsOn?.bind(instance)),
    recorder,
    numbers,
    fingerprint: named.fingerprint(plugin.name, config.options),
    readsFiles: named.any,
    counts: { faults: 0, lateAnswers: 0 },
  }
  return { entry, mistakes, doubts: missingOthers(config, resolved.values) }
}

/** On which terms it is asked: as the configuration says, else as the plugin has it by default, else as usual. */
function termsOf(config: EntryConfig, condition: Applicability | undefined) {
  const { name, plugin, onFault, refuseAt, first } = config
  const { defaults = {}, needs = [], wants = [], provides = [] } = plugin
  return {
    name,
    plugin: plugin.name,
    onFault: onFault ?? defaults.onFault ?? 'defer',
    timeoutMs: config.timeoutMs ?? defaults.timeoutMs ?? timeoutMs,
    ...(refuseAt === undefined ? {} : { refuseAt }),
    refuseAtDefault: defaults.refuseAt ?? 'now',
    condition,
    first,
    replaces: plugin.replaces === true,
    awaits: [...needs, ...wants, ...(condition?.asksAllowed === true ? [allowed] : [])],
    provides,
    reads: new Set([...needs, ...wants, ...provides, ...readByAll].map(({ name }) => name)),
  } satisfies Partial<Entry>
}

/** What the configuration says beats what the plugin has by default: `unless: {}` lifts the default. */
function buildCondition(
  { when, unless, plugin, place, refuseAt }: EntryConfig,
  listeners: ReadonlySet<string>,
): { readonly applies: Applicability | undefined; readonly mistakes: readonly Mistake[] } {
  const mistakes: Mistake[] = []
  const compile = (key: 'when' | 'unless', conditions: Conditions | undefined) =>
    conditionList(conditions).flatMap((shape, index) => {
      if (Object.keys(shape).length === 0) return []
      const compiled = compileCondition(shape, listeners)
      if ('test' in compiled) return [compiled.test]
      const path = Array.isArray(conditions) ? [key, index] : [key]
      mistakes.push(...compiled.mistakes.map((each) => mistakeAt(place, [...path, each.key], each)))
      return []
    })
  const inForce = { when, unless: unless ?? usualExemptions(plugin, refuseAt) }
  const applies = applicability({
    when: compile('when', inForce.when),
    unless: compile('unless', inForce.unless),
    asksAllowed: [...conditionList(inForce.when), ...conditionList(inForce.unless)].some(
      (shape) => shape.allowed !== undefined,
    ),
  })
  return { applies, mistakes }
}

/** Whom a plugin exempts as a recipient makes no refusal wait for recipients that is to be spoken at once. */
function usualExemptions(plugin: Plugin, refuseAt: EntryConfig['refuseAt']): Conditions {
  const usual = conditionList(plugin.defaults?.unless)
  if (refuseAt !== 'now') return usual
  return usual.filter((each) => each.recipient === undefined && each.recipient_domain === undefined)
}

type Instance = Entry['instance']

const mostOfOneFile = 50

function setUp(
  { plugin, place }: EntryConfig,
  values: Parameters<Plugin['setup']>[0],
  doors: PluginDoors,
):
  | { readonly instance: Instance; readonly vouches: boolean }
  | { readonly mistakes: readonly Mistake[] } {
  try {
    const vouches = plugin.vouches !== undefined && plugin.mayVouch?.(values) !== false
    const instance = plugin.setup(values, doors)
    const mistakes = instanceProblems(instance).map((mistake) =>
      mistakeAt(place, [], { ...mistake, problem: `${plugin.name} ${mistake.problem}` }),
    )
    return mistakes.length > 0 ? { mistakes } : { instance, vouches }
  } catch (error) {
    if (error instanceof FileMistakes) return { mistakes: inFile(error) }
    const isFile = isPosternError(error, 'DISK_FAILED')
    const problem = `${plugin.name} cannot be set up: ${isFile ? error.message : errorDetail(error)}`
    const remedy = isFile
      ? 'mend that file, or name another'
      : 'the plugin itself must be repaired, or its options changed'
    return { mistakes: [mistakeAt(place, [], { problem, remedy })] }
  }
}

/** The same whichever entry reads the file, so that it is told once. */
function inFile({ path, mistakes }: FileMistakes): readonly Mistake[] {
  return mistakes.slice(0, mostOfOneFile).map(({ line, text, remedy }) => {
    return { file: path, line, problem: `'${text.slice(0, 200)}' means nothing`, remedy }
  })
}

/** Several entries may read one file. */
function toldOnce(mistakes: readonly Mistake[]): readonly Mistake[] {
  return [...new Map(mistakes.map((mistake) => [JSON.stringify(mistake), mistake])).values()]
}

/** Equal chains have equal ids: what their traces mean does not change with a restart. */
function chainId(places: Places, thresholds: Thresholds): string {
  const listed = places.all.map(({ question, entry }) => [
    question,
    entry.name,
    entry.plugin,
    entry.shadow,
    entry.fingerprint ?? '',
  ])
  const text = JSON.stringify([listed, thresholds])
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
