import { hash } from 'node:crypto'
import { formatMailbox, formatPath } from '../mail/address.ts'
import type { Message } from '../mail/message.ts'
import type { Transaction } from '../mail/session.ts'

export const fingerprintBytes = 16

/** Of the header; the rest is as good as the same. */
const mostHeaderBytes = 8_192
const mostFields = 50

/** What a client that tries again sends again: from where, from whom, to whom, how much, and the top of the header. */
export function fingerprintOf(
  { session, reversePath, recipients }: Transaction,
  message: Message,
): Uint8Array {
  const envelope = [
    session.remote.address,
    formatPath(reversePath),
    ...recipients.map(({ mailbox }) => formatMailbox(mailbox)),
    message.sizeBytes,
    '',
  ].join('\n')
  const bytes = Buffer.concat([Buffer.from(envelope), ...topOf(message)])
  return hash('sha256', bytes, 'buffer').subarray(0, fingerprintBytes)
}

/** As bytes where they are at hand: nobody may need the fields. */
function topOf(message: Message): readonly Uint8Array[] {
  const length = Math.min(message.bodyOffset, mostHeaderBytes)
  const bytes = message.inMemory?.({ offset: 0, length })
  if (bytes !== undefined) return bytes
  const fields = message.header.fields.slice(0, mostFields)
  return [Buffer.from(fields.map(({ name, value }) => `${name}:${value}`).join('\n'))]
}
