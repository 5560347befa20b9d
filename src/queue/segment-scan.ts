/**
 * Finds the records of one generation in a segment's file, from its beginning, and what is damaged between them.
 * A record that is not whole never hides the ones behind it: the scan goes on at the next front that is. What stands in
 * a message never counts as one, since it does not bear the segment's key.
 * Reads only; memory is bounded by the largest record.
 */
import type { MaybePromise } from '../mail/maybe-promise.ts'
import type { DiskFile } from '../runtime/disk.ts'
import {
  beginsRecord,
  generationAt,
  headerBytes,
  isOfSegment,
  magicBytes,
  readHeader,
  readMeta,
  readPayload,
  recordBytes,
  type RecordHeader,
  type SegmentMark,
} from './record.ts'
import { isOurs, type SpoolKey } from './spool-key.ts'

const windowBytes = 1 << 20
/** The next window begins so much before the end of this one: most fronts that this one cuts are whole there. */
const overlapBytes = 1 << 16
/** How much is set aside where nothing tells the length of what was being written. */
const maxTailBytes = 1 << 20

export interface FoundRecord {
  readonly header: RecordHeader
  readonly meta: string
  readonly position: number
  readonly bytes: number
}

export interface FoundDamage {
  readonly position: number
  readonly bytes: number
  readonly reason: string
  /** If header and meta are whole. */
  readonly meta?: string
  /** Nothing behind it says that its batch was ever synced: so it was hardly promised. */
  readonly unproven: boolean
}

export interface ScanOptions {
  readonly file: DiskFile
  readonly sizeBytes: number
  readonly mark: SegmentMark
  /** Where the segment ends, if a later one says so: what stands behind was never promised. */
  readonly knownEnd: number | undefined
  /** Payloads are checked too: slower, for what was written last. */
  readonly payloads: boolean
  record(found: FoundRecord): void
}

export interface Scanned {
  /** Where the last whole record ends. */
  readonly end: number
  /** Everything before was synced; what follows perhaps, and perhaps promised. */
  readonly syncedEnd: number
  readonly damage: readonly FoundDamage[]
}

export async function scanSegment(options: ScanOptions): Promise<Scanned> {
  const { file, sizeBytes, mark, knownEnd, payloads } = options
  const window = new Window(file, Math.min(sizeBytes, knownEnd ?? sizeBytes))
  const damage: Omit<FoundDamage, 'unproven'>[] = []
  const gaps: Gap[] = []
  const here: Wanted = { key: mark.key, isWanted: (header, at) => isOfSegment(header, mark, at) }
  let end = 0
  let syncedEnd = knownEnd ?? 0
  for (let position = 0; position + headerBytes <= window.end;) {
    const found = wholeFront(window, position, here)
    const front = found instanceof Promise ? await found : found
    if (front === undefined) {
      const next = await findFront(window, position + headerBytes, here)
      gaps.push({ position, end: next ?? window.end, isHole: next !== undefined })
      if (next === undefined) break
      position = next
      continue
    }
    const { header, meta } = front
    const bytes = recordBytes(header)
    if (!payloads || (await isPayloadWhole(window, position, header))) {
      options.record({ header, meta, position, bytes })
      end = position + bytes
    } else {
      const reason = 'the checksum of the payload does not hold'
      damage.push({ position, bytes, reason, meta })
    }
    syncedEnd = Math.max(syncedEnd, header.batchStart)
    position += bytes
  }
  for (const gap of gaps)
    damage.push(...(await judge(window, gap, { generation: mark.generation, syncedEnd })))
  return {
    end,
    syncedEnd: Math.min(syncedEnd, end),
    damage: damage.map((found) => ({ ...found, unproven: found.position >= syncedEnd })),
  }
}

/**
 * The first front in the file, which tells its generation and its key, for no message reaches there; if the file does not
 * begin with a whole one, the one of the highest generation behind, and how many bytes of something else the file begins with.
 */
export async function firstFront(
  file: DiskFile,
  sizeBytes: number,
  spoolKey: SpoolKey,
): Promise<{ readonly front: RecordHeader | undefined; readonly brokenBytes: number }> {
  const window = new Window(file, sizeBytes)
  const first = await wholeFront(window, 0)
  if (first !== undefined) return { front: first.header, brokenBytes: 0 }
  const start = await window.at(0, headerBytes)
  const empty = start.every((byte) => byte === 0)
  const here: Wanted = { isWanted: (header, at) => isOurs(spoolKey, header, at) }
  let front: RecordHeader | undefined
  let next = sizeBytes
  for (let at = await findFront(window, 0, here); at !== undefined;) {
    const found = await wholeFront(window, at, here)
    next = Math.min(next, at)
    if ((found?.header.generation ?? 0) > (front?.generation ?? 0)) front = found?.header
    at = await findFront(window, at + headerBytes, here)
  }
  if (front === undefined) next = sizeBytes
  return { front, brokenBytes: empty ? 0 : next }
}

interface Gap {
  readonly position: number
  readonly end: number
  /** A whole record stands behind it. */
  readonly isHole: boolean
}

/**
 * Where a record should begin stands none. Before `syncedEnd` that is damage. Behind it a hole is what a crash left of the
 * last batch, and is told of, whatever stands in it: once the segment has a successor it would look like damage. Else the
 * log may simply end, in zeros or in what an older generation left; only what looks like a record of ours is worth keeping.
 */
async function judge(
  window: Window,
  { position, end, isHole }: Gap,
  { generation, syncedEnd }: { generation: number; syncedEnd: number },
): Promise<readonly Omit<FoundDamage, 'unproven'>[]> {
  if (isHole || position < syncedEnd)
    return [{ position, bytes: end - position, reason: 'no whole record stands here' }]
  const start = await window.at(position, headerBytes)
  const older = await wholeFront(window, position)
  if (older !== undefined && older.header.generation < generation) return []
  const empty = start.every((byte) => byte === 0)
  const ours = beginsRecord(start, 0) || generationAt(start, 0) === generation || position === 0
  if (empty || !ours) return []
  const bytes = Math.min(end - position, maxTailBytes)
  return [{ position, bytes, reason: 'the log ends here, cut short or damaged' }]
}

async function isPayloadWhole(window: Window, at: number, header: RecordHeader): Promise<boolean> {
  const length = headerBytes + header.metaBytes + header.payloadBytes
  if (window.offsetOf(at, length) === undefined) await window.at(at, length)
  const offset = window.offsetOf(at, length)
  return offset !== undefined && readPayload(window.bytes, offset, header) !== undefined
}

/** What is looked for; `isWanted` is asked before more than a header is read: a message may hold some that say they are long. */
interface Wanted {
  readonly isWanted: (header: RecordHeader, at: number) => boolean
  /** The key that it will have, if that is known. */
  readonly key?: Uint8Array | undefined
}

interface Front {
  readonly header: RecordHeader
  readonly meta: string
}

const anything: Wanted = { isWanted: () => true }

/** Most stand in the window whole: then nothing is waited for. */
function wholeFront(
  window: Window,
  at: number,
  wanted: Wanted = anything,
): MaybePromise<Front | undefined> {
  const front = frontIn(window, at, wanted)
  if (typeof front !== 'number') return front
  return window.at(at, front).then(() => {
    const again = frontIn(window, at, wanted)
    return typeof again === 'number' ? readFurther(window, { at, bytes: again, wanted }) : again
  })
}

/** What is not in the window after a header was read is its meta; what is not there then is not in the file. */
async function readFurther(
  window: Window,
  { at, bytes, wanted }: { at: number; bytes: number; wanted: Wanted },
): Promise<Front | undefined> {
  await window.at(at, bytes)
  const front = frontIn(window, at, wanted)
  return typeof front === 'number' ? undefined : front
}

/** @returns how many bytes from `at` on must be in the window, where they are not */
function frontIn(
  window: Window,
  at: number,
  { isWanted, key }: Wanted,
): Front | undefined | number {
  const offset = window.offsetOf(at, headerBytes)
  if (offset === undefined) return headerBytes
  const header = readHeader(window.bytes, offset, key)
  if (header === undefined || !isWanted(header, at)) return undefined
  const length = headerBytes + header.metaBytes
  // The zeros behind it may be missing: a file that was cut off there has lost nothing.
  if (at + length + header.payloadBytes > window.end) return undefined
  if (window.offsetOf(at, length) === undefined) return length
  const meta = readMeta(window.bytes, offset, header)
  return meta === undefined ? undefined : { header, meta }
}

async function findFront(
  window: Window,
  from: number,
  wanted: Wanted,
): Promise<number | undefined> {
  for (
    let at = await window.find(from);
    at !== undefined;
    at = await window.find(at + headerBytes)
  ) {
    if ((await wholeFront(window, at, wanted)) !== undefined) return at
  }
  return undefined
}

/** The bytes around where the scan is. While one window is looked through the next is read. */
class Window {
  readonly end: number
  readonly #file: DiskFile
  #bytes: Buffer = Buffer.alloc(0)
  #start = 0
  #next: { readonly start: number; readonly bytes: Promise<Uint8Array> } | undefined

  constructor(file: DiskFile, end: number) {
    this.#file = file
    this.end = end
  }

  get bytes(): Buffer {
    return this.#bytes
  }

  /** Where this place is in `bytes`, if so much from there on is. */
  offsetOf(position: number, length: number): number | undefined {
    const from = position - this.#start
    return from >= 0 && from + length <= this.#bytes.length ? from : undefined
  }

  /** Fewer bytes only at the end. */
  async at(position: number, length: number): Promise<Buffer> {
    for (;;) {
      const here = this.offsetOf(position, length)
      if (here !== undefined) return this.#bytes.subarray(here, here + length)
      const next = this.#next
      this.#next = undefined
      const isNext = next !== undefined && isWithin(position, length, next.start)
      if (!isNext) break
      this.#hold(next.start, await next.bytes)
    }
    const wanted = Math.min(Math.max(length, windowBytes), this.end - position)
    this.#hold(position, await this.#file.read(position, Math.max(0, wanted)))
    return this.#bytes.subarray(0, length)
  }

  #hold(start: number, read: Uint8Array): void {
    this.#bytes = Buffer.from(read.buffer, read.byteOffset, read.length)
    this.#start = start
    const next = start + read.length - overlapBytes
    // Whoever wants the first record only stops here.
    if (start === 0 || read.length < windowBytes || next + overlapBytes >= this.end) return
    const bytes = this.#file.read(next, Math.min(windowBytes, this.end - next))
    // Whoever comes there hears of it.
    bytes.catch(() => undefined)
    this.#next = { start: next, bytes }
  }

  /** The next place from `from` on where a record might begin. `from` is aligned. */
  async find(from: number): Promise<number | undefined> {
    for (let at = from; at + headerBytes <= this.end;) {
      await this.at(at, headerBytes)
      const offset = this.#bytes.indexOf(magicBytes, at - this.#start)
      const found = offset < 0 ? undefined : this.#start + offset
      if (found !== undefined && found % headerBytes === 0) return found
      const reached = this.#start + this.#bytes.length
      const beyond = found ?? reached - headerBytes
      at = (Math.floor(beyond / headerBytes) + 1) * headerBytes
      if (at >= reached && reached >= this.end) return undefined
    }
    return undefined
  }
}

function isWithin(position: number, length: number, start: number): boolean {
  return position >= start && position + length <= start + windowBytes
}
