/** The message itself, after DATA or by BDAT. Whatever a peer says before its end is the end of it. */
import type { Message } from '../../mail/message.ts'
import { DataEncoder } from './data-encoder.ts'
import { saysYes } from './hop-result.ts'
import type { SmtpClient } from './smtp-client.ts'
import type { MailForm } from './mail-command.ts'
import type { HopReply } from './reply-reader.ts'
import type { SmtpSession } from './smtp-session.ts'
import type { SmtpTimeouts } from './smtp-timeouts.ts'

export interface Sending {
  readonly session: SmtpSession
  readonly message: Message
  readonly form: MailForm
  readonly timeouts: SmtpTimeouts
}

/** So much goes out at a time: each write, and by BDAT each chunk, costs the same whatever it holds. */
const pieceBytes = 65_536

/** The message as it is read, with what is small put together: a header and a short body are one piece. */
async function* pieces(message: Message): AsyncGenerator<Uint8Array, undefined> {
  let parts: Uint8Array[] = []
  let sizeBytes = 0
  for await (const part of message.read()) {
    parts.push(part)
    sizeBytes += part.length
    if (sizeBytes < pieceBytes) continue
    yield parts.length === 1 ? part : Buffer.concat(parts)
    parts = []
    sizeBytes = 0
  }
  if (sizeBytes > 0) yield Buffer.concat(parts)
}

/**
 * Who has refused the rest of a message may hang up, or read no more of it: then that refusal counts, not that the write
 * failed. A yes before the end of the message is none.
 * @returns that refusal
 */
async function write(
  client: SmtpClient,
  bytes: Uint8Array,
  timeoutMs: number,
): Promise<HopReply | undefined> {
  try {
    await client.write(bytes, timeoutMs)
    return undefined
  } catch (error) {
    while (client.hasSpoken) {
      const reply = await client.read(timeoutMs)
      if (!saysYes(reply)) return reply
    }
    throw error
  }
}

/** After 354. @returns the reply of a peer that did not wait for the final dot, which is then not sent */
export async function sendData({
  session: { client },
  message,
  timeouts,
}: Sending): Promise<HopReply | undefined> {
  const encoder = new DataEncoder()
  let held: Buffer = Buffer.alloc(0)
  for await (const piece of pieces(message)) {
    if (client.hasSpoken) return client.read(timeouts.blockMs)
    const refused = held.length > 0 ? await write(client, held, timeouts.blockMs) : undefined
    if (refused !== undefined) return refused
    held = encoder.encode(piece)
  }
  if (client.hasSpoken) return client.read(timeouts.blockMs)
  return write(client, Buffer.concat([held, encoder.end()]), timeouts.blockMs)
}

/** So many chunks may be under way that the peer has not answered. */
const maxUnanswered = 16

/**
 * By BDAT (RFC 3030), in as many chunks as the message has pieces; the reply to the last is not read here.
 * Only what is announced as binary keeps a CR or LF that stands alone.
 * @returns the reply of a peer that refused a chunk before the last
 */
export async function sendChunks({
  session: { client, extensions },
  message,
  form,
  timeouts,
}: Sending): Promise<HopReply | undefined> {
  const pipelined = extensions.has('PIPELINING')
  const encoder = form.body === 'binarymime' ? undefined : new DataEncoder({ stuffing: false })
  let unanswered = 0
  const refusalUntil = async (enough: () => boolean): Promise<HopReply | undefined> => {
    while (!enough()) {
      const reply = await client.read(timeouts.blockMs)
      unanswered--
      if (!saysYes(reply)) return reply
    }
    return undefined
  }
  let held: Uint8Array = Buffer.alloc(0)
  for await (const piece of pieces(message)) {
    if (held.length > 0) {
      const unheard = await write(client, bdat(held), timeouts.blockMs)
      if (unheard !== undefined) return unheard
      unanswered++
      const refused = await refusalUntil(
        () => unanswered === 0 || (pipelined && unanswered < maxUnanswered && !client.hasSpoken),
      )
      if (refused !== undefined) return refused
    }
    held = encoder?.encode(piece) ?? piece
  }
  const refused = await refusalUntil(() => unanswered === 0)
  if (refused !== undefined) return refused
  // A reply that nobody asked for must not pass for the reply to the last chunk.
  if (client.hasSpoken) return client.read(timeouts.blockMs)
  const last = encoder === undefined ? held : Buffer.concat([held, encoder.end()])
  return write(client, bdat(last, ' LAST'), timeouts.blockMs)
}

function bdat(bytes: Uint8Array, last = ''): Buffer {
  return Buffer.concat([Buffer.from(`BDAT ${bytes.length}${last}\r\n`), bytes])
}
