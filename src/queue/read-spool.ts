import type { Disk } from '../runtime/disk.ts'
import { isHandedOver, listDamaged, namesOfDamaged } from './damaged.ts'
import { BrokenRecord, EntryLoader } from './entry-loader.ts'
import { queueId } from './queue-id.ts'
import type { QueuedEntry } from './queued-entry.ts'
import type { Damaged, Entry } from './queue.ts'
import { recover, type Recovered, type RecoveredDamage } from './recovery.ts'
import { formatVersion } from './record.ts'
import { checkFormat, keyIn } from './spool-format.ts'
import { oldestFirst } from './oldest-first.ts'
import { shardPath, shardsOf } from './shards.ts'
import { spoolLayout, type SpoolLayout } from './spool-layout.ts'

/** The same as `readSpool` of all shards of a spool, as one list. */
export async function* readShards(disk: Disk, path: string): AsyncIterable<Entry | Damaged> {
  const shards = await shardsOf(disk, path)
  yield* oldestFirst(shards.map((shard) => readSpool(disk, shardPath(path, shard))))
}

/** A spool as its files tell it, open for reading. */
export interface SpoolReading {
  readonly layout: SpoolLayout
  readonly recovered: Recovered
  readonly loader: EntryLoader
  /** The queued messages, oldest first. */
  readonly byAge: readonly QueuedEntry[]
  /** In the log, and not in `damaged/` yet. */
  readonly damage: readonly RecoveredDamage[]
  /** What is wrong with the file that tells our records from what others write. */
  readonly keyTrouble: 'lost' | 'foreign' | undefined
  close(): Promise<void>
}

/**
 * What lies in a spool, oldest first, without its lock and without changing a byte: beside a running gateway what moves
 * meanwhile may be missed. A message is readable while its entry is the current one of the iteration.
 * @throws PosternError SPOOL_NEWER, NOT_FOUND, DISK_FAILED
 */
export async function* readSpool(disk: Disk, path: string): AsyncIterable<Entry | Damaged> {
  const reading = await openForReading(disk, path)
  const { layout, loader, damage } = reading
  try {
    for (const entry of reading.byAge) {
      const loaded = await loader.head(entry)
      if (!(loaded instanceof BrokenRecord)) yield loaded
      else yield listed(damagedEntry(layout, entry, loaded))
    }
    for (const found of damage) yield listed(damagedPlace(layout, found))
    yield* listDamaged(disk, layout.damaged)
  } finally {
    await reading.close()
  }
}

/** @throws PosternError SPOOL_NEWER, NOT_FOUND, DISK_FAILED */
export async function openForReading(disk: Disk, path: string): Promise<SpoolReading> {
  const layout = spoolLayout(path)
  await disk.stat(path)
  const version = await checkFormat(disk, layout)
  const spoolKey = await keyIn(disk, layout, version)
  const recovered = await recover(disk, layout, { mode: 'read', spoolKey })
  const known = await namesOfDamaged(disk, layout.damaged)
  const slots = [...recovered.segments.map(({ slot }) => slot), ...recovered.unused]
  return {
    layout,
    recovered,
    loader: new EntryLoader(disk, layout.large),
    byAge: [...recovered.entries.values()].toSorted((a, b) => a.number - b.number),
    damage: recovered.damage.filter(
      (found) => !isBeingWritten(recovered, found) && !isSetAside(known, found),
    ),
    keyTrouble:
      version === formatVersion && spoolKey.secret === undefined
        ? 'lost'
        : recovered.foreign > 0
          ? 'foreign'
          : undefined,
    async close() {
      for (const { file } of slots) await file.close()
    },
  }
}

/** Where in the log something is damaged, and why we think so. */
export interface DamagedPlace {
  readonly path: string
  readonly position: number
  readonly reason: string
}

export function damagedEntry(
  layout: SpoolLayout,
  { record: { segment, position } }: QueuedEntry,
  { reason }: BrokenRecord,
): DamagedPlace {
  return damagedPlace(layout, { slot: segment.slot, position, reason })
}

export function damagedPlace(
  { segments }: SpoolLayout,
  { slot, position, reason }: Pick<RecoveredDamage, 'slot' | 'position' | 'reason'>,
): DamagedPlace {
  return { path: `${segments}/${slot.name}`, position, reason }
}

/** Behind the last batch that is known to be whole, a gateway may be at work. */
function isBeingWritten(
  { tail }: Recovered,
  { slot, position }: Pick<RecoveredDamage, 'slot' | 'position'>,
): boolean {
  return tail !== undefined && slot === tail.segment.slot && position >= tail.start
}

/** What was set aside stays where it was until its segment is retired. */
function isSetAside(
  names: readonly string[],
  { generation, position, numbers }: RecoveredDamage,
): boolean {
  const prefix = `${generation}-${position}-`
  if (names.some((name) => name.startsWith(prefix) && !isHandedOver(name))) return true
  return numbers.length > 0 && numbers.every((number) => names.includes(queueId(number)))
}

function listed({ path, position, reason }: DamagedPlace): Damaged {
  return { damaged: true, path, reason: `${reason}, at byte ${position}` }
}
