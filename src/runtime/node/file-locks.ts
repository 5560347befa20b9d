/**
 * Locks by flock(2), which Node can not call: flock(1) of util-linux takes it for a descriptor of ours. The lock belongs
 * to the open file and not to that process, so it is ours when the process has ended.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { PosternError } from '../../mail/errors.ts'
import type { FileLock, FileLocks } from '../file-locks.ts'
import { takeDotLock } from './dot-lock.ts'

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants

/** What flock(1) answers when the time is up. */
const timedOut = 1
const childDescriptor = 3
const appending = O_WRONLY | O_CREAT | O_APPEND

export const systemFileLocks: FileLocks = {
  async take(path: string, timeoutMs: number, noLink?: true): Promise<FileLock> {
    const file = await open(
      path,
      noLink === true ? appending | O_NOFOLLOW : appending,
      0o600,
    ).catch((error: unknown) => {
      throw new PosternError('DISK_FAILED', path, { cause: error })
    })
    try {
      await lockDescriptor(file.fd, path, timeoutMs)
      return { release: () => file.close() }
    } catch (error) {
      await file.close()
      throw error
    }
  },

  async takeMbox(path: string, timeoutMs: number): Promise<FileLock> {
    const lock = await systemFileLocks.take(path, timeoutMs)
    try {
      const dot = await takeDotLock(path, timeoutMs)
      return {
        async release() {
          await dot.release()
          await lock.release()
        },
      }
    } catch (error) {
      await lock.release()
      throw error
    }
  },
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
