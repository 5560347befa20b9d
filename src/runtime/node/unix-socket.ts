/** The file of a UNIX socket, which outlives the process that listened on it. */
import { chmodSync, chownSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname } from 'node:path'

/** The folder it is to lie in, if there is none: its owner's alone, as all that we make. @throws where that is not allowed */
export function makeSocketFolder(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
}

/** So long a process may take to answer that is alive. */
const answerMs = 1_000

/**
 * Removes the socket file of a process that is gone. Anything else, and a socket on which somebody listens, stays.
 * @returns whether it is gone now
 */
export async function removeStaleSocket(path: string): Promise<boolean> {
  try {
    if (!lstatSync(path).isSocket()) return false
    if (await someoneListens(path)) return false
    unlinkSync(path)
    return true
  } catch {
    return false
  }
}

function someoneListens(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect({ path })
  // A full queue and a missing permission (EAGAIN, EACCES) are signs of life, and so is silence.
  const timer = setTimeout(() => resolve(true), answerMs)
  socket.once('connect', () => resolve(true))
  socket.once('error', (error) => {
    resolve(!('code' in error && error.code === 'ECONNREFUSED'))
  })
  return promise.finally(() => {
    clearTimeout(timer)
    socket.on('error', () => {})
    socket.destroy()
  })
}

/** Who may connect. To be called at once when the socket is bound: until then the umask decides. */
export function setSocketMode(path: string, mode: number): void {
  chmodSync(path, mode)
}

/** Who may connect beside the owner, and enter the folder; its mode says the same to everybody who looks. @throws where we may not give it away */
export function setSocketGroup(path: string, group: number): void {
  const folder = dirname(path)
  // The socket first: nobody can reach it yet.
  for (const [each, mode] of [
    [path, 0o660],
    [folder, 0o710],
  ] as const) {
    chownSync(each, -1, group)
    chmodSync(each, mode)
  }
}
