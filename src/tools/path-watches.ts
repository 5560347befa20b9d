import { dirname, join } from 'node:path'
import type { Configuration } from '../config/configuration.ts'
import type { Disk, DiskWatch } from '../runtime/disk.ts'

/** Where a configuration lies: its folder, `control/`, its certificates and tables, wherever those are. */
export function configurationPaths(
  { folder, certificateFiles, tcpRulesPath, tableFiles }: Configuration,
  ownCertificate: string | undefined,
  plugins: readonly string[],
): ReadonlySet<string> {
  return new Set([
    folder,
    join(folder, 'control'),
    ...(dirname(tcpRulesPath) === folder ? [] : [tcpRulesPath]),
    ...certificateFiles,
    ...tableFiles,
    ...plugins,
    ...(ownCertificate === undefined ? [] : [ownCertificate]),
  ])
}

/** Watches the paths that it is told, and no others. */
export class PathWatches {
  readonly #disk: Pick<Disk, 'watch'>
  readonly #changed: () => void
  readonly #watches = new Map<string, DiskWatch>()

  constructor(disk: Pick<Disk, 'watch'>, changed: () => void) {
    this.#disk = disk
    this.#changed = changed
  }

  follow(paths: ReadonlySet<string>): void {
    for (const [path, watch] of this.#watches) {
      if (paths.has(path)) continue
      watch.close()
      this.#watches.delete(path)
    }
    for (const path of paths) {
      if (!this.#watches.has(path)) this.#watches.set(path, this.#disk.watch(path, this.#changed))
    }
  }

  close(): void {
    this.follow(new Set())
  }
}
