/** Opens a spool for the one gateway that may write it: locks it, recovers it, sets aside what is damaged. */
import { posix } from 'node:path'
import { isPosternError, PosternError } from '../mail/errors.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Disk, DiskLock } from '../runtime/disk.ts'
import type { Log } from '../runtime/log.ts'
import type { Random } from '../runtime/random.ts'
import { encodeStateChange } from './change-meta.ts'
import { Committer } from './committer.ts'
import { DraftBudget } from './draft-budget.ts'
import { EntryLoader } from './entry-loader.ts'
import type { HandedOver, HandedShares } from './incoming.ts'
import { MessageIndex } from './message-index.ts'
import { QueueNumbers } from './queue-id.ts'
import { recover, type Recovered } from './recovery.ts'
import { repair } from './repair.ts'
import { formatVersion, unplacedRecord } from './record.ts'
import { SegmentLog } from './segment-log.ts'
import { SegmentPool } from './segment-pool.ts'
import type { SegmentFile } from './segment.ts'
import { checkFormat, keyIn, writeFormat } from './spool-format.ts'
import {
  makeSpoolKey,
  segmentKey,
  writeSpoolKey,
  type SpoolKey,
  type WholeSpoolKey,
} from './spool-key.ts'
import { spoolLayout, type SpoolLayout } from './spool-layout.ts'
import { Spool } from './spool.ts'
import type { SpoolMeter } from './spool-meter.ts'

export interface SpoolOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** The spool's folder; it is made where it is missing. */
  readonly path: string
  /** Which shard of a spool of several; it decides the ids that its messages get. 0 */
  readonly shard?: number
  /** Of one segment file; 64 MB. */
  readonly segmentBytes?: number
  /** Messages up to this size lie in the log, larger ones in files of their own; 256 KB. */
  readonly inlineBytes?: number
  /** Every user of this host may hand mail over, as with qmail-queue; otherwise only our own user may. */
  readonly everyoneHandsOver?: boolean
  /** What all drafts together may hold in memory; 64 MB. */
  readonly draftMemoryBytes?: number
  readonly meter?: SpoolMeter
  /** How what was handed over is sent; absent: as its envelope says. */
  readonly handedShares?: HandedShares
  /** Told of each message that was handed over, once it is promised. */
  readonly handedOver?: (handed: HandedOver) => void
}

const defaultSegmentBytes = 64 << 20
const defaultInlineBytes = 256 << 10
const defaultDraftMemoryBytes = 64 << 20

/** @throws PosternError SPOOL_LOCKED, SPOOL_NEWER, DISK_FULL, DISK_FAILED */
export async function openSpool(options: SpoolOptions): Promise<Spool> {
  const { disk, path } = options
  const layout = spoolLayout(path)
  await disk.makeDirectory(layout.root)
  const lock = await disk.lock(layout.lock)
  try {
    return await open(options, layout, lock)
  } catch (error) {
    await lock.release()
    throw error
  }
}

async function open(options: SpoolOptions, layout: SpoolLayout, lock: DiskLock): Promise<Spool> {
  const { disk, clock, log, segmentBytes = defaultSegmentBytes } = options
  const { inlineBytes = Math.min(defaultInlineBytes, segmentBytes >> 2) } = options
  const { draftMemoryBytes = defaultDraftMemoryBytes } = options
  const startedAt = clock.monotonicMs()
  const version = await checkFormat(disk, layout)
  await makeFolders(disk, layout)
  const spoolKey = await keyIn(disk, layout, version)
  const recovered = await recover(disk, layout, { mode: 'write', spoolKey })
  const found = { version, spoolKey, recovered }
  const { made: secret, freed } = await withRoom({ disk, layout, recovered }, () =>
    settleFormat(options, layout, found),
  )
  if (options.everyoneHandsOver === true) await letEveryoneIn(disk, layout)
  const { lost, unsafe } = await repair({ disk, log, layout }, recovered)
  const { lastName, lastNumber, lastGeneration } = recovered
  const pool = new SegmentPool({ disk, log, folder: layout.segments, segmentBytes, lastName })
  for (const slot of recovered.unused) {
    if (slot === freed) continue
    if (unsafe.has(slot)) await slot.file.close()
    else pool.give(slot)
  }
  const segments = new SegmentLog({
    pool,
    segmentBytes,
    segments: recovered.segments,
    lastGeneration: unusedSince(lastGeneration, clock),
    keyOf: (generation) => segmentKey(secret, generation),
  })
  const budget = new DraftBudget(draftMemoryBytes)
  const committer = new Committer({
    segments,
    clock,
    log,
    underway: () => budget.underway,
    ...(options.meter === undefined ? {} : { meter: options.meter }),
  })
  if (lost.length > 0) forget(committer, lost)
  const index = new MessageIndex(recovered.entries)
  log.info('spool.opened', {
    messages: index.size,
    segments: recovered.segments.length,
    damaged: recovered.damage.length,
    durationMs: Math.round(clock.monotonicMs() - startedAt),
  })
  const spool = new Spool({
    disk,
    clock,
    log,
    layout,
    lock,
    segments,
    committer,
    index,
    loader: new EntryLoader(disk, layout.large),
    numbers: new QueueNumbers(clock, lastNumber, options.shard),
    segmentBytes,
    inlineBytes,
    budget,
    takenIn: recovered.takenIn,
    ...(options.handedShares === undefined ? {} : { handedShares: options.handedShares }),
    ...(options.handedOver === undefined ? {} : { handedOver: options.handedOver }),
    async closeFiles() {
      await segments.close()
      await pool.close()
    },
  })
  spool.openIncoming()
  return spool
}

/** In seconds since 1970: the year 2092. A clock that is beyond is wrong, and generations are numbers of 32 bits. */
const latestClock = 0xe600_0000

/**
 * A segment whose first batch a power cut has eaten leaves no trace of its generation where a start looks for it, but perhaps
 * records further behind. Another start must not give the same generation to the same file, or they would count. So each
 * start begins at a generation of its own.
 */
function unusedSince(lastGeneration: number, clock: Clock): number {
  const seconds = Math.floor(clock.now() / 1000)
  return seconds < latestClock ? Math.max(lastGeneration, seconds) : lastGeneration
}

/** So that the next start does not find their records again. */
function forget(committer: Committer, numbers: readonly number[]): void {
  const meta = encodeStateChange({ verb: 'done', at: 0, numbers })
  void committer.append(unplacedRecord('state', meta), 'soon').catch(() => undefined)
}

async function makeFolders(disk: Disk, layout: SpoolLayout): Promise<void> {
  for (const folder of [layout.segments, layout.large, layout.damaged, layout.incoming]) {
    await disk.makeDirectory(folder)
  }
  await disk.syncDirectory(layout.root)
}

/**
 * What a start writes before it opens the log is little, and mail on a full disk could not leave without it: then a file that
 * was kept ready for the log goes. Whatever `make` has done it can do once more.
 * @throws PosternError DISK_FULL where there is none, DISK_FAILED
 */
async function withRoom<T>(
  {
    disk,
    layout,
    recovered,
  }: { readonly disk: Disk; readonly layout: SpoolLayout; readonly recovered: Recovered },
  make: () => Promise<T>,
): Promise<{ readonly made: T; readonly freed?: SegmentFile }> {
  try {
    return { made: await make() }
  } catch (error) {
    const { unused, damage } = recovered
    if (!isPosternError(error, 'DISK_FULL')) throw error
    const freed = unused.find((slot) => !damage.some((found) => found.slot === slot))
    if (freed === undefined) {
      const why = `a start writes a few KB there before it opens the log, of which nothing was changed`
      throw new PosternError('DISK_FULL', `${layout.root}: ${why}`, { cause: error })
    }
    await freed.file.close()
    await disk.remove(`${layout.segments}/${freed.name}`)
    await disk.syncDirectory(layout.segments)
    return { made: await make(), freed }
  }
}

interface FoundFormat {
  readonly version: number | undefined
  readonly spoolKey: SpoolKey
  readonly recovered: Recovered
}

/**
 * The format's file is written last: while it is missing, nothing of the spool's folders is known to be durable. No record
 * with a key is written before it: an older version must not take such a log for an empty one.
 * @returns the secret
 */
async function settleFormat(
  { disk, log, random }: SpoolOptions,
  layout: SpoolLayout,
  { version, spoolKey, recovered }: FoundFormat,
): Promise<Uint8Array> {
  const isCurrent = version === formatVersion
  if (isCurrent && spoolKey.secret === undefined) log.error('spool.key-lost', { path: layout.key })
  const { foreign } = recovered
  if (foreign > 0)
    log.error('spool.key-foreign', { alert: true, path: layout.key, segments: foreign })
  const { lastGeneration, lastUnkeyed } = recovered
  const keyedFrom = lastUnkeyed + 1
  const ownFrom = lastGeneration > lastUnkeyed ? { ownFrom: lastGeneration + 1 } : {}
  const secret =
    spoolKey.secret ?? (await makeSpoolKey(disk, layout, { random, keyedFrom, ...ownFrom })).secret
  if (isCurrent) {
    if (spoolKey.keyedFrom > keyedFrom)
      await narrowKey(disk, layout, { ...spoolKey, secret, keyedFrom })
    return secret
  }
  if (version === undefined) await syncParents(disk, layout.root)
  await writeFormat(disk, layout)
  if (version !== undefined) log.info('spool.upgraded', { from: version, to: formatVersion })
  return secret
}

/**
 * The last record without a key has gone with its segment: from now on there is none, whatever a message holds. A disk that is
 * full or ill must not keep a gateway from starting for that; the next start tries again.
 */
async function narrowKey(disk: Disk, layout: SpoolLayout, spoolKey: WholeSpoolKey): Promise<void> {
  await writeSpoolKey(disk, layout, spoolKey).catch(() => undefined)
}

/**
 * Others come as far as `incoming/`, and can remove nothing there that is not theirs; what they put there belongs to our
 * group, which reads it. All else keeps the mode it was made with, for its owner alone.
 */
async function letEveryoneIn(disk: Disk, layout: SpoolLayout): Promise<void> {
  await disk.setMode(layout.format, 0o644)
  // Whoever may read it could lock it.
  await disk.setMode(layout.lock, 0o600)
  await disk.setMode(layout.incoming, 0o3777)
  await disk.setMode(layout.root, 0o711)
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
