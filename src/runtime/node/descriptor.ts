import fs from 'node:fs'
import net from 'node:net'
import process from 'node:process'
import { errorMessage, PosternError } from '../../mail/errors.ts'

/**
 * Reads a descriptor that the process was started with (a file, a pipe, a socket) to its end.
 * @throws PosternError DISK_FAILED: it is closed, not open for reading, or fails
 */
export async function* readDescriptor(descriptor: number): AsyncIterable<Uint8Array> {
  try {
    // bin/postern tells: Node has opened something else in its place.
    if (descriptor === 0 && process.env['POSTERN_CLOSED_INPUT'] !== undefined) {
      throw new Error('it is closed')
    }
    const stat = fs.fstatSync(descriptor)
    const source =
      stat.isFIFO() || stat.isSocket()
        ? new net.Socket({ fd: descriptor, readable: true, writable: false })
        : fs.createReadStream('', { fd: descriptor })
    for await (const chunk of source) if (chunk instanceof Uint8Array) yield chunk
  } catch (error) {
    const detail = errorMessage(error)
    throw new PosternError('DISK_FAILED', `descriptor ${descriptor}: ${detail}`, { cause: error })
  }
}

/** Writes all of it to a descriptor that the process was started with. */
export function writeDescriptor(descriptor: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += fs.writeSync(descriptor, bytes, at)
}
