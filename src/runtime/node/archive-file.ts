/** An archive's SQLite file: how it is opened, and what is in it. Used by its thread only: every call blocks. */
import { DatabaseSync } from 'node:sqlite'
import { openOrReplace, type DatabaseFile, type OpenedDatabase } from './database-file.ts'
import { versionOf } from './schema-steps.ts'

/** 2: the indexes know transactions of another kind than before, too, that earlier versions do not find. */
const schemaVersion = 2
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
const pageBytes = 16_384
/** Another process writes: its transactions are short. */
const busyMs = 5000
/** What the log of writes may keep of the disk when it has been folded in. */
const walBytes = 16 * 1_048_576

/** Traces are many: of damaged files the last one stays. */
export function archiveFile(path: string): DatabaseFile {
  return { path, keeps: 1 }
}

/** @returns the file; one that cannot be read is moved aside, for what lies in it is merely known */
export function openArchiveFile(path: string, now: number): OpenedDatabase<DatabaseSync> {
  return openOrReplace(archiveFile(path), now, openForWriting)
}

/** Beside whoever writes: takes no lock from them. @throws where there is no such file, or it is a newer version's */
export function openArchiveForReading(path: string): DatabaseSync {
  const file = new DatabaseSync(path, { timeout: busyMs, readOnly: true })
  return checked(file)
}

/** Whoever writes has opened it, and written nothing yet. */
export function isUnwritten(file: DatabaseSync): boolean {
  return versionOf(file) === 0
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
    if (isUnwritten(file)) {
      file.exec(`BEGIN IMMEDIATE; ${schema} PRAGMA user_version = ${schemaVersion}; COMMIT`)
    } else if (versionOf(file) < schemaVersion) {
      file.exec(`PRAGMA user_version = ${schemaVersion}`)
    }
  } catch (error) {
    file.close()
    throw error
  }
  return checked(file)
}

function checked(file: DatabaseSync): DatabaseSync {
  try {
    if (versionOf(file) <= schemaVersion) return file
  } catch (error) {
    file.close()
    throw error
  }
  file.close()
  throw new Error('it was written by a newer version')
}
