/**
 * What one queued message costs in memory outside the active set: bytes of heap for an index entry, of messages that
 * nobody has tried and of messages that a next hop has deferred at length. Run with --expose-gc; prints JSON.
 */
import { memoryUsage } from 'node:process'
import { fileURLToPath } from 'node:url'
import { MessageIndex } from '../../src/queue/message-index.ts'
import type { MessageMeta, PlacementMeta } from '../../src/queue/message-meta.ts'
import { QueuedEntry, StoredRecord } from '../../src/queue/queued-entry.ts'
import type { RecipientState } from '../../src/queue/queue.ts'
import { Segment } from '../../src/queue/segment.ts'
import { systemDisk } from '../../src/runtime/node/disk.ts'

const count = Number(process.argv[2] ?? 200_000)
const firstAt = Date.UTC(2026, 0, 1)
// Nobody reads it.
const file = await systemDisk.open(fileURLToPath(import.meta.url), 'read')

function usedBytes(): number {
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, external } = memoryUsage()
  return heapUsed + external
}

function fill(index: MessageIndex): void {
  const slot = { name: '1', file, inode: 1, sizeBytes: 1 << 26 }
  const mark = { generation: 1, key: Buffer.alloc(16) }
  const segment = new Segment({ mark, slot, limitBytes: 1 << 26, end: 0, warm: true })
  for (let at = 0; at < count; at++) {
    const number = firstAt * 2048 + at
    const placement: PlacementMeta = { number, disposition: 'deliver', block: 0, envelope: [] }
    const meta: MessageMeta = {
      receivedAt: firstAt + at,
      eightBit: false,
      blocks: [300],
      bodyBytes: 4096,
      placements: [placement],
    }
    const place = { segment, position: (at * 4608) % (1 << 26), bytes: 4608 }
    index.add(new QueuedEntry(meta, placement, new StoredRecord(place, 1, undefined)))
  }
}

/** As after a try each: no two servers say the same, and this one says much. */
function defer(index: MessageIndex): void {
  for (const entry of index.values()) {
    const text = `451 4.7.1 ${entry.id} ${'Come back later. '.repeat(30)}`
    const state: RecipientState = { state: 'deferred', text, tries: 1 }
    const { number, receivedAt } = entry
    const outcome = {
      number,
      tries: 1,
      dueAt: receivedAt + 400_000,
      recipients: [[0, state]] as const,
    }
    index.update(entry, () => entry.applyOutcome(outcome))
  }
}

const before = usedBytes()
const index = new MessageIndex(new Map())
fill(index)
const fresh = (usedBytes() - before) / count
defer(index)
const deferred = (usedBytes() - before) / count
process.stdout.write(`${JSON.stringify({ messages: index.size, fresh, deferred })}\n`)
await file.close()
