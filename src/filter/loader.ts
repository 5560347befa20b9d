/**
 * Loads plugins from folders, written in TypeScript and not built: `<folder>/<name>/<name>.ts`, or JavaScript, as in the
 * packages of Postern: `<name>.js`.
 * What a plugin imports as `postern/plugin` is our own copy, wherever the plugin lies (but under
 * node_modules, where Node does not read TypeScript). Once loaded, code stays until the process ends.
 */
import { registerHooks } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { isPosternError } from '../mail/errors.ts'
import { nearest } from '../plugin/nearest.ts'
import type { Plugin } from '../plugin/plugin.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Disk } from '../runtime/disk.ts'
import { unlessMissing } from '../runtime/missing.ts'
import { loadMistake } from './load-mistake.ts'
import type { Mistake } from '../plugin/mistake.ts'
import { examineModule } from './plugin-module.ts'

/** What to do where the folder is one of ours. */
export const nameFolderFirst = 'name that folder first in plugin_dirs'

export type Loaded =
  | { readonly loaded: 'plugin'; readonly plugin: Plugin; readonly file: string }
  | {
      readonly loaded: 'nothing'
      readonly problem: string
      readonly remedy: string
      /** The folder that has it, and is not named. */
      readonly liesIn?: string
    }
  | { readonly loaded: 'broken'; readonly mistakes: readonly Mistake[] }

export interface LoaderParts {
  readonly disk: Pick<Disk, 'stat' | 'list' | 'readFile'>
  /** Whose waits keep the process alive. */
  readonly clock: Pick<Clock, 'after'>
  /** Absolute, in the order in which they are looked through. */
  readonly folders: readonly string[]
  /** Asked of each file before it is run. @returns why it is not */
  readonly refuse?: (
    file: string,
  ) => Promise<{ readonly problem: string; readonly remedy: string } | undefined>
}

/** What stands in for a plugin's imports. */
const ownCopies: ReadonlyMap<string, string> = new Map([
  ['postern/plugin', new URL('../plugin/index.ts', import.meta.url).href],
  ['postern/testkit', new URL('../testkit/index.ts', import.meta.url).href],
])

/** The plugins that come with Postern, in a checkout as in a package. */
const ownFolders = ['../../plugins', '../../plugins/local'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
)

/** Where a folder has both, the first. */
const extensions = ['ts', 'js'] as const

/** All plugins load at once, on a machine that may be busy. */
const longestLoadMs = 30_000

const pluginName = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/
/** Folders beside plugins that hold none themselves. */
const notPlugins = new Set(['local', 'shared'])

export class PluginLoader {
  readonly #parts: LoaderParts
  readonly #known = new Map<string, Promise<Loaded>>()
  /** When the files of plugins had been changed, as they were loaded. */
  readonly #loadedAt = new Map<string, number>()
  /** Plugins that were there, whether they loaded or not. */
  readonly #tried = new Map<string, number>()
  #hooks: { deregister(): void } | undefined

  constructor(parts: LoaderParts) {
    this.#parts = parts
  }

  /** Gives the mapping of imports back; what has been loaded stays usable. */
  close(): void {
    this.#hooks?.deregister()
    this.#hooks = undefined
  }

  /** Loads a plugin once; asking again gives the same, but what was not there or broken is tried anew. */
  load(name: string): Promise<Loaded> {
    const before = this.#known.get(name)
    if (before !== undefined) return before
    const loading = this.#load(name).then((result) => {
      if (result.loaded !== 'plugin') this.#known.delete(name)
      return result
    })
    this.#known.set(name, loading)
    return loading
  }

  /** The names of all plugins that there are, loaded or not. */
  async names(): Promise<readonly string[]> {
    const lists = await Promise.all(this.#parts.folders.map((folder) => this.#namesIn(folder)))
    return [...new Set(lists.flat())].toSorted()
  }

  /** Where the plugins lie that were asked for. */
  get watched(): readonly string[] {
    return [...this.#parts.folders, ...[...this.#tried.keys()].map((file) => dirname(file))]
  }

  /** Files of loaded plugins, and those beside them, that have changed since: only a restart takes them. */
  async changed(): Promise<readonly string[]> {
    const changes = await Promise.all(
      [...this.#loadedAt].map(async ([file, at]) =>
        (await this.#modifiedAt(file)) === at ? [] : [file],
      ),
    )
    return changes.flat()
  }

  async #load(name: string): Promise<Loaded> {
    if (!pluginName.test(name)) {
      const remedy = 'write the name of its folder: small letters, digits and hyphens'
      return { loaded: 'nothing', problem: `'${name}' is no name of a plugin`, remedy }
    }
    const files = await this.#find(name)
    const [file, second] = files
    if (file === undefined) return this.#missing(name)
    if (second !== undefined) {
      const problem = `there are two plugins ${name}: ${file} and ${second}`
      return { loaded: 'nothing', problem, remedy: 'rename one of them' }
    }
    const refusal = await this.#parts.refuse?.(file)
    if (refusal !== undefined) return { loaded: 'broken', mistakes: [{ file, ...refusal }] }
    this.#hooks ??= mapImports(this.#parts.folders)
    const before = this.#tried.get(file)
    const modifiedAt = (await this.#modifiedAt(file)) ?? 0
    this.#tried.set(file, modifiedAt)
    const ofFolder = await this.#ofFolder(file)
    const url = pathToFileURL(file)
    // Node remembers why a module failed, however it is mended: by another name it is another module.
    if (before !== undefined && before !== modifiedAt) url.search = `mended=${modifiedAt}`
    const loaded = await this.#import(url, { file, name })
    if (loaded.loaded === 'plugin') {
      for (const [path, at] of ofFolder) this.#loadedAt.set(path, at)
    }
    return loaded
  }

  /** The sources of a plugin: what its file may import lies beside it. */
  async #ofFolder(file: string): Promise<ReadonlyMap<string, number>> {
    const folder = dirname(file)
    const names = (await this.#parts.disk.list(folder)).filter((name) => isSource(name))
    const files = names.map((name) => join(folder, name))
    const times = await Promise.all(files.map((each) => this.#modifiedAt(each)))
    return new Map(files.map((each, index) => [each, times[index] ?? 0]))
  }

  async #import(
    url: URL,
    { file, name }: { readonly file: string; readonly name: string },
  ): Promise<Loaded> {
    try {
      const module = await this.#withDeadline(import(url.href))
      if (module === undefined) {
        const problem = `does not load: what it awaits at its top is not there after ${longestLoadMs / 1000} s`
        const remedy = 'wait in open or in a hook'
        return { loaded: 'broken', mistakes: [{ file, problem, remedy }] }
      }
      const examined = examineModule(module.exports, name)
      if (examined.ok) return { loaded: 'plugin', plugin: examined.plugin, file }
      const mistakes = examined.problems.map((each) => ({ file, line: 1, ...each }))
      return { loaded: 'broken', mistakes }
    } catch (error) {
      const mistake = await loadMistake(error, file, this.#parts.disk)
      return { loaded: 'broken', mistakes: [mistake] }
    }
  }

  /** @returns undefined where the module is not there in time */
  async #withDeadline(
    loading: Promise<unknown>,
  ): Promise<{ readonly exports: unknown } | undefined> {
    const { promise: late, resolve } = Promise.withResolvers<undefined>()
    const timer = this.#parts.clock.after(longestLoadMs, () => resolve(undefined))
    try {
      return await Promise.race([loading.then((exports) => ({ exports })), late])
    } finally {
      timer.cancel()
    }
  }

  async #find(name: string): Promise<readonly string[]> {
    const found = await Promise.all(this.#parts.folders.map((folder) => this.#fileIn(folder, name)))
    return found.flatMap((file) => file ?? [])
  }

  async #fileIn(folder: string, name: string): Promise<string | undefined> {
    const files = extensions.map((extension) => join(folder, name, `${name}.${extension}`))
    const modified = await Promise.all(files.map((file) => this.#modifiedAt(file)))
    return files.find((_, index) => modified[index] !== undefined)
  }

  async #missing(name: string): Promise<Loaded> {
    const missing = { loaded: 'nothing', problem: `there is no plugin ${name}` } as const
    const { folders } = this.#parts
    // A configuration that was copied elsewhere names our folders from where it lay.
    for (const liesIn of ownFolders.filter((folder) => !folders.includes(folder))) {
      // oxlint-disable-next-line no-await-in-loop -- two, of a mistake
      if ((await this.#fileIn(liesIn, name)) !== undefined) {
        return { ...missing, remedy: `it lies in ${liesIn}: ${nameFolderFirst}`, liesIn }
      }
    }
    return { ...missing, remedy: await this.#remedyFor(name) }
  }

  async #remedyFor(name: string): Promise<string> {
    const { folders } = this.#parts
    const meant = nearest(name, await this.names())
    if (meant !== undefined) return `did you mean ${meant}?`
    if (folders.length === 0) return 'name the folder that it is in, as plugin_dirs'
    return `put it into ${folders.join(' or ')} as ${name}/${name}.ts`
  }

  async #namesIn(folder: string): Promise<readonly string[]> {
    try {
      const names = (await this.#parts.disk.list(folder)).filter(
        (name) => pluginName.test(name) && !notPlugins.has(name),
      )
      const there = await Promise.all(names.map((name) => this.#fileIn(folder, name)))
      return names.filter((_, index) => there[index] !== undefined)
    } catch (error) {
      if (isPosternError(error, 'NOT_FOUND')) return []
      throw error
    }
  }

  async #modifiedAt(file: string): Promise<number | undefined> {
    const stat = await unlessMissing(this.#parts.disk.stat(file))
    return stat?.kind === 'file' ? stat.modifiedAt : undefined
  }
}

function mapImports(folders: readonly string[]): { deregister(): void } {
  const roots = folders.map((folder) => pathToFileURL(`${folder}/`).href)
  return registerHooks({
    resolve(specifier, context, nextResolve) {
      const own = ownCopies.get(specifier)
      if (own !== undefined) return { url: own, format: moduleFormat(own), shortCircuit: true }
      const resolved = nextResolve(specifier, context)
      // A folder of plugins needs no package.json to say that its files are modules.
      const { url } = resolved
      const root = roots.find((each) => url.startsWith(each))
      const isPlugin = root !== undefined && !url.slice(root.length).includes('node_modules/')
      return isPlugin && /\.[tj]s$/.test(withoutQuery(url))
        ? { ...resolved, format: moduleFormat(url) }
        : resolved
    },
  })
}

function moduleFormat(url: string): 'module' | 'module-typescript' {
  return withoutQuery(url).endsWith('.ts') ? 'module-typescript' : 'module'
}

function withoutQuery(url: string): string {
  const at = url.indexOf('?')
  return at < 0 ? url : url.slice(0, at)
}

function isSource(name: string): boolean {
  return /\.[tj]s$/.test(name) && !/\.test\.[tj]s$/.test(name)
}
