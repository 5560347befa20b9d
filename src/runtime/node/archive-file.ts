/** An archive's SQLite file: how it is opened, and what is in it. Used by its thread only: every call blocks. */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

const schemaVersion = 1
const schema = `
  CREATE TABLE IF NOT EXISTS records (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, counts INTEGER NOT NULL,
    value TEXT NOT NULL, detail TEXT
  );
  CREATE TABLE IF NOT EXISTS segments (
    segment INTEGER PRIMARY KEY, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
    counted INTEGER NOT NULL
  );
  CREATE TABLE IF NOT EXISTS postings (id INTEGER PRIMARY KEY, list BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS notes (
    seq INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, value TEXT NOT NULL
  );
`
/** Not a database; a database whose inside is broken. */
const damageCodes = new Set([11, 26])
const pageBytes = 16_384
/** Another process writes: its transactions are short. */
const busyMs = 5000
/** What the log of writes may keep of the disk when it has been folded in. */
const walBytes = 16 * 1_048_576

export interface OpenedArchive {
  readonly file: DatabaseSync
  /** Which file it is, whatever becomes of its name. */
  readonly inode: number
  /** Where the file went that could not be read. */
  readonly damaged?: string
}

/** @returns the file; one that cannot be read is moved aside, for what lies in it is merely known */
export function openArchiveFile(path: string, now: number): OpenedArchive {
  makeFile(path)
  const inode = inodeOf(path) ?? 0
  try {
    return { file: openForWriting(path), inode }
  } catch (error) {
    if (!isDamage(error)) throw error
    const damaged = setAside(path, { inode, now })
    makeFile(path)
    const opened = { inode: inodeOf(path) ?? 0, file: openForWriting(path) }
    return damaged === undefined ? opened : { ...opened, damaged }
  }
}

/**
 * Moves a damaged file away, and what SQLite wrote beside it. Of several that were moved the last one stays: a disk that
 * breaks every file must not be filled with them.
 * @param inode of the file that is damaged
 * @returns its new name; undefined where another file has its place by now: another process was faster
 */
export function setAside(
  path: string,
  { inode, now }: { readonly inode: number; readonly now: number },
): string | undefined {
  if (inodeOf(path) !== inode) return undefined
  const folder = dirname(path)
  const prefix = `${basename(path)}.damaged-`
  for (const name of readdirSync(folder)) {
    if (name.startsWith(prefix)) rmSync(join(folder, name), { force: true })
  }
  const aside = join(folder, `${prefix}${now}`)
  renameSync(path, aside)
  for (const beside of ['-wal', '-shm']) moveIfThere(path + beside, aside + beside)
  return aside
}

/** @returns undefined where there is no such file */
export function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino
}

/** Beside whoever writes: takes no lock from them. @throws where there is no such file, or it is a newer version's */
export function openArchiveForReading(path: string): DatabaseSync {
  const file = new DatabaseSync(path, { timeout: busyMs, readOnly: true })
  return checked(file, path)
}

function openForWriting(path: string): DatabaseSync {
  const file = new DatabaseSync(path, { timeout: busyMs })
  try {
    // Only an empty file takes these: what is freed can be given back bit by bit, and a record of some KB shares its page
    // with others instead of filling one alone.
    file.exec(`PRAGMA page_size = ${pageBytes}; PRAGMA auto_vacuum = INCREMENTAL`)
    file.exec(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = ${walBytes}`,
    )
    if (versionOf(file) === 0) {
      file.exec(`BEGIN IMMEDIATE; ${schema} PRAGMA user_version = ${schemaVersion}; COMMIT`)
    }
  } catch (error) {
    file.close()
    throw error
  }
  return checked(file, path)
}

function checked(file: DatabaseSync, path: string): DatabaseSync {
  try {
    if (versionOf(file) <= schemaVersion) return file
  } catch (error) {
    file.close()
    throw error
  }
  file.close()
  throw new Error(`${path} was written by a newer version`)
}

function versionOf(file: DatabaseSync): number {
  return Number(file.prepare('PRAGMA user_version').get()?.['user_version'])
}

/** Whether what is in the file cannot be relied on any more. */
export function isDamage(error: unknown): boolean {
  // The lowest byte is the kind of the error, what stands above it says more.
  return (
    error instanceof Error && 'errcode' in error && damageCodes.has(Number(error.errcode) & 0xff)
  )
}

/** Who wrote to whom is for the gateway's own eyes: SQLite gives what it writes beside it the same mode. */
function makeFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true })
  if (existsSync(path)) return
  try {
    closeSync(openSync(path, 'wx', 0o640))
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}

function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
}
