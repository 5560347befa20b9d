/**
 * Whether a message can be given to a next hop as it is, found out without asking it. Nothing of a message is ever
 * rewritten for a hop that knows too little: signatures would break (RFC 6376 §5.3), and a bounce is allowed
 * (RFC 6152 §3, RFC 3030 §3, RFC 6531 §3.2).
 */
import { isAscii } from 'node:buffer'
import { formatMailbox, formatPath, type Mailbox } from '../../mail/address.ts'
import type { DeliveryResult } from '../../mail/delivery-result.ts'
import { withAsciiDomain } from '../../mail/domain.ts'
import type { Envelope, Recipient } from '../../mail/envelope.ts'
import type { Message } from '../../mail/message.ts'
import type { Extensions } from './extensions.ts'
import type { Hop } from './hop-result.ts'
import type { MailForm } from './mail-command.ts'

export interface Fitting {
  readonly hop: Hop
  readonly extensions: Extensions
  readonly message: Message
  readonly envelope: Envelope
  /** What becomes of 8-bit text for a hop that is not known to take it. */
  readonly eightBit: EightBitRule
}

/** `send`: as it is, as qmail always did; most servers take it whatever they say. */
export type EightBitRule = 'bounce' | 'send'

export type Fitted =
  | { readonly form: MailForm; readonly unfit?: never }
  | { readonly form?: never; readonly unfit: DeliveryResult }

/** The form in which this hop takes the message, or why it can not. @throws PosternError DISK_FAILED */
export async function fit({
  hop,
  extensions,
  message,
  envelope,
  eightBit,
}: Fitting): Promise<Fitted> {
  const unfit = (status: `5.${number}.${number}`, text: string): Fitted => ({
    unfit: { outcome: 'failed', status, text: `${hop.address} ${text}` },
  })
  if (!canBeSaid(formatPath(envelope.reversePath), envelope.smtputf8)) {
    return unfit('5.1.7', 'can not be told this sender address')
  }
  const limit = Number(extensions.get('SIZE') ?? 0)
  if (limit > 0 && message.sizeBytes > limit) {
    return unfit('5.3.4', `takes ${limit} bytes at most, this message has ${message.sizeBytes}`)
  }
  const smtputf8 = envelope.smtputf8 && extensions.has('SMTPUTF8')
  if (envelope.smtputf8 && !smtputf8 && (await needsUtf8(message, envelope))) {
    return unfit('5.6.7', 'does not take internationalised mail (SMTPUTF8)')
  }
  if (envelope.bodyType === 'binarymime') {
    if (extensions.has('BINARYMIME') && extensions.has('CHUNKING')) {
      return { form: { body: 'binarymime', smtputf8 } }
    }
    if (!(await isText(message))) {
      return unfit('5.6.3', 'takes text only (no BINARYMIME), this message is binary')
    }
  }
  if (!message.eightBit) return { form: { body: '7bit', smtputf8 } }
  if (extensions.has('8BITMIME')) return { form: { body: '8bitmime', smtputf8 } }
  if (eightBit === 'send') return { form: { body: '7bit', smtputf8 } }
  return unfit('5.6.3', 'takes 7-bit text only (no 8BITMIME), this message holds more')
}

/** Whether the message goes to nobody who does not promise REQUIRETLS; a notification is not lost for that (RFC 8689 §5). */
export function demandsTls({ requireTls, reversePath }: Envelope): boolean {
  return requireTls && reversePath !== null
}

/** As a hop is told it: where it knows no SMTPUTF8, a domain is written in A-labels (RFC 6531 §3.2). */
export function speakable(mailbox: Mailbox, smtputf8: boolean): Mailbox {
  return smtputf8 ? mailbox : withAsciiDomain(mailbox)
}

/** Why this recipient can not be named to the next hop: no command could hold the address. */
export function unspeakable(
  { mailbox }: Recipient,
  { hop, smtputf8 }: { readonly hop: Hop; readonly smtputf8: boolean },
): DeliveryResult | undefined {
  if (canBeSaid(formatMailbox(mailbox), smtputf8)) return undefined
  const text = `${hop.address} can not be told this recipient address`
  return { outcome: 'failed', status: '5.1.3', text }
}

/** The parser lets nothing else through, but a plugin may have put in what no parser saw. */
function canBeSaid(path: string, smtputf8: boolean): boolean {
  return smtputf8 ? !/\p{Cc}/u.test(path) : /^[\x20-\x7e]*$/.test(path)
}

/** Whether a local-part or the header is outside ASCII; domains have another spelling. */
async function needsUtf8(
  message: Message,
  { reversePath, recipients }: Envelope,
): Promise<boolean> {
  const localParts = [reversePath, ...recipients.map(({ mailbox }) => mailbox)]
  if (localParts.some((mailbox) => /\P{ASCII}/u.test(mailbox?.localPart ?? ''))) return true
  if (!message.eightBit) return false
  for await (const chunk of message.read({ offset: 0, length: message.bodyOffset })) {
    if (!isAscii(chunk)) return true
  }
  return false
}

const lf = 0x0a
const cr = 0x0d
/** RFC 5321 §4.5.3.1.6, without CRLF. */
const maxLineBytes = 998

/** Whether what was announced as binary is text all the same: lines of a bearable length, each ended by CRLF, no NUL. */
async function isText(message: Message): Promise<boolean> {
  let heldCr = false
  let lineBytes = 0
  for await (const chunk of message.read()) {
    for (const byte of chunk) {
      if (heldCr !== (byte === lf) || byte === 0) return false
      heldCr = byte === cr
      if (byte === lf) lineBytes = 0
      else if (!heldCr && ++lineBytes > maxLineBytes) return false
    }
  }
  return !heldCr
}
