import { dirname, join, relative } from 'node:path'
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

/**
 * What the gateway itself writes into the folder of its configuration, if it is told to: no change of the configuration. Where it
 * lies deeper in it, the folder at the top stands for it.
 */
export function ownPaths(configuration: Configuration): ReadonlySet<string> {
  const { folder, accounts, admin, delivery, listeners, log, operator, spool, store, tls, traces } =
    configuration
  const written = [
    accounts.path,
    delivery.maildirs,
    operator.folder,
    spool.path,
    store.path,
    tls.path,
    traces.path,
    ...(admin === undefined ? [] : [admin.path]),
    ...listeners.flatMap(({ record }) => record?.folder ?? []),
    ...log.outputs.map(({ to }) => to).filter((to) => to.startsWith('/')),
  ]
  const tops = written.map((path) => relative(folder, path).split('/')[0] ?? '')
  return new Set(
    tops
      .filter((top) => top !== '' && top !== '..' && top !== 'control')
      .map((top) => join(folder, top)),
  )
}

/** Watches the paths that it is told, and no others. */
export class PathWatches {
  readonly #disk: Pick<Disk, 'watch'>
  readonly #changed: () => void
  readonly #watches = new Map<string, DiskWatch>()
  #own: ReadonlySet<string> = new Set()

  constructor(disk: Pick<Disk, 'watch'>, changed: () => void) {
    this.#disk = disk
    this.#changed = changed
  }

  /** @param own is none of them, with what a database has beside its file */
  follow(paths: ReadonlySet<string>, own: ReadonlySet<string>): void {
    this.#own = own
    for (const [path, watch] of this.#watches) {
      if (paths.has(path)) continue
      watch.close()
      this.#watches.delete(path)
    }
    for (const path of paths) {
      if (this.#watches.has(path)) continue
      const isOurs = (name: string): boolean =>
        this.#own.has(join(path, name.replace(/-(?:wal|shm|journal)$/, '')))
      this.#watches.set(path, this.#disk.watch(path, this.#changed, isOurs))
    }
  }

  close(): void {
    this.follow(new Set(), new Set())
  }
}
