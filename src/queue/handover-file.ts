/**
 * A message that another program hands over, as one file: the message with CRLF line ends, its envelope as JSON, and a
 * footer that tells their lengths and checksums. The footer comes last because the message does not say how long it will
 * be. Pure; whatever the bytes are, decoding answers or returns undefined.
 *
 * | footer at | bytes |                                          |
 * | 0         | 4     | `50 71 69 b1`                            |
 * | 4         | 4     | format version, 1                        |
 * | 8         | 8     | length of the message                    |
 * | 16        | 4     | length of the envelope                   |
 * | 20        | 4     | CRC-32 of the message                    |
 * | 24        | 4     | CRC-32 of the envelope                   |
 * | 28        | 4     | CRC-32 of the footer up to here          |
 */
import { crc32 } from 'node:zlib'
import type { Envelope } from '../mail/envelope.ts'
import { PosternError } from '../mail/errors.ts'
import { decodeEnvelope, encodeEnvelope } from './envelope-codec.ts'
import { readJson } from './json-shape.ts'

export const footerBytes = 32
/** Of an envelope with more than 200,000 recipients. Whoever reads it does nothing else for a second. */
export const maxEnvelopeBytes = 8 << 20

const magic = 0xb1_69_71_50
const version = 1

export interface HandoverFooter {
  readonly messageBytes: number
  readonly messageCrc: number
  readonly envelopeBytes: number
  readonly envelopeCrc: number
}

/**
 * What follows the message: the envelope, then the footer.
 * @throws PosternError DISK_FAILED for an envelope that nobody would take in: better now than after the promise
 */
export function encodeHandoverEnd(
  envelope: Envelope,
  message: Pick<HandoverFooter, 'messageBytes' | 'messageCrc'>,
): Buffer {
  const text = Buffer.from(JSON.stringify(encodeEnvelope(envelope)))
  if (text.length > maxEnvelopeBytes) {
    throw new PosternError(
      'DISK_FAILED',
      `an envelope of ${text.length} bytes cannot be handed over`,
    )
  }
  const footer = Buffer.alloc(footerBytes)
  footer.writeUInt32LE(magic, 0)
  footer.writeUInt32LE(version, 4)
  footer.writeBigUInt64LE(BigInt(message.messageBytes), 8)
  footer.writeUInt32LE(text.length, 16)
  footer.writeUInt32LE(message.messageCrc, 20)
  footer.writeUInt32LE(crc32(text), 24)
  footer.writeUInt32LE(crc32(footer.subarray(0, 28)), 28)
  return Buffer.concat([text, footer])
}

/** @param fileBytes of the whole file. @returns undefined for what is no footer, or not of such a file */
export function decodeHandoverFooter(
  bytes: Uint8Array,
  fileBytes: number,
): HandoverFooter | undefined {
  if (bytes.length !== footerBytes) return undefined
  const footer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (footer.readUInt32LE(0) !== magic || footer.readUInt32LE(4) !== version) return undefined
  if (crc32(footer.subarray(0, 28)) !== footer.readUInt32LE(28)) return undefined
  const messageBytes = Number(footer.readBigUInt64LE(8))
  const envelopeBytes = footer.readUInt32LE(16)
  if (messageBytes + envelopeBytes + footerBytes !== fileBytes) return undefined
  if (envelopeBytes > maxEnvelopeBytes) return undefined
  const messageCrc = footer.readUInt32LE(20)
  const envelopeCrc = footer.readUInt32LE(24)
  return { messageBytes, messageCrc, envelopeBytes, envelopeCrc }
}

/** @returns undefined where the checksum does not hold, or nobody is a recipient */
export function decodeHandoverEnvelope(
  bytes: Uint8Array,
  { envelopeBytes, envelopeCrc }: HandoverFooter,
): Envelope | undefined {
  if (bytes.length !== envelopeBytes || crc32(bytes) !== envelopeCrc) return undefined
  const envelope = readJson(Buffer.from(bytes).toString('utf8'), decodeEnvelope)
  return envelope === undefined || envelope.recipients.length === 0 ? undefined : envelope
}
