import { assert, property, uint8Array, constantFrom, nat, string, array } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BatchWriter } from './batch.ts'
import {
  headerBytes,
  readHeader,
  readMeta,
  readPayload,
  recordBytes,
  recordTypes,
  unplacedRecord,
} from './record.ts'

const key = Buffer.from('a key of 16 byte')
const links = { generation: 7, key, oldest: 3, previousGeneration: 6, previousEnd: 4_096 }
const record = () =>
  array(uint8Array({ maxLength: 200 }), { maxLength: 3 }).chain((payload) =>
    string({ unit: 'binary', maxLength: 100 }).chain((meta) =>
      constantFrom(...recordTypes).map((type) =>
        unplacedRecord(type, meta.toWellFormed(), payload),
      ),
    ),
  )

function bytesOf(records: readonly ReturnType<typeof unplacedRecord>[]): Buffer {
  return Buffer.concat(new BatchWriter().layOut(records, { start: 0, room: 1 << 20, links }).parts)
}

describe('a batch of records', () => {
  test('reads back as it was laid out, and ends in a block of zeros', () => {
    assert(
      property(array(record(), { minLength: 1, maxLength: 5 }), (records) => {
        const bytes = bytesOf(records)
        let at = 0
        for (const { type, meta, payload } of records) {
          const header = readHeader(bytes, at)
          if (header === undefined) return false
          expect(header).toMatchObject({ type, batchStart: 0, ...links })
          expect(readMeta(bytes, at, header)).toBe(meta)
          expect(readPayload(bytes, at, header)?.equals(Buffer.concat(payload))).toBe(true)
          at += recordBytes(header)
        }
        expect(bytes.subarray(at).equals(Buffer.alloc(headerBytes))).toBe(true)
        return true
      }),
      { numRuns: 40 },
    )
  })

  test('that fills a segment to its last byte has no block of zeros', () => {
    const records = [unplacedRecord('opening', '[]')]
    const { parts, bytes } = new BatchWriter().layOut(records, { start: 0, room: 128, links })
    expect(bytes).toBe(128)
    expect(Buffer.concat(parts)).toHaveLength(128)
  })
})

describe('a record', () => {
  test('of any bytes never breaks its reader', () => {
    assert(
      property(uint8Array({ maxLength: 300 }), nat(300), (noise, at) => {
        const bytes = bytesOf([unplacedRecord('state', '[1]', [noise])])
        bytes.set(noise.subarray(0, bytes.length), 0)
        const header = readHeader(bytes, at)
        if (header === undefined) return
        readMeta(bytes, at, header)
        readPayload(bytes, at, header)
      }),
    )
  })

  test('with any bit wrong is not whole', () => {
    const whole = bytesOf([unplacedRecord('message', '["meta"]', [Buffer.from('payload')])])
    const used = headerBytes + 8 + 7
    for (let bit = 0; bit < used * 8; bit++) {
      const bytes = Buffer.from(whole)
      bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      const header = readHeader(bytes, 0)
      const isWhole =
        header !== undefined &&
        readMeta(bytes, 0, header) !== undefined &&
        readPayload(bytes, 0, header) !== undefined
      expect(isWhole, `bit ${bit}`).toBe(false)
    }
  })
})
