/**
 * A message in a Maildir that waits for its host, as serialmail reads it: delivered there by a virtual domain, it begins with
 * `Return-Path: <sender>` and `Delivered-To: prefixrecipient`. What follows these two lines is the message.
 */
import { parseMailbox, type Mailbox } from '../mail/address.ts'
import type { ReversePath } from '../mail/envelope.ts'
import { latin1, lowerAscii, readable } from './octets.ts'
import { mailboxOfQmail } from './qmail-envelope.ts'

export interface SerialMessage {
  readonly reversePath: ReversePath
  readonly recipient: Mailbox
  /** With the line ends of the file. */
  readonly message: Uint8Array
}

const lf = 0x0a
/** Longer than any address makes them. */
const mostLineBytes = 2_048

/**
 * @param prefix what the virtual domain has put before the recipient, its dash included; case does not count
 * @returns what is wrong with it, in words, where it was not delivered for this host
 */
export function readSerialMessage(file: Uint8Array, prefix: string): SerialMessage | string {
  const first = lineFrom(file, 0)
  const sender = /^Return-Path: <(.*)>$/s.exec(first?.text ?? '')?.[1]
  if (first === undefined || sender === undefined) return 'it does not begin with Return-Path'
  const second = lineFrom(file, first.end)
  const deliveredTo = /^Delivered-To: (.*)$/s.exec(second?.text ?? '')?.[1]
  if (second === undefined || deliveredTo === undefined) return 'its second line is no Delivered-To'
  if (!lowerAscii(deliveredTo).startsWith(lowerAscii(prefix))) {
    return 'its recipient does not begin with the prefix'
  }
  const recipient = mailboxOfQmail(deliveredTo.slice(prefix.length), '')
  if (recipient === undefined) return 'its recipient is no mail address'
  const text = readable(Buffer.from(sender, 'latin1'))
  const reversePath =
    sender === '' ? null : (parseMailbox(text, { smtputf8: true }) ?? mailboxOfQmail(sender, ''))
  if (reversePath === undefined) return 'its sender is no mail address'
  return { reversePath, recipient, message: file.subarray(second.end) }
}

/** One line as latin1, without its end. */
function lineFrom(
  file: Uint8Array,
  from: number,
): { readonly text: string; readonly end: number } | undefined {
  const at = file.subarray(from, from + mostLineBytes).indexOf(lf)
  if (at < 0) return undefined
  return { text: latin1(file.subarray(from, from + at)), end: from + at + 1 }
}
