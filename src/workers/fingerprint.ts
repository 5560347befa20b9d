import { hash } from 'node:crypto'
import { formatMailbox, formatPath } from '../mail/address.ts'
import type { Message } from '../mail/message.ts'
import type { Transaction } from '../mail/session.ts'

export const fingerprintBytes = 16

/** Fields and characters of the header that count; the rest is as good as the same. */
const mostFields = 50
const mostCharacters = 8_192

/** What a client that tries again sends again: from where, from whom, to whom, how much, and the top of the header. Hexadecimal. */
export function fingerprintOf(
  { session, reversePath, recipients }: Transaction,
  { sizeBytes, header }: Message,
): string {
  const fields = header.fields.slice(0, mostFields).map(({ name, value }) => `${name}:${value}`)
  const text = [
    session.remote.address,
    formatPath(reversePath),
    ...recipients.map(({ mailbox }) => formatMailbox(mailbox)),
    sizeBytes,
    fields.join('\n').slice(0, mostCharacters),
  ].join('\n')
  return hash('sha256', text, 'hex').slice(0, 2 * fingerprintBytes)
}
