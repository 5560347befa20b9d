/**
 * `Mailbox.lock` beside `Mailbox`: the lock that mutt, procmail, Dovecot and Python's mailbox take before they write an mbox,
 * where none of them asks for flock(2).
 */
import { open, stat, unlink } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { PosternError } from '../../mail/errors.ts'
import type { FileLock } from '../file-locks.ts'

/** Whoever made an older one is gone: nobody writes so long. Debian's liblockfile says the same. */
const staleMs = 300_000
const firstPauseMs = 10
const longestPauseMs = 500

/**
 * Waits until it is ours. Where the folder is not ours to write in, and beside what is no file, there is none.
 * @throws PosternError TIMEOUT
 */
export async function takeDotLock(path: string, timeoutMs: number): Promise<FileLock> {
  const isFile = await stat(path).then(
    (found) => found.isFile(),
    () => false,
  )
  if (!isFile) return noLock
  const name = `${path}.lock`
  let pauseMs = firstPauseMs
  for (let waitedMs = 0; waitedMs <= timeoutMs; waitedMs += pauseMs) {
    // oxlint-disable-next-line no-await-in-loop -- one try after the other
    const made = await make(name)
    if (made === 'made') return { release: async () => unlink(name).catch(() => undefined) }
    if (made === 'not possible') return noLock
    // oxlint-disable-next-line no-await-in-loop -- as above
    if (await isStale(name)) await unlink(name).catch(() => undefined)
    // oxlint-disable-next-line no-await-in-loop -- as above
    await pause(pauseMs)
    pauseMs = Math.min(pauseMs * 2, longestPauseMs)
  }
  throw new PosternError('TIMEOUT', `the lock ${name}`)
}

/** A folder that is not ours to write in, or holds no name so long. */
const neverOurs: ReadonlySet<string> = new Set([
  'EACCES',
  'EPERM',
  'EROFS',
  'ENOENT',
  'ENAMETOOLONG',
])

const noLock: FileLock = { release: async () => undefined }

async function make(name: string): Promise<'made' | 'taken' | 'not possible'> {
  try {
    // Alone, whoever comes at the same time; a link of that name leads nowhere.
    const file = await open(name, 'wx', 0o600)
    await file.close()
    return 'made'
  } catch (error) {
    // What is short now, room or descriptors, may be there in a moment, as a lock that somebody has.
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    return neverOurs.has(code) ? 'not possible' : 'taken'
  }
}

async function isStale(name: string): Promise<boolean> {
  try {
    return Date.now() - (await stat(name)).mtimeMs > staleMs
  } catch {
    return false
  }
}
