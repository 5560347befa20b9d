import fc from 'fast-check'
import { crc32 } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { envelopeTo } from '../../test/fixtures/spool.ts'
import type { Envelope } from '../mail/envelope.ts'
import {
  decodeHandoverEnvelope,
  decodeHandoverFooter,
  encodeHandoverEnd,
  footerBytes,
} from './handover-file.ts'

function fileOf(message: Buffer, envelope: Envelope): Buffer {
  const facts = { messageBytes: message.length, messageCrc: crc32(message) }
  return Buffer.concat([message, encodeHandoverEnd(envelope, facts)])
}

function read(file: Buffer): { readonly message: Buffer; readonly envelope: Envelope } | undefined {
  const footer = decodeHandoverFooter(file.subarray(-footerBytes), file.length)
  if (footer === undefined) return undefined
  const { messageBytes, envelopeBytes, messageCrc } = footer
  const message = file.subarray(0, messageBytes)
  if (crc32(message) !== messageCrc) return undefined
  const text = file.subarray(messageBytes, messageBytes + envelopeBytes)
  const envelope = decodeHandoverEnvelope(text, footer)
  return envelope === undefined ? undefined : { message, envelope }
}

const files = fc
  .record({
    message: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    names: fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 3 }),
  })
  .map(({ message, names }) => ({ message, envelope: envelopeTo(...names) }))

describe('a message handed over in a file', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(files, ({ message, envelope }) => {
        expect(read(fileOf(message, envelope))).toEqual({ message, envelope })
      }),
    )
  })

  test('with any bit wrong is none', () => {
    fc.assert(
      fc.property(files, fc.nat(), fc.nat(7), ({ message, envelope }, place, bit) => {
        const file = fileOf(message, envelope)
        const at = place % file.length
        file[at] = file.readUInt8(at) ^ (1 << bit)
        expect(read(file)).toBeUndefined()
      }),
    )
  })

  test('that was cut short is none, and neither is noise', () => {
    fc.assert(
      fc.property(files, fc.nat(), ({ message, envelope }, cut) => {
        const file = fileOf(message, envelope)
        expect(read(file.subarray(0, cut % file.length))).toBeUndefined()
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(read(Buffer.from(bytes))).toBeUndefined()
      }),
    )
  })

  test('for nobody is none', () => {
    expect(read(fileOf(Buffer.from('x'), envelopeTo()))).toBeUndefined()
  })
})
