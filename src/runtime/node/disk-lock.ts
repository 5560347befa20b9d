/**
 * A lock that dies with its process: SQLite's exclusive lock on a file of its own, an fcntl lock underneath, so it
 * holds between containers that share the folder and leaves nothing behind after a kill or a power cut.
 * Nobody else may open the file: closing any descriptor of it would drop the lock (POSIX fcntl). Who holds it stands
 * in a second file, `.pid`, for the one who is refused; it means nothing while nobody holds the lock.
 */
import fs from 'node:fs'
import process from 'node:process'
import { DatabaseSync } from 'node:sqlite'
import { PosternError } from '../../mail/errors.ts'
import type { DiskLock } from '../disk.ts'

const sqliteBusy = 5
const sqliteLocked = 6

/** @throws PosternError SPOOL_LOCKED when somebody holds it, DISK_FAILED when the file cannot be made */
export async function lockFile(path: string): Promise<DiskLock> {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { timeout: 0 })
    // Without a journal beside it: a full disk must not keep a gateway from starting, and from delivering.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    database?.close()
    const taken = isSqliteError(error, sqliteBusy) || isSqliteError(error, sqliteLocked)
    if (!taken) throw new PosternError('DISK_FAILED', path, { cause: error })
    throw new PosternError('SPOOL_LOCKED', `${path}${holderOf(path)}`, { cause: error })
  }
  const held = database
  nameHolder(path)
  return {
    async release() {
      if (held.isOpen) held.close()
    },
  }
}

function nameHolder(path: string): void {
  try {
    fs.writeFileSync(`${path}.pid`, `${process.pid}\n`, { mode: 0o600 })
  } catch {
    // A full disk: the lock holds all the same, only its holder has no name.
  }
}

function holderOf(path: string): string {
  try {
    const pid = Number.parseInt(fs.readFileSync(`${path}.pid`, 'latin1'), 10)
    return Number.isNaN(pid) ? '' : `, held by process ${pid}`
  } catch {
    // Nobody has written it: the refusal says what it knows.
    return ''
  }
}

function isSqliteError(error: unknown, code: number): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === code
}
