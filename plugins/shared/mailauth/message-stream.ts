/**
 * A message as a stream for mailauth: its original bytes, chunk by chunk, so that a large one is neither held in memory
 * nor hashed in one go. mailauth puts a line together anew with each chunk, so that no line may be endless.
 */
import { Readable } from 'node:stream'
import { PosternError, type ByteRange, type Message } from 'postern/plugin'

const longestLineBytes = 262_144

/** A line is too long to be hashed in linear time. */
export class LineTooLong extends Error {}

/** Ends with `LineTooLong`, with PosternError ABORTED once `signal` fires, or with what reading the message throws. */
export function messageStream(message: Pick<Message, 'read'>, signal: AbortSignal): Readable {
  return Readable.from(boundedChunks(message, signal), { objectMode: false })
}

/** The same without a stream around it, of a part of the message. */
export async function* boundedChunks(
  message: Pick<Message, 'read'>,
  signal: AbortSignal,
  range?: ByteRange,
): AsyncGenerator<Uint8Array> {
  let open = 0
  for await (const chunk of message.read(range)) {
    if (signal.aborted) throw new PosternError('ABORTED', 'a message was read')
    const first = chunk.indexOf(0x0a)
    if (open + (first < 0 ? chunk.length : first) > longestLineBytes) throw new LineTooLong()
    open = first < 0 ? open + chunk.length : chunk.length - chunk.lastIndexOf(0x0a) - 1
    yield chunk
  }
}
