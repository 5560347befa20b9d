/**
 * Files of the configuration, followed as they change. A file that cannot be read any more keeps its last reading,
 * and the log says so: an editor that writes in place must not empty a list for the blink of a save.
 */
import type { FollowedFile, Live } from '../plugin/table.ts'
import type { Disk, DiskWatch } from '../runtime/disk.ts'
import type { Log } from '../runtime/log.ts'
import { unlessMissingNow } from '../runtime/missing.ts'

export interface FollowedFiles {
  file(path: string): FollowedFile
  /** Ends all watches; the last readings stay. */
  close(): void
}

/** @param maxBytes what a file may hold; a larger one is refused and logged. */
export function followedFiles(disk: Disk, log: Log, maxBytes = 64 * 1024 * 1024): FollowedFiles {
  const watches: DiskWatch[] = []
  const read = (path: string): Uint8Array | undefined => {
    return unlessMissingNow(() => disk.readFileNow(path, maxBytes))
  }
  return {
    file: (path) => ({
      path,
      read: () => read(path),
      follow<T>(parse: (bytes: Uint8Array | undefined) => T, before?: T): Live<T> {
        const unreadable = (error: unknown): void =>
          log.error('file.unreadable', { path, error: String(error) })
        const live = { current: firstReading(() => parse(read(path)), before, unreadable) }
        const reread = (): void => {
          try {
            live.current = parse(read(path))
            log.info('file.reread', { path })
          } catch (error) {
            unreadable(error)
          }
        }
        watches.push(disk.watch(path, reread))
        return live
      },
    }),
    close() {
      for (const watch of watches.splice(0)) watch.close()
    },
  }
}

function firstReading<T>(
  read: () => T,
  before: T | undefined,
  unreadable: (error: unknown) => void,
): T {
  try {
    return read()
  } catch (error) {
    if (before === undefined) throw error
    unreadable(error)
    return before
  }
}
