/**
 * Locks by flock(2), which Node can not call: flock(1) of util-linux takes it for a descriptor of ours. The lock belongs
 * to the open file and not to that process, so it is ours when the process has ended.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { PosternError } from '../../mail/errors.ts'
import type { FileLock, FileLocks } from '../file-locks.ts'
import { takeDotLock } from './dot-lock.ts'

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants

/** What flock(1) answers when the time is up. */
const timedOut = 1
const childDescriptor = 3
/** A FIFO that nobody reads fails at once: it would keep one of the few threads for ever. */
const appending = O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK

/** So often at most is another file in the place of the one that was locked: who does that more often is no mail reader. */
const mostReplaced = 50

export const systemFileLocks: FileLocks = {
  async take(path: string, timeoutMs: number, noLink?: true): Promise<FileLock> {
    const file = await takeFile(path, timeoutMs, noLink)
    return { release: () => file.close() }
  },

  async takeMbox(path: string, timeoutMs: number): Promise<FileLock> {
    for (let tries = 0; tries < mostReplaced; tries++) {
      // oxlint-disable-next-line no-await-in-loop -- one try after the other
      const lock = await takeMboxOnce(path, timeoutMs)
      if (lock !== 'replaced') return lock
    }
    throw new PosternError('TIMEOUT', `the lock of ${path}`)
  },
}

/**
 * Always in this order. Who finds that the file was replaced lets go of both: with one of them in hand he would wait for the
 * other, which somebody has who waits for his.
 */
async function takeMboxOnce(path: string, timeoutMs: number): Promise<FileLock | 'replaced'> {
  const file = await takeFile(path, timeoutMs)
  let dot: FileLock | undefined
  const release = async (): Promise<void> => {
    await dot?.release()
    await file.close()
  }
  try {
    if (await isStill(path, file)) {
      dot = await takeDotLock(path, timeoutMs)
      if (await isStill(path, file)) return { release }
    }
  } catch (error) {
    await release()
    throw error
  }
  await release()
  return 'replaced'
}

/** @returns the file, which is locked as long as it is open */
async function takeFile(path: string, timeoutMs: number, noLink?: true): Promise<FileHandle> {
  const flags = noLink === true ? appending | O_NOFOLLOW : appending
  const file = await open(path, flags, 0o600).catch((error: unknown) => {
    throw new PosternError('DISK_FAILED', path, { cause: error })
  })
  try {
    await lockDescriptor(file.fd, path, timeoutMs)
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

/** Whoever had a lock before us may have renamed another file to that name, as Python's mailbox does, or removed it. */
async function isStill(path: string, file: FileHandle): Promise<boolean> {
  const locked = await file.stat()
  return stat(path).then(
    ({ dev, ino }) => dev === locked.dev && ino === locked.ino,
    () => false,
  )
}

/**
 * Waits until the open file is ours alone; closing it lets go.
 * @param path for what is thrown
 * @throws PosternError TIMEOUT, DISK_FAILED
 */
export async function lockDescriptor(
  descriptor: number,
  path: string,
  timeoutMs: number,
): Promise<void> {
  const code = await flock(descriptor, timeoutMs)
  if (code === timedOut) throw new PosternError('TIMEOUT', `the lock of ${path}`)
  if (code !== 0) throw new PosternError('DISK_FAILED', `the lock of ${path}: flock, ${code}`)
}

async function flock(descriptor: number, timeoutMs: number): Promise<number> {
  const seconds = String(Math.max(0.001, timeoutMs / 1000))
  const child = spawn('flock', ['-x', '-w', seconds, String(childDescriptor)], {
    stdio: ['ignore', 'ignore', 'ignore', descriptor],
  })
  try {
    const [code]: unknown[] = await once(child, 'exit')
    return typeof code === 'number' ? code : -1
  } catch (error) {
    throw new PosternError('DISK_FAILED', `flock: ${String(error)}`, { cause: error })
  }
}
