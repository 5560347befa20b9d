import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bytesOf, claimOf, delivered, listed, put, text } from '../../test/fixtures/spool.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { systemRandom } from '../runtime/node/random.ts'
import { recordingLog } from '../testkit/recording-log.ts'
import { openSpool } from './open-spool.ts'
import type { Queue } from './queue.ts'
import { readSpool } from './read-spool.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-spool-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

function open(): Promise<Queue> {
  return openSpool({
    disk: systemDisk,
    clock: systemClock,
    random: systemRandom,
    log: recordingLog(),
    path: join(folder, 'deep', 'spool'),
    segmentBytes: 1 << 20,
  })
}

describe('a spool on a real disk', () => {
  test('takes messages of all sizes at once, gives them out, and has the rest when opened again', async () => {
    const queue = await open()
    const sizes = [200, 4_096, 100_000, 300_000, 3_000_000]
    const texts = Array.from({ length: 50 }, (_, i) => text(`message ${i}`, sizes[i % 5]))
    const receipts = await Promise.all(texts.map((message) => put(queue, message)))
    for (const [i, { ids }] of receipts.entries()) {
      if (i % 2 === 0) continue
      const claim = await claimOf(queue, ids[0])
      expect((await bytesOf(claim.entry.message)).equals(Buffer.from(texts[i] ?? ''))).toBe(true)
      void queue.settle(claim, [delivered], 0)
    }
    await queue.close()

    const again = await open()
    const { whole, damaged } = await listed(again.entries())
    expect(damaged).toEqual([])
    const kept = whole.map(({ message }) => message.header.first('subject'))
    const expected = texts.flatMap((_, i) => (i % 2 === 0 ? [`message ${i}`] : []))
    expect(new Set(kept)).toEqual(new Set(expected))
    expect(kept).toHaveLength(expected.length)
    for (const { message } of whole) {
      const number = Number(message.header.first('subject')?.split(' ')[1])
      expect((await bytesOf(message)).equals(Buffer.from(texts[number] ?? ''))).toBe(true)
    }
    const offline = await listed(readSpool(systemDisk, join(folder, 'deep', 'spool')))
    expect(offline.whole).toHaveLength(25)
    await expect(open()).rejects.toMatchObject({ code: 'SPOOL_LOCKED' })
    await again.close()
  })
})
