/** Tables (text) and constant databases (cdb) of the configuration, as plugin options see them. */
import { openCdb } from '../formats/cdb-reader.ts'
import { readAtBytes } from '../formats/cdb.ts'
import type { Cdb } from '../formats/cdb-reader.ts'
import { isPosternError } from '../mail/errors.ts'
import type { CdbTable, FollowedFile, Table } from '../plugin/table.ts'
import type { Disk, DiskFile } from '../runtime/disk.ts'
import type { Log } from '../runtime/log.ts'

/** Keys, one a line, with an optional value after blanks; `#` begins a comment line; keys are compared in lower case. */
export function parseTable(bytes: Uint8Array | undefined): ReadonlyMap<string, string> {
  const table = new Map<string, string>()
  if (bytes === undefined) return table
  for (const line of new TextDecoder().decode(bytes).split('\n')) {
    const text = line.trim()
    if (text === '' || text.startsWith('#')) continue
    const blank = text.search(/\s/)
    const key = blank < 0 ? text : text.slice(0, blank)
    table.set(key.toLowerCase(), blank < 0 ? '' : text.slice(blank).trim())
  }
  return table
}

/** A table kept in a text file. */
export function textTable(file: FollowedFile): Table {
  const live = file.follow((bytes) => ({ present: bytes !== undefined, lines: parseTable(bytes) }))
  return {
    get present() {
      return live.current.present
    },
    has: (key) => live.current.lines.has(key.toLowerCase()),
    get: (key) => live.current.lines.get(key.toLowerCase()),
  }
}

/** A cdb that is open, that does not exist, or that cannot be used. */
type Database =
  | { readonly file: DiskFile; readonly cdb: Cdb }
  | { readonly missing: true }
  | { readonly failure: unknown }

/**
 * A cdb read by position and reopened when it is replaced; a missing file holds nothing. One that is damaged or cannot
 * be read throws at `get`: the plugin that asked has a fault, and its entry says what then happens.
 */
export function followedCdb(
  path: string,
  disk: Disk,
  log: Log,
): { readonly table: CdbTable; close(): void } {
  const open = (): Database => {
    const database = openDatabase(path, disk)
    if ('failure' in database)
      log.error('file.unreadable', { path, error: String(database.failure) })
    return database
  }
  const closeFile = (database: Database): void => {
    if (!('file' in database)) return
    database.file.close().catch((error: unknown) => {
      log.warn('file.close-failed', { path, error: String(error) })
    })
  }
  let current = open()
  const watch = disk.watch(path, () => {
    const before = current
    current = open()
    closeFile(before)
    log.info('file.reread', { path })
  })
  return {
    table: {
      get present() {
        return !('missing' in current)
      },
      get(key) {
        if ('failure' in current) throw current.failure
        return 'cdb' in current ? current.cdb.get(key) : undefined
      },
      path,
      entries() {
        if ('failure' in current) throw current.failure
        return 'cdb' in current ? current.cdb.entries() : []
      },
    },
    close() {
      watch.close()
      closeFile(current)
      current = { missing: true }
    },
  }
}

/** A cdb up to this size is read once: a question of a larger one costs a few reads of the disk. */
const inMemoryBytes = 8 << 20

function openDatabase(path: string, disk: Disk): Database {
  let file: DiskFile | undefined
  try {
    const opened = disk.openNow(path)
    file = opened
    const { sizeBytes } = opened.statNow()
    if (sizeBytes <= inMemoryBytes) {
      return { file, cdb: openCdb(readAtBytes(opened.readNow(0, sizeBytes))) }
    }
    const readAt = (at: number, length: number): Uint8Array => opened.readNow(at, length)
    return { file, cdb: openCdb({ sizeBytes, readAt }) }
  } catch (failure) {
    // Nothing was read from it, so nothing is lost if even closing fails.
    file?.close().catch(() => undefined)
    return isPosternError(failure, 'NOT_FOUND') ? { missing: true } : { failure }
  }
}
