/** What a peer said before it was gone: the system has it for as long as the socket is open. */
import { readSync } from 'node:fs'
import type { Socket } from 'node:net'

const mostBytes = 65_536

/** Reads what a socket that is about to be closed holds unread; undefined where that is nothing. Never waits. */
export function lastWords(socket: Socket): Buffer | undefined {
  const handle: unknown = Reflect.get(socket, '_handle')
  if (typeof handle !== 'object' || handle === null || !('fd' in handle)) return undefined
  if (typeof handle.fd !== 'number' || handle.fd < 0) return undefined
  const room = Buffer.allocUnsafe(mostBytes)
  try {
    const bytes = readSync(handle.fd, room, 0, mostBytes, null)
    return bytes > 0 ? room.subarray(0, bytes) : undefined
  } catch {
    // Nothing was said, or the connection was reset, and what was said is gone with it.
    return undefined
  }
}
