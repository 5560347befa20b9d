/** What is committed: the message as it came in, or one that the policy puts in its place, in a draft of its own. */
import type { Envelope } from '../mail/envelope.ts'
import type { Message } from '../mail/message.ts'
import type { Replacement } from '../mail/replacement.ts'
import type { Draft, Queue } from '../queue/queue.ts'

export interface Content {
  readonly message: Message
  /** Its header, as far as it was gathered. */
  readonly head: Uint8Array
  readonly draft: Pick<Draft, 'commit'>
  /** It was put in the place of another, and has bytes outside ASCII. */
  readonly eightBit?: boolean
}

/** @throws PosternError DISK_FULL, DISK_FAILED, SPOOL_CLOSED: nothing of it is kept */
export async function replacedContent(
  { message }: Replacement,
  {
    queue,
    maxHeaderBytes,
  }: { readonly queue: Pick<Queue, 'begin'>; readonly maxHeaderBytes: number },
): Promise<Content> {
  const draft = queue.begin()
  try {
    for await (const chunk of message.read()) await draft.write(chunk)
    const written = await draft.end()
    const length = Math.min(written.bodyOffset, maxHeaderBytes)
    const head = await Array.fromAsync(written.read({ offset: 0, length }))
    return { message: written, head: Buffer.concat(head), draft, eightBit: written.eightBit }
  } catch (error) {
    draft.abort()
    throw error
  }
}

/** What was put in the place of a message may have bytes that the client did not announce. */
export function envelopeFor(envelope: Envelope, { eightBit = false }: Content): Envelope {
  return envelope.bodyType === '7bit' && eightBit ? { ...envelope, bodyType: '8bitmime' } : envelope
}
