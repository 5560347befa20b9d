import type { Disk } from '../runtime/disk.ts'
import { listDamaged } from './damaged.ts'
import { BrokenRecord, EntryLoader } from './entry-loader.ts'
import type { QueuedEntry } from './queued-entry.ts'
import type { Damaged, Entry } from './queue.ts'
import { recover, type Recovered, type RecoveredDamage } from './recovery.ts'
import { checkFormat } from './spool-format.ts'
import { oldestFirst } from './oldest-first.ts'
import { shardPath, shardsOf } from './shards.ts'
import { spoolLayout, type SpoolLayout } from './spool-layout.ts'

/** The same of all shards of a spool, as one list. */
export async function* readShards(disk: Disk, path: string): AsyncIterable<Entry | Damaged> {
  const shards = await shardsOf(disk, path)
  yield* oldestFirst(shards.map((shard) => readSpool(disk, shardPath(path, shard))))
}

/**
 * What lies in a spool, oldest first, without its lock and without changing a byte: beside a running gateway what moves
 * meanwhile may be missed. A message is readable while its entry is the current one of the iteration.
 * @throws PosternError SPOOL_NEWER, NOT_FOUND, DISK_FAILED
 */
export async function* readSpool(disk: Disk, path: string): AsyncIterable<Entry | Damaged> {
  const layout = spoolLayout(path)
  await disk.stat(path)
  await checkFormat(disk, layout)
  const recovered = await recover(disk, layout, 'read')
  try {
    const loader = new EntryLoader(disk, layout.large)
    const byAge = [...recovered.entries.values()].toSorted((a, b) => a.number - b.number)
    for (const entry of byAge) {
      const loaded = await loader.head(entry)
      if (!(loaded instanceof BrokenRecord)) yield loaded
      else yield brokenEntry(layout, entry, loaded)
    }
    for (const damage of recovered.damage) {
      if (!isBeingWritten(recovered, damage)) yield damagedAt(layout, damage)
    }
    yield* listDamaged(disk, layout.damaged)
  } finally {
    for (const slot of [
      ...recovered.segments.map((segment) => segment.slot),
      ...recovered.unused,
    ]) {
      await slot.file.close()
    }
  }
}

function brokenEntry(
  layout: SpoolLayout,
  { record: { segment, position } }: QueuedEntry,
  { reason }: BrokenRecord,
): Damaged {
  return damagedAt(layout, { slot: segment.slot, position, reason })
}

type Where = Pick<RecoveredDamage, 'slot' | 'position' | 'reason'>

function damagedAt(layout: SpoolLayout, { slot, position, reason }: Where): Damaged {
  const path = `${layout.segments}/${slot.name}`
  return { damaged: true, path, reason: `${reason}, at byte ${position}` }
}

/** Behind the last batch that is known to be whole, a gateway may be at work. */
function isBeingWritten({ tail }: Recovered, { slot, position }: RecoveredDamage): boolean {
  return tail !== undefined && slot === tail.segment.slot && position >= tail.start
}
