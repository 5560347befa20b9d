/**
 * The configuration that is in force, and how another takes its place: it is read, checked, opened and tried beside the
 * one before, and exchanged for it as a whole. One with mistakes changes nothing. Whatever changes on the disk of what it is
 * made of leads to a reload, and reloads come one after the other; another file beside it, or one that was only touched, does
 * not: programs of entries would start anew for nothing.
 */
import type { Configuration } from '../config/configuration.ts'
import { formatMistake } from '../config/format-mistake.ts'
import { needRestart } from '../config/need-restart.ts'
import { errorMessage, errorStack, PosternError } from '../mail/errors.ts'
import type { Mistake } from '../plugin/mistake.ts'
import type { ReloadReport } from '../workers/messages.ts'
import { KeptFiles } from './kept-files.ts'
import { configurationPaths, ownPaths, PathWatches } from './path-watches.ts'
import { PluginLoaders } from './plugin-loaders.ts'
import { prepare, type PrepareDoors, type Prepared } from './prepare.ts'

export interface InForceOptions {
  readonly folder: string
  readonly doors: PrepareDoors
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
  /** What the one in force was read from. */
  #files: KeptFiles | undefined
  /** Of its plugins, those that have changed since they were loaded. */
  #changedPlugins: readonly string[] = []
  #isOnDisk = true
  #count = 1

  constructor(options: InForceOptions) {
    const { disk } = options.doors
    this.#options = options
    this.#loaders = new PluginLoaders(disk)
    this.#watches = new PathWatches(disk, () => void this.#looked())
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

  /**
   * Puts the first one in force.
   * @param read what it was read by
   * @throws PosternError CONFIG_INVALID, with everything that is wrong with it
   */
  async open(reading: Configuration, read: KeptFiles): Promise<Prepared> {
    const preparation = await this.#prepare(read, reading)
    if (!preparation.ok) {
      throw new PosternError('CONFIG_INVALID', preparation.mistakes.map(formatMistake).join('\n'))
    }
    this.#prepared = preparation.prepared
    this.#first = preparation.prepared.configuration
    this.#keep(read)
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

  /** Something was written where the configuration lies. */
  async #looked(): Promise<void> {
    const looking = this.#reloading.then(async () =>
      (await this.#isAsRead()) ? undefined : this.#reloadNow(),
    )
    this.#reloading = looking
    const report = await looking
    if (report !== undefined) this.#options.reloaded(report)
  }

  /** Where the last one was not taken, anything may have been what it lacked. */
  async #isAsRead(): Promise<boolean> {
    if (!this.#isOnDisk || this.#files?.areTheSame() !== true) return false
    const plugins = await this.#loaders.changed()
    return plugins.join('\n') === this.#changedPlugins.join('\n')
  }

  #keep(files: KeptFiles): void {
    const { ownCertificate } = this.current
    if (ownCertificate !== undefined) files.note(ownCertificate)
    this.#files = files
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

  #prepare(disk: KeptFiles, reading?: Configuration): ReturnType<typeof prepare> {
    const { folder, doors } = this.#options
    const loaderFor = (folders: readonly string[]) => this.#loaders.for(folders)
    const request = { folder, doors, loaderFor, lineage: this, disk }
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
      const files = new KeptFiles(doors.disk)
      const preparation = await this.#prepare(files)
      const mistakes = preparation.ok ? await refuses(preparation.prepared) : preparation.mistakes
      if (!preparation.ok || mistakes.length > 0) {
        return kept(mistakes, mistakes.map(formatMistake))
      }
      const needsRestart = await this.#exchange(preparation.prepared, files)
      return { at, ok: true, mistakes: [], needsRestart }
    } catch (error) {
      const stack = errorStack(error)
      const problem = errorMessage(error)
      return kept([{ file: folder, problem, remedy: 'the log says more' }], [stack])
    }
  }

  /** @returns what a restart is needed for: keys of the configuration, files of plugins */
  async #exchange(prepared: Prepared, read: KeptFiles): Promise<readonly string[]> {
    const { doors, exchanged } = this.#options
    const { log } = doors
    const before = this.current
    this.#prepared = prepared
    this.#isOnDisk = true
    this.#keep(read)
    this.#count += 1
    this.follow()
    void exchanged(prepared)?.then(() => before.resources.close())
    const keys = needRestart(this.#first ?? before.configuration, prepared.configuration)
    if (keys.length > 0) log.warn('config.needs-restart', { keys })
    const files = await this.#loaders.changed()
    this.#changedPlugins = files
    if (files.length > 0) log.warn('plugin.needs-restart', { files })
    log.info('config.reloaded', { entries: prepared.generation.listing.map(({ name }) => name) })
    return [...keys, ...files]
  }
}
