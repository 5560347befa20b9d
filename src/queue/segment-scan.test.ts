import { describe, expect, test } from 'vitest'
import { fakeDisk } from '../testkit/fake-disk.ts'
import { BatchWriter } from './batch.ts'
import { unplacedRecord } from './record.ts'
import { scanSegment } from './segment-scan.ts'

const path = '/segment'
const key = Buffer.from('a key of 16 byte')

/** A file under construction: batches of records, one generation after the other. */
class SegmentBytes {
  readonly bytes = Buffer.alloc(4_096)

  /** @returns where the batch ends */
  batch(metas: readonly string[], generation: number, start = 0): number {
    const links = { generation, key, oldest: 1, previousGeneration: 0, previousEnd: 0 }
    const records = metas.map((meta) => unplacedRecord('state', meta, [Buffer.from(meta)]))
    const room = this.bytes.length - start
    const { parts, bytes } = new BatchWriter().layOut(records, { start, room, links })
    this.bytes.set(Buffer.concat(parts), start)
    return start + bytes
  }

  async scan(generation: number, knownEnd?: number) {
    const metas: string[] = []
    const disk = fakeDisk({ [path]: this.bytes })
    const scanned = await scanSegment({
      file: await disk.open(path, 'read'),
      sizeBytes: this.bytes.length,
      mark: { generation, key },
      knownEnd,
      payloads: true,
      record: ({ meta }) => metas.push(meta),
    })
    return { metas, ...scanned }
  }
}

describe('a segment', () => {
  test('is read batch by batch to its end', async () => {
    const segment = new SegmentBytes()
    const first = segment.batch(['a', 'b'], 5)
    const second = segment.batch(['c'], 5, first)
    expect(await segment.scan(5)).toEqual({
      metas: ['a', 'b', 'c'],
      end: second,
      syncedEnd: first,
      damage: [],
    })
  })

  test('that is used again shows nothing of the generation before, wherever the new one ends', async () => {
    const segment = new SegmentBytes()
    segment.batch(['old 1', 'old 2', 'old 3', 'old 4'], 4)
    segment.batch(['new'], 5)
    expect(await segment.scan(5)).toMatchObject({ metas: ['new'], damage: [] })
  })

  test('whose block of zeros was lost does not go on into the generation before', async () => {
    const segment = new SegmentBytes()
    segment.batch(['old 1', 'old 2', 'old 3'], 4)
    const before = Buffer.from(segment.bytes)
    const end = segment.batch(['new'], 5)
    segment.bytes.set(before.subarray(end), end)
    expect(await segment.scan(5)).toMatchObject({ metas: ['new'], end, damage: [] })
  })

  test('ends where a later one says, whatever stands behind', async () => {
    const segment = new SegmentBytes()
    const end = segment.batch(['promised'], 5)
    segment.batch(['refused'], 5, end)
    expect(await segment.scan(5, end)).toMatchObject({ metas: ['promised'], end, damage: [] })
  })

  test('with a hole in a batch that was synced has damage there, and goes on behind', async () => {
    const segment = new SegmentBytes()
    const first = segment.batch(['a'], 5)
    const second = segment.batch(['lost'], 5, first)
    const third = segment.batch(['c'], 5, second)
    segment.batch(['d'], 5, third)
    segment.bytes.fill(0, first, second)
    const { metas, damage } = await segment.scan(5)
    expect(metas).toEqual(['a', 'c', 'd'])
    expect(damage).toMatchObject([{ position: first, bytes: second - first, unproven: false }])
  })

  test('with a hole in its last batch has lost nothing that was known to be promised', async () => {
    const segment = new SegmentBytes()
    const first = segment.batch(['a'], 5)
    segment.batch(['not written', 'written'], 5, first)
    segment.bytes.fill(0, first, first + 128)
    expect(await segment.scan(5)).toMatchObject({
      metas: ['a', 'written'],
      damage: [{ position: first, bytes: 128, unproven: true }],
    })
  })

  test('that ends in half a record keeps that half, since it may have been promised', async () => {
    const segment = new SegmentBytes()
    const first = segment.batch(['a'], 5)
    segment.batch(['b'.repeat(300)], 5, first)
    segment.bytes.fill(0, first + 400)
    const { metas, end, damage } = await segment.scan(5)
    expect(metas).toEqual(['a'])
    expect(end).toBe(first)
    expect(damage).toMatchObject([{ position: first, meta: 'b'.repeat(300), unproven: true }])
  })

  test('of zeros, or of nothing, is empty', async () => {
    expect(await new SegmentBytes().scan(5)).toMatchObject({ metas: [], end: 0, damage: [] })
  })
})
