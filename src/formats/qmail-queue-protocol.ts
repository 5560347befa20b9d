/**
 * The envelope as qmail-queue reads it from descriptor 1, and the exit codes by which it answers (qmail-queue.8):
 * `F` sender NUL, then `T` recipient NUL for each recipient, then one more NUL.
 */
import { latin1, latin1Bytes } from './octets.ts'

/** Addresses as they came, one character for each byte. */
export interface QmailEnvelope {
  readonly sender: string
  readonly recipients: readonly string[]
}

/** What a caller of qmail-queue makes of its exit code; 11 to 40 are for good, the rest may be tried again. */
export const qmailQueueExit = {
  queued: 0,
  addressTooLong: 11,
  rejected: 31,
  outOfMemory: 51,
  timeout: 52,
  writeError: 53,
  readError: 54,
  noConfiguration: 55,
  noSpool: 61,
  noQueueFile: 62,
  notNow: 71,
  bug: 81,
  badEnvelope: 91,
} as const

export type QmailQueueExit = (typeof qmailQueueExit)[keyof typeof qmailQueueExit]

/** An address of 1,003 bytes is too long for qmail-queue. */
export const maxAddressBytes = 1_002
const nul = 0
const senderMark = 0x46
const recipientMark = 0x54

/** @param bytes everything that came on descriptor 1. @returns the exit code that says what is wrong, in this order */
export function parseQmailEnvelope(
  bytes: Uint8Array,
):
  | { readonly ok: true; readonly envelope: QmailEnvelope }
  | { readonly ok: false; readonly exit: QmailQueueExit } {
  const addresses: string[] = []
  for (let at = 0; ;) {
    const mark = bytes[at]
    if (mark === undefined) return { ok: false, exit: qmailQueueExit.readError }
    if (mark === nul && addresses.length > 0) break
    if (mark !== (addresses.length === 0 ? senderMark : recipientMark)) {
      return { ok: false, exit: qmailQueueExit.badEnvelope }
    }
    const found = bytes.indexOf(nul, at)
    const end = found < 0 ? bytes.length : found
    if (end - at - 1 > maxAddressBytes) return { ok: false, exit: qmailQueueExit.addressTooLong }
    if (found < 0) return { ok: false, exit: qmailQueueExit.readError }
    addresses.push(latin1(bytes.subarray(at + 1, end)))
    at = end + 1
  }
  const [sender = '', ...recipients] = addresses
  return { ok: true, envelope: { sender, recipients } }
}

/** The same the other way. @throws RangeError for an address with a NUL in it, which would be two */
export function qmailEnvelopeBytes({ sender, recipients }: QmailEnvelope): Uint8Array {
  if ([sender, ...recipients].some((address) => address.includes('\0'))) {
    throw new RangeError('an address with a NUL')
  }
  return latin1Bytes(`F${sender}\0${recipients.map((each) => `T${each}\0`).join('')}\0`)
}
