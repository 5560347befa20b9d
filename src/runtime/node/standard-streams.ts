/** Joins our standard input and output to a UNIX socket: bytes pass both ways until one side has no more. */
import { connect, type Socket } from 'node:net'
import process from 'node:process'

/** So long the other process may take to accept. */
const connectMs = 5_000

/**
 * @param preamble sent first
 * @returns false where nobody listens there: nothing was read or written then
 */
export async function joinStandardStreams(path: string, preamble: Uint8Array): Promise<boolean> {
  const socket = await connected(path)
  if (socket === undefined) return false
  const { stdin, stdout } = process
  const gone = (): void => void socket.destroy()
  socket.on('error', gone)
  // The client has reset the connection, or reads no more.
  stdin.on('error', gone)
  stdout.on('error', gone)
  socket.write(preamble)
  stdin.pipe(socket)
  socket.pipe(stdout, { end: false })
  await new Promise((resolve) => {
    socket.once('end', resolve).once('close', resolve)
  })
  socket.destroy()
  // The last words have to be out before the process ends.
  await new Promise((resolve) => stdout.write('', resolve))
  return true
}

function connected(path: string): Promise<Socket | undefined> {
  const { promise, resolve } = Promise.withResolvers<Socket | undefined>()
  const socket = connect({ path, allowHalfOpen: true })
  const fail = (): void => {
    resolve(undefined)
    socket.destroy()
  }
  const timer = setTimeout(fail, connectMs)
  socket.once('error', fail)
  socket.once('connect', () => {
    socket.off('error', fail)
    resolve(socket)
  })
  return promise.finally(() => clearTimeout(timer))
}
