/**
 * Reads a spool from its files, changing nothing: which segments count, what is queued, what is damaged, what is left
 * over. The table of states in README.md is what this file does.
 */
import type { Disk, DiskFile } from '../runtime/disk.ts'
import { unlessMissing } from '../runtime/missing.ts'
import { decodeMessageMeta } from './message-meta.ts'
import { queueNumber } from './queue-id.ts'
import type { QueuedEntry, StoredRecord } from './queued-entry.ts'
import type { RecordHeader, SegmentMark } from './record.ts'
import { Replay } from './replay.ts'
import { firstFront, scanSegment, type FoundDamage } from './segment-scan.ts'
import { Segment, type SegmentFile } from './segment.ts'
import { findsAll, isKnown, type SpoolKey } from './spool-key.ts'
import { unfinished, type SpoolLayout } from './spool-layout.ts'

export interface RecoveredDamage extends FoundDamage {
  readonly slot: SegmentFile
  /** 0 where no record tells. */
  readonly generation: number
  /** The messages that were in it, where that is known. */
  readonly numbers: readonly number[]
}

export interface Recovered {
  /** Those that count, oldest first. */
  readonly segments: readonly Segment[]
  /** Files whose records do not count. */
  readonly unused: readonly SegmentFile[]
  readonly entries: Map<number, QueuedEntry>
  readonly damage: readonly RecoveredDamage[]
  /** What nobody knows to have been synced. */
  readonly tail: { readonly segment: Segment; readonly start: number } | undefined
  /** Names in `large/` that no queued message needs. */
  readonly orphans: readonly string[]
  /** Names in `incoming/`, other than unfinished ones, and the records of those that are in the log already. */
  readonly incoming: readonly string[]
  readonly takenIn: ReadonlyMap<string, StoredRecord>
  readonly lastGeneration: number
  /** The last that was written without a key; 0 if there is none. */
  readonly lastUnkeyed: number
  /** Segments that bear another key than the spool's file says: it is not the one that they were written with. */
  readonly foreign: number
  readonly lastNumber: number
  readonly lastName: number
}

/** How many of the newest segments have their payloads checked at start; in the others they are checked when read. */
const checkedSegments = 2

/** @param mode `read` beside a running gateway: what is used again while it is read is missed, never mistaken. */
export async function recover(
  disk: Disk,
  layout: SpoolLayout,
  { mode, spoolKey }: { readonly mode: 'read' | 'write'; readonly spoolKey: SpoolKey },
): Promise<Recovered> {
  const files = await openFiles(disk, layout, { mode, spoolKey })
  const { counting, unused } = chooseCounting(files)
  const incoming = (await listOrNone(disk, layout.incoming)).filter(
    (name) => !name.endsWith(unfinished),
  )
  const replay = new Replay(new Set(incoming))
  const segments: Segment[] = []
  const damage: RecoveredDamage[] = unused.flatMap((file) => file.damage ?? [])
  let tail: Recovered['tail']
  for (const [index, { slot, mark, knownEnd }] of counting.entries()) {
    const { generation } = mark
    const limitBytes = slot.sizeBytes
    const segment = new Segment({ mark, slot, limitBytes, end: 0, warm: mode === 'read' })
    const scanned = await scanSegment({
      file: slot.file,
      sizeBytes: slot.sizeBytes,
      mark,
      knownEnd,
      payloads: index >= counting.length - checkedSegments,
      record(found) {
        if (replay.apply(segment, found)) return
        const reason = 'the record makes no sense'
        damage.push({ ...found, slot, generation, reason, numbers: [], unproven: false })
      },
    })
    segment.end = scanned.end
    segments.push(segment)
    damage.push(
      ...scanned.damage.map((found) => ({ ...found, slot, generation, numbers: numbersIn(found) })),
    )
    tail = { segment, start: scanned.syncedEnd }
  }
  const retired = segments.filter(({ generation }) => generation < replay.oldest)
  for (const entry of replay.entries.values()) {
    if (retired.includes(entry.record.segment)) replay.forget(entry)
  }
  const large = await reconcileLarge(disk, layout, replay)
  return {
    segments: segments.filter((segment) => !retired.includes(segment)),
    unused: [...unused, ...retired].map(({ slot }) => slot),
    entries: replay.entries,
    damage: [...damage, ...large.damage],
    tail,
    orphans: large.orphans,
    incoming,
    takenIn: replay.takenIn,
    lastGeneration: lastOf(files),
    lastUnkeyed: lastOf(files.filter(({ front }) => front?.key === undefined)),
    foreign: files.filter(
      ({ front }) => isStrange(front, spoolKey) && front.generation >= (spoolKey.ownFrom ?? 0),
    ).length,
    lastNumber: Math.max(replay.lastNumber, large.lastNumber),
    lastName: files.reduce((last, { slot }) => Math.max(last, Number(slot.name)), 0),
  }
}

function numbersIn({ meta }: FoundDamage): readonly number[] {
  const message = meta === undefined ? undefined : decodeMessageMeta(meta)
  return message?.placements.map(({ number }) => number) ?? []
}

function lastOf(files: readonly OpenedFile[]): number {
  return files.reduce((last, { front }) => Math.max(last, front?.generation ?? 0), 0)
}

interface OpenedFile {
  readonly slot: SegmentFile
  readonly front: RecordHeader | undefined
  /** Where its first record should stand is something else. */
  readonly damage?: RecoveredDamage
}

interface Counting {
  readonly slot: SegmentFile
  readonly mark: SegmentMark
  readonly knownEnd: number | undefined
}

async function openFiles(
  disk: Disk,
  layout: SpoolLayout,
  { mode, spoolKey }: { readonly mode: 'read' | 'write'; readonly spoolKey: SpoolKey },
): Promise<readonly OpenedFile[]> {
  const names = (await listOrNone(disk, layout.segments)).filter((name) => /^\d{6,9}$/.test(name))
  const files: OpenedFile[] = []
  for (const name of names.toSorted()) {
    const file = await openSegment(disk, `${layout.segments}/${name}`, mode)
    if (file !== undefined) files.push(await openedFile(name, file, spoolKey))
  }
  const knowsAll = findsAll(spoolKey) && !files.some(({ front }) => isStrange(front, spoolKey))
  return files.map((file) => judged(file, knowsAll))
}

/**
 * One record that was being written looks like a file without a whole beginning, and so do many, where nothing tells them
 * from what others wrote.
 */
function judged(file: OpenedFile, knowsAll: boolean): OpenedFile {
  const { damage, front } = file
  return damage === undefined || front !== undefined
    ? file
    : { ...file, damage: { ...damage, unproven: knowsAll } }
}

/** Written with another secret than the one we have. */
function isStrange(front: RecordHeader | undefined, spoolKey: SpoolKey): front is RecordHeader {
  return front?.key !== undefined && spoolKey.secret !== undefined && !isKnown(spoolKey, front)
}

/** A reader that is not alone may come too late for a file. */
async function openSegment(
  disk: Disk,
  path: string,
  mode: 'read' | 'write',
): Promise<DiskFile | undefined> {
  return unlessMissing(disk.open(path, mode))
}

async function openedFile(name: string, file: DiskFile, spoolKey: SpoolKey): Promise<OpenedFile> {
  const { sizeBytes, inode } = await file.stat()
  const slot = { name, file, inode, sizeBytes }
  const found = await firstFront(file, sizeBytes, spoolKey)
  const { brokenBytes } = found
  const front = found.front && withOwnKey(found.front)
  if (brokenBytes === 0) return { slot, front }
  const reason = 'no whole record stands at the beginning'
  const where = { slot, generation: 0, position: 0 }
  // Whoever sees this file as a segment after all, since a front behind this place is whole, judges by that.
  const what = { bytes: brokenBytes, reason, numbers: [], unproven: true }
  return { slot, front, damage: { ...where, ...what } }
}

function chooseCounting(files: readonly OpenedFile[]): {
  readonly counting: readonly Counting[]
  readonly unused: readonly OpenedFile[]
} {
  const fronts = files.flatMap(({ front }) => front ?? [])
  const newest = fronts.reduce<RecordHeader | undefined>(
    (best, front) => (front.generation > (best?.generation ?? 0) ? front : best),
    undefined,
  )
  const counting: Counting[] = []
  const unused: OpenedFile[] = []
  for (const file of files) {
    const { slot, front } = file
    const generation = front?.generation ?? 0
    const skipped = fronts.some(
      (later) => later.generation > generation && later.previousGeneration < generation,
    )
    if (front === undefined || generation < (newest?.oldest ?? 0) || skipped) unused.push(file)
    else {
      const next = fronts.find(({ previousGeneration }) => previousGeneration === generation)
      counting.push({ slot, mark: front, knownEnd: next?.previousEnd })
    }
  }
  return { counting: counting.toSorted((a, b) => a.mark.generation - b.mark.generation), unused }
}

/** The key lies in the megabyte that was read around it, which would be kept as long as the header. */
function withOwnKey(front: RecordHeader): RecordHeader {
  return { ...front, key: front.key && Buffer.from(front.key) }
}

interface LargeFiles {
  readonly orphans: readonly string[]
  readonly damage: readonly RecoveredDamage[]
  readonly lastNumber: number
}

/** A message whose large file is gone is damaged; a large file without a message was never promised, or is done. */
async function reconcileLarge(
  disk: Disk,
  layout: SpoolLayout,
  replay: Replay,
): Promise<LargeFiles> {
  const names = new Set(await listOrNone(disk, layout.large))
  const lastNumber = [...names].reduce((last, name) => Math.max(last, queueNumber(name) ?? 0), 0)
  const damage: RecoveredDamage[] = []
  const needed = new Set<string>()
  for (const entry of replay.entries.values()) {
    const { large, segment, position, bytes } = entry.record
    if (large === undefined) continue
    needed.add(large)
    if (names.has(large)) continue
    const { slot, generation } = segment
    const reason = `its file ${large} in large/ is missing`
    const numbers = [entry.number]
    damage.push({ slot, generation, position, bytes, reason, numbers, unproven: false })
    replay.forget(entry)
  }
  return { orphans: [...names].filter((name) => !needed.has(name)), damage, lastNumber }
}

async function listOrNone(disk: Disk, folder: string): Promise<readonly string[]> {
  return (await unlessMissing(disk.list(folder))) ?? []
}
