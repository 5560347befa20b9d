/**
 * A sender who knows the form of the log, the generation of its segment and the place where the message will lie: whatever
 * stands in the message, and however the disk tears the record around it, nothing of it counts as a record.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { forgedRecord, recordsIn } from '../../test/fixtures/forged-records.ts'
import { listed, put, spoolPath, spoolUnderTest, text } from '../../test/fixtures/spool.ts'
import type { FakeDisk } from '../testkit/fake-disk.ts'
import { seededRandom } from '../testkit/seeded-random.ts'
import { headerBytes, readHeader, readMeta } from './record.ts'

const log = `${spoolPath}/log/000001`
const generation = 1
const bodyBytes = 6_144
const head = Buffer.from('Subject: hostile\r\n\r\n')
const sizes = { segmentBytes: 1 << 16, inlineBytes: 1 << 14 }

/** A spool with a hostile message among others, as it lies on the disk after a stop. */
async function spoolWith(body: Uint8Array, before: number, secret = 1): Promise<FakeDisk> {
  const { queue, disk } = await spoolUnderTest({}, { ...sizes, random: seededRandom(secret) })
  for (let number = 0; number < before; number++) await put(queue, text(`true ${number}`))
  await put(queue, Buffer.concat([head, body]))
  await put(queue, text('true last'))
  await queue.close()
  return disk
}

/** Where the record of the hostile message begins, and its body. */
function placesIn(bytes: Buffer): { readonly record: number; readonly body: number } {
  let at = 0
  for (const record of recordsIn(bytes)) {
    const body = record.indexOf(head)
    if (body >= 0) return { record: at, body: at + body + head.length }
    at += record.length
  }
  throw new Error('there is no such message')
}

/** What fills the body, block by block of 64 bytes as they lie on the disk. */
type Block =
  | { readonly what: 'noise'; readonly bytes: Uint8Array }
  /** A whole record of another spool, as it is, or made to fit. */
  | { readonly what: 'copy' }
  | { readonly what: 'forged'; readonly version: 1 | 2; readonly key: Uint8Array | undefined }
  /** One of this very segment, which nobody could know. */
  | { readonly what: 'own' }

const block = fc.oneof(
  fc.record({
    what: fc.constant('noise' as const),
    bytes: fc.uint8Array({ minLength: 64, maxLength: 64 }),
  }),
  fc.constant<Block>({ what: 'copy' }),
  fc.constant<Block>({ what: 'own' }),
  fc.record({
    what: fc.constant('forged' as const),
    version: fc.constantFrom(1 as const, 2 as const),
    key: fc.option(fc.uint8Array({ minLength: 16, maxLength: 16 }), { nil: undefined }),
  }),
)

const tears = {
  'its first sector is empty': (bytes: Buffer, at: number) => bytes.fill(0, at, at + 512),
  'its header is empty': (bytes: Buffer, at: number) => bytes.fill(0, at, at + headerBytes),
  'a bit of it is wrong': (bytes: Buffer, at: number) =>
    void bytes.writeUInt8(bytes.readUInt8(at + 5) ^ 4, at + 5),
}

describe('what stands in a message', () => {
  test('never yields a record, wherever its own is torn', async () => {
    const other = await spoolWith(Buffer.alloc(bodyBytes), 1, 2)
    const [stranger = Buffer.alloc(0)] = recordsIn(other.bytes(log))
    const before = fc.integer({ min: 0, max: 2 })
    await fc.assert(
      fc.asyncProperty(
        fc.array(block, { minLength: 4, maxLength: 12 }),
        before,
        fc.constantFrom(...Object.values(tears)),
        async (blocks, count, tear) => {
          const empty = (await spoolWith(Buffer.alloc(bodyBytes), count)).bytes(log)
          const own = recordsIn(empty)[count === 0 ? 1 : 0] ?? Buffer.alloc(0)
          const body = filled(blocks, placesIn(empty).body, { stranger, own })
          const disk = await spoolWith(body, count)
          const bytes = Buffer.from(disk.bytes(log))
          tear(bytes, placesIn(bytes).record)
          disk.put(log, bytes)
          const { queue } = await spoolUnderTest({ disk }, sizes)
          const { whole, damaged } = await listed(queue.entries())
          const subjects = whole.map(({ message }) => message.header.first('subject'))
          const promised = Array.from({ length: count }, (_, number) => `true ${number}`)
          expect(subjects).toEqual([...promised, 'true last'])
          expect(damaged).toHaveLength(1)
          await queue.close()
        },
      ),
      { numRuns: 60 },
    )
  })

  test('would pass for a record in every other way', async () => {
    const other = await spoolWith(Buffer.alloc(bodyBytes), 1)
    const [stranger = Buffer.alloc(0)] = recordsIn(other.bytes(log))
    for (const version of [1, 2] as const) {
      const forged = forgedRecord(stranger, { version, generation, position: 640, batchStart: 0 })
      const header = readHeader(forged, 0)
      expect(header).toMatchObject({ type: 'message', generation })
      expect(header && readMeta(forged, 0, header)).toContain('bob')
    }
  })
})

/** The blocks, each where it lies at a multiple of 64 on the disk. @param offset of the body there */
function filled(
  blocks: readonly Block[],
  offset: number,
  { stranger, own }: { readonly stranger: Buffer; readonly own: Buffer },
): Buffer {
  const body = Buffer.alloc(bodyBytes, 'x')
  let at = (64 - (offset % 64)) % 64
  for (const each of blocks) {
    const bytes = bytesOf(each, offset + at, { stranger, own })
    if (at + bytes.length > body.length) break
    body.set(bytes, at)
    at += bytes.length
  }
  return body
}

function bytesOf(
  each: Block,
  position: number,
  { stranger, own }: { readonly stranger: Buffer; readonly own: Buffer },
): Uint8Array {
  switch (each.what) {
    case 'noise':
      return each.bytes
    case 'copy':
      return stranger
    case 'own':
      return own
    case 'forged': {
      const { version, key } = each
      const claimed = { version, generation, position, batchStart: 0 }
      return forgedRecord(stranger, key === undefined ? claimed : { ...claimed, key })
    }
  }
}
