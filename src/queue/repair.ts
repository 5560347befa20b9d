/** What a start changes of what it found: the last batch is confirmed, damage is set aside, left-overs are removed. */
import { crc32 } from 'node:zlib'
import type { Disk } from '../runtime/disk.ts'
import type { Log } from '../runtime/log.ts'
import { exists } from '../runtime/missing.ts'
import { setAside, setAsideFile, unprovenSuffix } from './damaged.ts'
import type { Recovered, RecoveredDamage } from './recovery.ts'
import type { SegmentFile } from './segment.ts'
import type { SpoolLayout } from './spool-layout.ts'

const pieceBytes = 1 << 20

interface Workshop {
  readonly disk: Disk
  readonly log: Log
  readonly layout: SpoolLayout
}

export interface Repaired {
  /** The messages that are set aside and no longer queued. */
  readonly lost: readonly number[]
  /** Files with what could not be set aside: they must not be used again. */
  readonly unsafe: ReadonlySet<SegmentFile>
}

/**
 * @throws PosternError DISK_FULL, DISK_FAILED if the last batch cannot be confirmed
 */
export async function repair(shop: Workshop, recovered: Recovered): Promise<Repaired> {
  await confirmTail(recovered)
  const lost: number[] = []
  const unsafe = new Set<SegmentFile>()
  let isUnproven = true
  for (const damage of recovered.damage) {
    const kept = await keepDamage(shop, damage)
    if (kept !== 'unproven') isUnproven = false
    if (kept === undefined) {
      pin(recovered, damage)
      unsafe.add(damage.slot)
    } else lost.push(...damage.numbers)
  }
  await clearLarge(shop, recovered, isUnproven)
  return { lost: lost.filter((number) => !recovered.entries.has(number)), unsafe }
}

/**
 * The last batch is whole, but nobody knows whether its sync ever returned: a kill may have come first, and after a
 * failed one the kernel would call its pages clean. It is written once more and synced before anything rests on it.
 */
async function confirmTail({ tail }: Recovered): Promise<void> {
  if (tail === undefined || tail.segment.end <= tail.start) return
  const { file } = tail.segment.slot
  for (let at = tail.start; at < tail.segment.end; at += pieceBytes) {
    await file.write([await file.read(at, Math.min(pieceBytes, tail.segment.end - at))], at)
  }
  await file.datasync()
}

/** @returns as what it lies in `damaged/` now; undefined if it does not */
async function keepDamage(
  { disk, log, layout }: Workshop,
  { slot, generation, position, bytes, reason, unproven }: RecoveredDamage,
): Promise<'unproven' | 'damaged' | undefined> {
  const where = { segment: slot.name, position, reason }
  try {
    const broken = withoutZeros(await slot.file.read(position, bytes))
    const checksum = crc32(broken).toString(16).padStart(8, '0')
    const known = `${generation}-${position}-${checksum}`
    // Once a later segment names the end of this one, what was unproven in it does not look so any more.
    const wasUnproven =
      unproven || (await exists(disk, `${layout.damaged}/${known}${unprovenSuffix}`))
    const name = wasUnproven ? `${known}${unprovenSuffix}` : known
    const path = await setAside(disk, layout.damaged, { name, reason, bytes: broken })
    if (wasUnproven) log.warn('spool.tail-cut-short', { ...where, path })
    else log.error('spool.record-damaged', { ...where, path })
    return wasUnproven ? 'unproven' : 'damaged'
  } catch (error) {
    log.error('spool.record-not-set-aside', { ...where, error: String(error) })
    return undefined
  }
}

/** What cannot be set aside now stays part of its segment, and keeps it, to be found again at the next start. */
function pin({ segments }: Recovered, { generation, position, bytes }: RecoveredDamage): void {
  const segment = segments.find((known) => known.generation === generation)
  if (segment === undefined) return
  segment.end = Math.max(segment.end, position + bytes)
  segment.keep(bytes)
}

function withoutZeros(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, bytes.findLastIndex((byte) => byte !== 0) + 1)
}

/**
 * Where a record is damaged, a large file that nobody names may be its: then none is removed.
 * @param isUnproven all that is damaged was hardly promised
 */
async function clearLarge(
  { disk, log, layout }: Workshop,
  { orphans, damage }: Recovered,
  isUnproven: boolean,
): Promise<void> {
  const suffix = isUnproven ? unprovenSuffix : ''
  for (const name of orphans) {
    const from = `${layout.large}/${name}`
    try {
      if (damage.length === 0) await disk.remove(from)
      else
        await setAsideFile(disk, {
          from,
          folder: layout.damaged,
          name: name + suffix,
          kind: 'large',
        })
    } catch (error) {
      log.warn('spool.file-not-removed', { path: from, error: String(error) })
    }
  }
}
