/**
 * The configuration that is in force, and how another takes its place: it is read, checked, opened and tried beside the
 * one before, and exchanged for it as a whole. One with mistakes changes nothing. Whatever changes on the disk leads to a
 * reload, and reloads come one after the other.
 */
import type { Configuration } from '../config/configuration.ts'
import { formatMistake } from '../config/format-mistake.ts'
import { needRestart } from '../config/need-restart.ts'
import { errorMessage, errorStack, PosternError } from '../mail/errors.ts'
import type { Mistake } from '../plugin/mistake.ts'
import type { Doors } from '../runtime/doors.ts'
import type { ReloadReport } from '../workers/messages.ts'
import { configurationPaths, ownPaths, PathWatches } from './path-watches.ts'
import { PluginLoaders } from './plugin-loaders.ts'
import { prepare, type Prepared } from './prepare.ts'

export interface InForceOptions {
  readonly folder: string
  readonly doors: Doors
  /** What else speaks against one that is ready: then it is closed again. */
  readonly refuses: (prepared: Prepared) => Promise<readonly Mistake[]>
  /** Called when another is in force. @returns resolves when nobody uses the chain of the one before any more */
  readonly exchanged: (prepared: Prepared) => Promise<void> | undefined
  /** Called with what came of each reload, whoever wanted it. */
  readonly reloaded: (report: ReloadReport) => void
}

export class InForce {
  readonly #options: InForceOptions
  readonly #watches: PathWatches
  readonly #loaders: PluginLoaders
  #prepared: Prepared | undefined
  /** The first one: some of it a reload does not change. */
  #first: Configuration | undefined
  #reloading: Promise<unknown> = Promise.resolve()
  #isOnDisk = true
  #count = 1

  constructor(options: InForceOptions) {
    const { disk } = options.doors
    this.#options = options
    this.#loaders = new PluginLoaders(disk)
    this.#watches = new PathWatches(disk, () => void this.reload())
  }

  /** @throws PosternError CONFIG_INVALID before there is one */
  get current(): Prepared {
    if (this.#prepared === undefined)
      throw new PosternError('CONFIG_INVALID', 'nothing is in force')
    return this.#prepared
  }

  /** Whether it is what lies on the disk, as far as that is known. */
  get isOnDisk(): boolean {
    return this.#isOnDisk
  }

  /** How many there have been. */
  get count(): number {
    return this.#count
  }

  /** Puts the first one in force. @throws PosternError CONFIG_INVALID, with everything that is wrong with it */
  async open(reading: Configuration): Promise<Prepared> {
    const preparation = await this.#prepare(reading)
    if (!preparation.ok) {
      throw new PosternError('CONFIG_INVALID', preparation.mistakes.map(formatMistake).join('\n'))
    }
    this.#prepared = preparation.prepared
    this.#first = preparation.prepared.configuration
    return preparation.prepared
  }

  /** From here on whatever changes of it leads to a reload. */
  follow(): void {
    const { configuration, ownCertificate } = this.current
    this.#watches.follow(
      configurationPaths(configuration, ownCertificate, this.#loaders.watched),
      ownPaths(configuration),
    )
  }

  async reload(): Promise<ReloadReport> {
    const reloading = this.#reloading.then(() => this.#reloadNow())
    this.#reloading = reloading
    const report = await reloading
    this.#options.reloaded(report)
    return report
  }

  /** Resolves when no reload is under way; none follows of itself. */
  async settle(): Promise<void> {
    await this.#reloading
    this.#watches.close()
  }

  /** Once its chain is retired. */
  close(): void {
    this.#prepared?.resources.close()
    this.#loaders.close()
  }

  /** Resolves when its chain is closed. */
  async retire(): Promise<void> {
    await this.#prepared?.generation.retire()
  }

  #prepare(reading?: Configuration): ReturnType<typeof prepare> {
    const { folder, doors } = this.#options
    const loaderFor = (folders: readonly string[]) => this.#loaders.for(folders)
    const request = { folder, doors, loaderFor }
    return prepare(reading === undefined ? request : { ...request, reading })
  }

  async #reloadNow(): Promise<ReloadReport> {
    const { folder, doors, refuses } = this.#options
    const at = doors.clock.now()
    const kept = (mistakes: readonly Mistake[], said: readonly string[]): ReloadReport => {
      this.#isOnDisk = false
      // A plugin that did not load may be mended where it lies.
      this.follow()
      doors.log.error('config.kept', { mistakes: said })
      return { at, ok: false, mistakes, needsRestart: [] }
    }
    try {
      const preparation = await this.#prepare()
      const mistakes = preparation.ok ? await refuses(preparation.prepared) : preparation.mistakes
      if (!preparation.ok || mistakes.length > 0) {
        return kept(mistakes, mistakes.map(formatMistake))
      }
      const needsRestart = await this.#exchange(preparation.prepared)
      return { at, ok: true, mistakes: [], needsRestart }
    } catch (error) {
      const stack = errorStack(error)
      const problem = errorMessage(error)
      return kept([{ file: folder, problem, remedy: 'the log says more' }], [stack])
    }
  }

  /** @returns what a restart is needed for: keys of the configuration, files of plugins */
  async #exchange(prepared: Prepared): Promise<readonly string[]> {
    const { doors, exchanged } = this.#options
    const { log } = doors
    const before = this.current
    this.#prepared = prepared
    this.#isOnDisk = true
    this.#count += 1
    this.follow()
    void exchanged(prepared)?.then(() => before.resources.close())
    const keys = needRestart(this.#first ?? before.configuration, prepared.configuration)
    if (keys.length > 0) log.warn('config.needs-restart', { keys })
    const files = await this.#loaders.changed()
    if (files.length > 0) log.warn('plugin.needs-restart', { files })
    log.info('config.reloaded', { entries: prepared.generation.listing.map(({ name }) => name) })
    return [...keys, ...files]
  }
}
