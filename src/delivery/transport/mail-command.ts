import { formatMailbox, formatPath } from '../../mail/address.ts'
import type { DeliveryResult } from '../../mail/delivery-result.ts'
import type { Envelope, Recipient } from '../../mail/envelope.ts'
import type { Message } from '../../mail/message.ts'
import type { Hop } from './hop-result.ts'
import type { SmtpSession } from './smtp-session.ts'

export interface Mailing {
  readonly hop: Hop
  readonly session: SmtpSession
  readonly message: Message
  readonly envelope: Envelope
}

/** Why the next hop can not be given this message at all, found out without asking it. */
export function unfit({ hop, session, message, envelope }: Mailing): DeliveryResult | undefined {
  const { extensions } = session
  const failed = (status: `5.${number}.${number}`, text: string): DeliveryResult => ({
    outcome: 'failed',
    status,
    text: `${hop.address} ${text}`,
  })
  if (!canBeSaid(formatPath(envelope.reversePath), envelope)) {
    return failed('5.1.7', 'can not be told this sender address')
  }
  const limit = Number(extensions.get('SIZE') ?? 0)
  if (limit > 0 && message.sizeBytes > limit) {
    return failed('5.3.4', `takes ${limit} bytes at most, this message has ${message.sizeBytes}`)
  }
  if (envelope.smtputf8 && !extensions.has('SMTPUTF8')) {
    return failed('5.6.7', 'does not take internationalised mail (SMTPUTF8)')
  }
  if (message.eightBit && !extensions.has('8BITMIME')) {
    return failed('5.6.3', 'takes 7-bit text only (no 8BITMIME), this message holds more')
  }
  return undefined
}

/** Why this recipient can not be named to the next hop: no command could hold the address. */
export function unspeakable(
  { hop, envelope }: Mailing,
  recipient: Recipient,
): DeliveryResult | undefined {
  if (canBeSaid(formatMailbox(recipient.mailbox), envelope)) return undefined
  const text = `${hop.address} can not be told this recipient address`
  return { outcome: 'failed', status: '5.1.3', text }
}

/** The parser lets nothing else through, but a plugin may have put in what no parser saw. */
function canBeSaid(path: string, { smtputf8 }: Envelope): boolean {
  return smtputf8 ? !/\p{Cc}/u.test(path) : /^[\x20-\x7e]*$/.test(path)
}

/** MAIL with the parameters that the next hop knows (RFC 1870, 6152, 6531, 4954 §5). */
export function mailCommand({ session, message, envelope }: Omit<Mailing, 'hop'>): string {
  const { extensions, user } = session
  let command = `MAIL FROM:${formatPath(envelope.reversePath)}`
  if (extensions.has('SIZE')) command += ` SIZE=${message.sizeBytes}`
  if (message.eightBit && extensions.has('8BITMIME')) command += ' BODY=8BITMIME'
  if (envelope.smtputf8) command += ' SMTPUTF8'
  if (user !== undefined) command += ` AUTH=${xtext(user)}`
  return command
}

export function rcptCommand({ mailbox }: Recipient): string {
  return `RCPT TO:<${formatMailbox(mailbox)}>`
}

/** RFC 3461 §4, over the UTF-8 octets. */
function xtext(text: string): string {
  let out = ''
  for (const byte of Buffer.from(text)) {
    const char = String.fromCharCode(byte)
    const plain = byte > 0x20 && byte < 0x7f && char !== '+' && char !== '='
    out += plain ? char : `+${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return out
}
