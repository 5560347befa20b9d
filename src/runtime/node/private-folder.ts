/**
 * A folder of root's for as long as a process lives. One that was killed leaves it behind: a lock in it tells, and the next
 * one takes it away.
 */
import {
  chownSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  rmdirSync,
  rmSync,
  type Stats,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { errorMessage, isPosternError, PosternError } from '../../mail/errors.ts'
import { lockFile } from './disk-lock.ts'

export interface PrivateFolder {
  readonly path: string
  /** With what is in it. */
  remove(): Promise<void>
}

const prefix = 'postern-keeper-'
const lockName = 'lock'
const groupAndOthersWrite = 0o022
/** A younger one may not have its lock yet. */
const youngMs = 60_000

/** A folder that nobody but us may enter. @throws PosternError DISK_FAILED */
export async function makePrivateFolder(): Promise<PrivateFolder> {
  const path = made()
  const lock = await lockFile(join(path, lockName))
  return {
    path,
    async remove() {
      await lock.release()
      rmSync(path, { recursive: true, force: true })
    },
  }
}

function made(): string {
  try {
    const path = mkdtempSync(join(tmpdir(), prefix))
    chownSync(path, 0, 0)
    return path
  } catch (error) {
    const why = errorMessage(error)
    throw new PosternError('DISK_FAILED', why, { cause: error })
  }
}

/**
 * Removes the folders of those that are gone. Only folders of root's into which nobody else can have put anything: in them
 * nothing leads elsewhere. What cannot be removed stays.
 */
export async function removeLeftFolders(nowMs: number): Promise<void> {
  for (const name of namesLeft()) {
    const path = join(tmpdir(), name)
    // oxlint-disable-next-line no-await-in-loop -- one after the other: there is one, or none
    if (isRootsAlone(path, nowMs) && (await isLeft(path))) removeQuietly(path)
  }
}

function namesLeft(): readonly string[] {
  try {
    return readdirSync(tmpdir()).filter((name) => name.startsWith(prefix))
  } catch {
    return []
  }
}

function isRootsAlone(path: string, nowMs: number): boolean {
  const found = lookedUp(path)
  if (found === undefined || !found.isDirectory() || found.uid !== 0) return false
  return (found.mode & groupAndOthersWrite) === 0 && nowMs - found.mtimeMs > youngMs
}

/** Nobody holds its lock. */
async function isLeft(path: string): Promise<boolean> {
  const lock = join(path, lockName)
  // Without one it has not come further than its making.
  if (lookedUp(lock) === undefined) return true
  try {
    const held = await lockFile(lock)
    await held.release()
    return true
  } catch (error) {
    if (isPosternError(error)) return false
    throw error
  }
}

function removeQuietly(path: string): void {
  try {
    if (lookedUp(join(path, lockName)) === undefined) rmdirSync(path)
    else rmSync(path, { recursive: true, force: true })
  } catch {
    // Another one was faster.
  }
}

function lookedUp(path: string): Stats | undefined {
  try {
    return lstatSync(path)
  } catch {
    return undefined
  }
}
