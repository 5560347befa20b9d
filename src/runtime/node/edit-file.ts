/**
 * Changing a small file of the configuration so that whoever reads it sees the old text or the new one, never half of
 * either, and two who change it at once lose nothing. The new text is written to `<path>.new`, which is the lock as well;
 * owner and mode stay as they were.
 */
import fs from 'node:fs/promises'
import { dirname } from 'node:path'
import { PosternError } from '../../mail/errors.ts'
import { lockDescriptor } from './file-locks.ts'

/** Each of several who wait starts over when another is done: with many of them on a busy machine that takes a while. */
const patienceMs = 20_000

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
        await giveBack(file, before)
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
    // After a rename the name is free, and may be the next one's lock already; before, it is ours while we hold it.
    if (!moved) await fs.rm(fresh, { force: true })
    await file.close()
  }
}

/** Asked only where it changes something: an ordinary service may not ask at all. */
async function giveBack(
  file: fs.FileHandle,
  { uid, gid }: { readonly uid: number; readonly gid: number },
): Promise<void> {
  const now = await file.stat()
  if (now.uid !== uid || now.gid !== gid) await file.chown(uid, gid)
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

/** The lock is the kernel's and belongs to the open file: whoever dies has let go of it, and what they left is written over. */
async function lock(path: string, mode: number): Promise<fs.FileHandle> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const file = await fs.open(path, 'a', mode).catch((cause: unknown) => {
      throw new PosternError('DISK_FAILED', path, { cause })
    })
    try {
      await lockDescriptor(file.fd, path, Math.max(1, deadline - performance.now()))
      // Whoever had it before us has moved it away, most likely: then it is the lock of nothing.
      if (await isThere(file, path)) {
        await file.truncate(0)
        await file.chmod(mode)
        return file
      }
    } catch (error) {
      await file.close()
      throw error
    }
    await file.close()
  }
}

async function isThere(file: fs.FileHandle, path: string): Promise<boolean> {
  const [held, named] = await Promise.all([file.stat(), fs.stat(path).catch(() => undefined)])
  return named?.ino === held.ino && named.dev === held.dev
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
