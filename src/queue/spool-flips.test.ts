/** Any bits of the log go wrong, or its end is missing: what was not touched is there, what was is never taken for whole. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  bytesOf,
  claimOf,
  deferred,
  delivered,
  inTime,
  listed,
  put,
  quiet,
  spoolPath,
  spoolUnderTest,
  text,
} from '../../test/fixtures/spool.ts'
import type { FakeDisk } from '../testkit/fake-disk.ts'
import { decodeMessageMeta } from './message-meta.ts'
import { queueId } from './queue-id.ts'
import { readHeader, readMeta, recordBytes } from './record.ts'

/** Where the record of a message lies, up to its last byte that means something. */
interface Written {
  readonly id: string
  readonly path: string
  readonly from: number
  readonly to: number
}

interface Log {
  readonly disk: FakeDisk
  readonly files: readonly { readonly path: string; readonly sizeBytes: number }[]
  /** Of all that were ever put in, by id. */
  readonly subjects: ReadonlyMap<string, string>
  /** Those that are still queued. */
  readonly messages: readonly Written[]
}

/** Messages in several segments; some are gone, some deferred, some large. */
async function writtenLog(): Promise<Log> {
  const { queue, disk, clock } = await spoolUnderTest()
  const subjects = new Map<string, string>()
  const gone = new Set<string>()
  for (let number = 0; number < 30; number++) {
    const subject = `message ${number}`
    const { ids } = await put(queue, text(subject, number % 7 === 0 ? 6_000 : 900 + 40 * number))
    subjects.set(ids[0], subject)
    if (number % 3 === 2) continue
    const result = number % 3 === 0 ? delivered : deferred
    if (number % 3 === 0) gone.add(ids[0])
    await inTime(clock, queue.settle(await claimOf(queue, ids[0]), [result], clock.now() + 1_000))
  }
  await quiet(disk)
  await queue.close()
  const names = await disk.list(`${spoolPath}/log`)
  const paths = names.toSorted().map((name) => `${spoolPath}/log/${name}`)
  return {
    disk,
    files: paths.map((path) => ({ path, sizeBytes: disk.bytes(path).length })),
    subjects,
    messages: paths
      .flatMap((path) => messagesIn(disk.bytes(path), path))
      .filter(({ id }) => subjects.has(id) && !gone.has(id)),
  }
}

function messagesIn(bytes: Buffer, path: string): readonly Written[] {
  const found: Written[] = []
  let from = 0
  for (let header = readHeader(bytes, from); header; header = readHeader(bytes, from)) {
    const to = from + 64 + header.metaBytes + header.payloadBytes
    const meta = header.type === 'message' ? readMeta(bytes, from, header) : undefined
    for (const { number } of decodeMessageMeta(meta ?? '')?.placements ?? []) {
      found.push({ id: queueId(number), path, from, to })
    }
    from += recordBytes(header)
  }
  return found
}

/** What a gateway offers for delivery, by id; every byte of it is what was put in. */
async function offered(disk: FakeDisk, { subjects }: Log): Promise<Set<string>> {
  const { queue } = await spoolUnderTest({ disk })
  const { whole } = await listed(queue.entries())
  const ids = new Set<string>()
  for (const { id } of whole) {
    const claim = await queue.claim(id)
    if (claim === undefined) continue
    const subject = subjects.get(id) ?? ''
    const bytes = (await bytesOf(claim.entry.message)).toString()
    expect(bytes).toBe(text(subject, bytes.length))
    ids.add(id)
  }
  await queue.close()
  return ids
}

describe('a log in which bits go wrong', () => {
  test('gives out every message whose record was not touched, and no touched one as whole', async () => {
    const log = await writtenLog()
    expect(log.files.length).toBeGreaterThan(2)
    const flips = fc.array(fc.record({ file: fc.nat(), at: fc.nat(), bit: fc.nat(7) }), {
      minLength: 1,
      maxLength: 12,
    })
    await fc.assert(
      fc.asyncProperty(flips, async (chosen) => {
        const copy = log.disk.afterKill()
        const touched = new Map<string, number>()
        for (const { file, at, bit } of chosen) {
          const { path, sizeBytes } = log.files[file % log.files.length]!
          copy.flip(path, at % sizeBytes, bit)
          // The same bit twice is as it was.
          const key = `${path} ${at % sizeBytes} ${bit}`
          touched.set(key, (touched.get(key) ?? 0) + 1)
        }
        const wrong = [...touched].filter(([, count]) => count % 2 === 1).map(([key]) => key)
        const ids = await offered(copy, log)
        for (const { id, path, from, to } of log.messages) {
          const hit = wrong.some((key) => {
            const [where, at] = key.split(' ')
            return where === path && Number(at) >= from && Number(at) < to
          })
          expect(ids.has(id), `${id}${hit ? ', touched' : ''}`).toBe(!hit)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('keeps all that stands before the place where its last file was cut off', async () => {
    const log = await writtenLog()
    const last = log.messages.at(-1)!
    await fc.assert(
      fc.asyncProperty(fc.nat(last.to), async (size) => {
        const copy = log.disk.afterKill()
        const file = await copy.open(last.path, 'write')
        await file.truncate(size)
        const ids = await offered(copy, log)
        for (const { id, path, to } of log.messages) {
          expect(ids.has(id), id).toBe(path !== last.path || to <= size)
        }
      }),
      { numRuns: 100 },
    )
  })
})
