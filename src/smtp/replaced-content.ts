/** What is committed: the message as it came in, or one that the policy puts in its place, in a draft of its own. */
import type { Envelope } from '../mail/envelope.ts'
import type { Message } from '../mail/message.ts'
import type { Replacement } from '../mail/replacement.ts'
import type { Draft, Queue } from '../queue/queue.ts'

export interface Content {
  readonly message: Message
  /** It was put in the place of another, and has bytes outside ASCII. */
  readonly eightBit?: boolean
}

/** @throws PosternError DISK_FULL, DISK_FAILED, SPOOL_CLOSED: nothing of it is kept */
export async function replacedContent(
  { message }: Replacement,
  queue: Pick<Queue, 'begin'>,
): Promise<Content & { readonly draft: Draft }> {
  const draft = queue.begin()
  try {
    for await (const chunk of message.read()) await draft.write(chunk)
    const written = await draft.end()
    return { message: written, draft, eightBit: written.eightBit }
  } catch (error) {
    draft.abort()
    throw error
  }
}

/** The header with its empty line, or as much of it as is looked at. */
export async function headOf(message: Message, mostBytes: number): Promise<Uint8Array> {
  const range = { offset: 0, length: Math.min(message.bodyOffset, mostBytes) }
  return Buffer.concat(await Array.fromAsync(message.read(range)))
}

/** What was put in the place of a message may have bytes that the client did not announce. */
export function envelopeFor(envelope: Envelope, { eightBit = false }: Content): Envelope {
  return envelope.bodyType === '7bit' && eightBit ? { ...envelope, bodyType: '8bitmime' } : envelope
}
