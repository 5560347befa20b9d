/**
 * Reads a whole spool and says what is in it and what is wrong with it: every byte that is promised is read and held
 * against its checksum, files in `large/` included. Takes no lock and changes nothing.
 */
import type { Disk } from '../runtime/disk.ts'
import { namesOfDamaged } from './damaged.ts'
import { BrokenRecord } from './entry-loader.ts'
import { queueId } from './queue-id.ts'
import type { QueueId } from './queue.ts'
import {
  damagedEntry,
  damagedPlace,
  openForReading,
  type DamagedPlace,
  type SpoolReading,
} from './read-spool.ts'

export interface SpoolCheck {
  /** Queued, held ones included. */
  readonly messages: number
  readonly held: number
  /** Of all queued messages, as they will be delivered. */
  readonly messageBytes: number
  readonly segments: number
  readonly segmentBytes: number
  /** Of them, what queued messages need. */
  readonly liveBytes: number
  readonly largeFiles: number
  /** In `large/` and named by no record: drafts of a gateway at work, or what the next start removes. */
  readonly unneeded: readonly string[]
  /** Handed over by other programs, and not taken in yet. */
  readonly incoming: number
  /** What does not hold now, in the log or in `large/`. */
  readonly damage: readonly SpoolDamage[]
  /** What earlier starts have put into `damaged/`. */
  readonly setAside: number
}

export interface SpoolDamage extends DamagedPlace {
  /** The messages that it concerns, where that is known. */
  readonly ids: readonly QueueId[]
}

const keyTroubles = {
  lost: 'the key of the spool is missing or damaged; the next start makes a new one',
  foreign:
    'the spool was written with another key than this file holds: put back its own; without it all messages are there, but where a segment is damaged at its beginning those behind are not found',
} as const

/** A gateway at work moves messages and uses files again while we read: what is really damaged still is when read anew. */
const maxReadings = 3

/** Told how many messages have been read, of how many. */
export type CheckTold = (done: number, all: number) => void

/** @throws PosternError SPOOL_NEWER, NOT_FOUND, DISK_FAILED */
export async function checkSpool(
  disk: Disk,
  path: string,
  told: CheckTold = () => undefined,
): Promise<SpoolCheck> {
  let check = await readOnce(disk, path, told)
  for (let reading = 1; reading < maxReadings && check.damage.length > 0; reading++) {
    const seen = new Set(check.damage.map(placeOf))
    const again = await readOnce(disk, path, told)
    check = { ...again, damage: again.damage.filter((found) => seen.has(placeOf(found))) }
  }
  return check
}

async function readOnce(disk: Disk, path: string, told: CheckTold): Promise<SpoolCheck> {
  const reading = await openForReading(disk, path)
  try {
    const { layout, recovered, byAge } = reading
    const { segments, orphans, incoming, takenIn } = recovered
    const needed = new Set(byAge.flatMap(({ record }) => record.large ?? []))
    const setAside = await namesOfDamaged(disk, layout.damaged)
    return {
      messages: byAge.length,
      held: byAge.filter(({ held }) => held).length,
      messageBytes: byAge.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      segments: segments.length,
      segmentBytes: segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      liveBytes: segments.reduce((sum, { liveBytes }) => sum + liveBytes, 0),
      largeFiles: needed.size + orphans.length,
      unneeded: orphans,
      incoming: incoming.length - takenIn.size,
      damage: await damageIn(reading, told),
      setAside: setAside.length,
    }
  } finally {
    await reading.close()
  }
}

async function damageIn(
  { layout, loader, byAge, damage: inLog, keyTrouble }: SpoolReading,
  told: CheckTold,
): Promise<readonly SpoolDamage[]> {
  const damage: SpoolDamage[] = inLog.map((found) => ({
    ...damagedPlace(layout, found),
    ids: found.numbers.map(queueId),
  }))
  if (keyTrouble !== undefined) {
    damage.push({ path: layout.key, position: 0, reason: keyTroubles[keyTrouble], ids: [] })
  }
  for (const [index, entry] of byAge.entries()) {
    told(index, byAge.length)
    const loaded = await loader.whole(entry)
    if (!(loaded instanceof BrokenRecord)) continue
    damage.push({ ...damagedEntry(layout, entry, loaded), ids: [entry.id] })
  }
  return damage
}

function placeOf({ path, position, ids }: SpoolDamage): string {
  return [path, position, ...ids].join(' ')
}
