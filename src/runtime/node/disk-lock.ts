/**
 * A lock that dies with its process: SQLite's exclusive lock on a file of its own, an fcntl lock underneath, so it
 * holds between containers that share the folder and leaves nothing behind after a kill or a power cut.
 * Nobody else may open the file: closing any descriptor of it would drop the lock (POSIX fcntl).
 */
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
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database?.close()
    const taken = isSqliteError(error, sqliteBusy) || isSqliteError(error, sqliteLocked)
    throw new PosternError(taken ? 'SPOOL_LOCKED' : 'DISK_FAILED', path, { cause: error })
  }
  const held = database
  return {
    async release() {
      if (held.isOpen) held.close()
    },
  }
}

function isSqliteError(error: unknown, code: number): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === code
}
