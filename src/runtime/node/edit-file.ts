/**
 * Changing a small file of the configuration so that whoever reads it sees the old text or the new one, never half of
 * either, and two who change it at once lose nothing. The new text is written to `<path>.new`, which is the lock as well;
 * owner and mode stay as they were.
 */
import fs from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { PosternError } from '../../mail/errors.ts'

const patienceMs = 5_000
const againMs = 50
/** Whoever wrote it is gone: nobody takes a minute for it. */
const staleMs = 60_000

/**
 * @param named the file, or a link to it
 * @param change from the text now, empty where there is no file, to the text as it shall be; what it throws changes nothing
 * @returns whether the text is another now
 * @throws PosternError DISK_FAILED, TIMEOUT where somebody else holds the lock
 */
export async function editFile(named: string, change: (text: string) => string): Promise<boolean> {
  const there = await realPath(named)
  const path = there ?? named
  const fresh = `${path}.new`
  // What only its owner may read is never anybody else's, not even while it is written.
  const file = await lock(fresh, there === undefined ? 0o644 : 0o600)
  let moved = false
  try {
    const before = await read(path)
    const text = change(before?.text ?? '')
    const changed = text !== (before?.text ?? '')
    if (changed) {
      await file.writeFile(text)
      if (before !== undefined) {
        await file.chmod(before.mode)
        await file.chown(before.uid, before.gid)
      }
      await file.sync()
      await fs.rename(fresh, path)
      moved = true
      await syncFolder(dirname(path))
    }
    return changed
  } catch (error) {
    throw error instanceof Error && 'syscall' in error
      ? new PosternError('DISK_FAILED', path, { cause: error })
      : error
  } finally {
    await file.close()
    // After a rename the name is free, and may be the next one's lock already.
    if (!moved) await fs.rm(fresh, { force: true })
  }
}

/** Behind a symbolic link is the file that is meant. @returns undefined where there is none. @throws PosternError DISK_FAILED */
export async function realPath(path: string): Promise<string | undefined> {
  try {
    return await fs.realpath(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw new PosternError('DISK_FAILED', path, { cause: error })
  }
}

async function lock(path: string, mode: number): Promise<fs.FileHandle> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    try {
      return await fs.open(path, 'wx', mode)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) {
        throw new PosternError('DISK_FAILED', path, { cause: error })
      }
    }
    if (await isStale(path)) await fs.rm(path, { force: true })
    else if (performance.now() > deadline) {
      throw new PosternError('TIMEOUT', `somebody else is changing it: ${path} is there`)
    } else await delay(againMs)
  }
}

async function isStale(path: string): Promise<boolean> {
  const { mtimeMs } = await fs.stat(path).catch(() => ({ mtimeMs: Infinity }))
  return Date.now() - mtimeMs > staleMs
}

async function read(path: string) {
  try {
    const [text, { mode, uid, gid }] = [await fs.readFile(path, 'utf8'), await fs.stat(path)]
    return { text, mode: mode & 0o7777, uid, gid }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await fs.open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
