/** Opens a spool for the one gateway that may write it: locks it, recovers it, sets aside what is damaged. */
import { posix } from 'node:path'
import { crc32 } from 'node:zlib'
import type { Clock } from '../runtime/clock.ts'
import type { Disk, DiskLock } from '../runtime/disk.ts'
import type { Log } from '../runtime/log.ts'
import { Committer } from './committer.ts'
import { setAside, setAsideFile } from './damaged.ts'
import { EntryLoader } from './entry-loader.ts'
import { MessageIndex } from './message-index.ts'
import { QueueNumbers } from './queue-id.ts'
import type { Queue } from './queue.ts'
import { recover, type Recovered, type RecoveredDamage } from './recovery.ts'
import { SegmentLog } from './segment-log.ts'
import { SegmentPool } from './segment-pool.ts'
import { checkFormat, writeFormat } from './spool-format.ts'
import { spoolLayout, type SpoolLayout } from './spool-layout.ts'
import { Spool } from './spool.ts'

export interface SpoolOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly log: Log
  /** The spool's folder; it is made where it is missing. */
  readonly path: string
  /** Of one segment file; 64 MB. */
  readonly segmentBytes?: number
  /** Messages up to this size lie in the log, larger ones in files of their own; 256 KB. */
  readonly inlineBytes?: number
  /** What all drafts together may hold in memory; 64 MB. */
  readonly draftMemoryBytes?: number
}

const defaultSegmentBytes = 64 << 20
const defaultInlineBytes = 256 << 10
const defaultDraftMemoryBytes = 64 << 20
const pieceBytes = 1 << 20

/** @throws PosternError SPOOL_LOCKED, SPOOL_NEWER, DISK_FULL, DISK_FAILED */
export async function openSpool(options: SpoolOptions): Promise<Queue> {
  const { disk, path } = options
  const layout = spoolLayout(path)
  await disk.makeDirectory(layout.root)
  const lock = await disk.lock(layout.lock)
  try {
    await makeFolders(disk, layout)
    return await open(options, layout, lock)
  } catch (error) {
    await lock.release()
    throw error
  }
}

async function open(options: SpoolOptions, layout: SpoolLayout, lock: DiskLock): Promise<Queue> {
  const { disk, clock, log, segmentBytes = defaultSegmentBytes } = options
  const { inlineBytes = Math.min(defaultInlineBytes, segmentBytes >> 2) } = options
  const { draftMemoryBytes = defaultDraftMemoryBytes } = options
  const startedAt = clock.monotonicMs()
  const recovered = await recover(disk, layout, 'write')
  await confirmTail(recovered)
  for (const damage of recovered.damage) await keepDamage(options, layout, { damage, recovered })
  await clearLarge(options, layout, recovered)
  const { lastName, lastNumber, lastGeneration } = recovered
  const pool = new SegmentPool({ disk, log, folder: layout.segments, segmentBytes, lastName })
  for (const slot of recovered.unused) pool.give(slot)
  const segments = new SegmentLog({
    pool,
    segmentBytes,
    segments: recovered.segments,
    lastGeneration,
  })
  const reserveBytes = segmentBytes >> 3
  const index = new MessageIndex(recovered.entries)
  log.info('spool.opened', {
    messages: index.size,
    segments: recovered.segments.length,
    damaged: recovered.damage.length,
    durationMs: Math.round(clock.monotonicMs() - startedAt),
  })
  return new Spool({
    disk,
    clock,
    log,
    layout,
    lock,
    segments,
    committer: new Committer({ segments, clock, log, reserveBytes }),
    index,
    loader: new EntryLoader(disk, layout.large),
    numbers: new QueueNumbers(clock, lastNumber),
    segmentBytes,
    inlineBytes,
    draftMemoryBytes,
    async closeFiles() {
      await segments.close()
      await pool.close()
    },
  })
}

/** The format's file is written last: while it is missing, nothing of the spool's folders is known to be durable. */
async function makeFolders(disk: Disk, layout: SpoolLayout): Promise<void> {
  const known = await checkFormat(disk, layout)
  for (const folder of [layout.segments, layout.large, layout.damaged]) {
    await disk.makeDirectory(folder)
  }
  await disk.syncDirectory(layout.root)
  if (known) return
  await syncParents(disk, layout.root)
  await writeFormat(disk, layout)
}

/** All the way up, since some of them may be new; one that we may not read is none that we made. */
async function syncParents(disk: Disk, path: string): Promise<void> {
  const parent = posix.dirname(path)
  if (parent === path) return
  try {
    await disk.syncDirectory(parent)
  } catch (error) {
    if (isForbidden(error)) return
    throw error
  }
  await syncParents(disk, parent)
}

function isForbidden(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error && 'code' in cause && cause.code === 'EACCES'
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

/** A record that cannot be set aside now stays part of its segment, to be found again at the next start. */
async function keepDamage(
  { disk, log }: SpoolOptions,
  layout: SpoolLayout,
  { damage, recovered }: { damage: RecoveredDamage; recovered: Recovered },
): Promise<void> {
  const { slot, generation, position, bytes, reason } = damage
  const where = { segment: slot.name, position, reason }
  try {
    const broken = withoutZeros(await slot.file.read(position, bytes))
    const name = `${generation}-${position}-${crc32(broken).toString(16).padStart(8, '0')}`
    const path = await setAside(disk, layout.damaged, { name, reason, bytes: broken })
    log.error('spool.record-damaged', { ...where, path })
  } catch (error) {
    log.error('spool.record-not-set-aside', { ...where, error: String(error) })
    const segment = recovered.segments.find((known) => known.generation === generation)
    if (segment !== undefined) segment.end = Math.max(segment.end, position + bytes)
  }
}

function withoutZeros(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, bytes.findLastIndex((byte) => byte !== 0) + 1)
}

/** Where a record is damaged, a large file that nobody names may be its: then none is removed. */
async function clearLarge(
  { disk, log }: SpoolOptions,
  layout: SpoolLayout,
  { orphans, damage }: Recovered,
): Promise<void> {
  for (const name of orphans) {
    const from = `${layout.large}/${name}`
    try {
      if (damage.length === 0) await disk.remove(from)
      else await setAsideFile(disk, { from, folder: layout.damaged, name })
    } catch (error) {
      log.warn('spool.file-not-removed', { path: from, error: String(error) })
    }
  }
}
