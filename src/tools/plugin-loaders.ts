import { PluginLoader } from '../filter/loader.ts'
import { holdingClock } from '../runtime/node/clock.ts'
import type { Disk } from '../runtime/disk.ts'

/** The loader in force: a reload that names the same plugin folders goes on with it, so that no module is loaded twice. */
export class PluginLoaders {
  readonly #disk: Disk
  #current: { readonly folders: string; readonly loader: PluginLoader } | undefined

  constructor(disk: Disk) {
    this.#disk = disk
  }

  for(folders: readonly string[]): PluginLoader {
    const key = folders.join('\n')
    if (this.#current?.folders === key) return this.#current.loader
    this.close()
    const loader = new PluginLoader({ disk: this.#disk, clock: holdingClock, folders })
    this.#current = { folders: key, loader }
    return loader
  }

  /** Where the plugins lie that were asked for. */
  get watched(): readonly string[] {
    return this.#current?.loader.watched ?? []
  }

  /** Files of plugins that are other than when they were loaded: a restart takes them. */
  async changed(): Promise<readonly string[]> {
    return (await this.#current?.loader.changed()) ?? []
  }

  close(): void {
    this.#current?.loader.close()
  }
}
