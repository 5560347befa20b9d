/** Messages within messages, to be read as messages are. */
import type { ByteRange, ByteSource } from 'postern/plugin'

/** Of what is in memory, between two breaths of the event loop. */
const bytesAtOnce = 262_144

/** A part of a source, which is read where it lies. */
export function rangeAsSource(source: ByteSource, within: ByteRange): ByteSource {
  return {
    sizeBytes: within.length,
    read({ offset, length } = { offset: 0, length: within.length }) {
      const most = Math.max(0, Math.min(length, within.length - offset))
      return source.read({ offset: within.offset + offset, length: most })
    },
  }
}

/** Bytes in memory. */
export function bytesAsSource(bytes: Buffer): ByteSource {
  return {
    sizeBytes: bytes.length,
    async *read({ offset, length } = { offset: 0, length: bytes.length }) {
      const end = Math.min(offset + length, bytes.length)
      for (let at = offset; at < end; at += bytesAtOnce) {
        // What is in memory never waits: others must have their turn all the same.
        if (at > offset) await breath()
        yield bytes.subarray(at, Math.min(at + bytesAtOnce, end))
      }
    },
  }
}

/** Lets the loop turn. */
function breath(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}
