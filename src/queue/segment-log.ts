/**
 * The segments in their order, and which of them still count. A segment is retired when it is the oldest and no record
 * in it is live, so what is said of a message is never forgotten before the message. Its file is used again only after
 * a durable record has said that its generation no longer counts.
 */
import type { SegmentPool } from './segment-pool.ts'
import { Segment, type Place } from './segment.ts'

/** What the header of every record says about the log. */
export interface Links {
  readonly generation: number
  readonly key: Uint8Array
  readonly oldest: number
  readonly previousGeneration: number
  readonly previousEnd: number
}

export interface SegmentLogOptions {
  readonly pool: SegmentPool
  readonly segmentBytes: number
  /** As recovered, oldest first; none of them is written again. */
  readonly segments: readonly Segment[]
  readonly lastGeneration: number
  /** The key of a new generation. */
  readonly keyOf: (generation: number) => Uint8Array
}

export class SegmentLog {
  readonly #pool: SegmentPool
  readonly #segmentBytes: number
  readonly #keyOf: SegmentLogOptions['keyOf']
  readonly #segments: Segment[]
  readonly #retired: Segment[] = []
  #current: Segment | undefined
  #lastGeneration: number
  #previous: { readonly generation: number; readonly end: number }

  constructor({ pool, segmentBytes, segments, lastGeneration, keyOf }: SegmentLogOptions) {
    this.#pool = pool
    this.#segmentBytes = segmentBytes
    this.#keyOf = keyOf
    this.#segments = [...segments]
    this.#lastGeneration = lastGeneration
    const last = segments.at(-1)
    this.#previous = { generation: last?.generation ?? 0, end: last?.end ?? 0 }
  }

  /** The one that is written; undefined at first and after a failure. */
  get current(): Segment | undefined {
    return this.#current
  }

  /** The next candidate for cleaning: the oldest segment that is not being written. */
  get oldest(): Segment | undefined {
    return this.#segments[0] === this.#current ? undefined : this.#segments[0]
  }

  get count(): number {
    return this.#segments.length
  }

  get sizeBytes(): number {
    return this.#segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  }

  get liveBytes(): number {
    return this.#segments.reduce((sum, { liveBytes }) => sum + liveBytes, 0)
  }

  /** Whether the next segment is at hand. */
  get ready(): boolean {
    return this.#pool.ready
  }

  /** Whether a start would find the segment. @throws PosternError DISK_FAILED where that cannot be told */
  isInPlace({ slot }: Segment): boolean {
    return this.#pool.isInPlace(slot)
  }

  linksOf({ mark: { generation, key } }: Segment): Links {
    return {
      generation,
      key: key ?? this.#keyOf(generation),
      oldest: this.#segments[0]?.generation ?? generation,
      previousGeneration: this.#previous.generation,
      previousEnd: this.#previous.end,
    }
  }

  /** Goes on in a new segment. @throws PosternError DISK_FULL, DISK_FAILED: the old one stays current */
  async advance(): Promise<void> {
    const slot = await this.#pool.take(this.#current === undefined ? 'full' : undefined)
    this.#leave()
    const generation = ++this.#lastGeneration
    const mark = { generation, key: this.#keyOf(generation) }
    const limitBytes = slot.sizeBytes === 0 ? this.#segmentBytes : slot.sizeBytes
    this.#current = new Segment({ mark, slot, limitBytes, end: 0, warm: true })
    this.#segments.push(this.#current)
    this.#retire()
  }

  /** The disk failed under the current segment: what follows its end was not promised, and it is written no more. */
  abandon(): void {
    if (this.#current !== undefined) this.#current.suspect = true
    this.#leave()
    this.#retire()
  }

  /** A segment that nothing was promised in is as good as none: the next one is linked to the one before. */
  #leave(): void {
    const segment = this.#current
    this.#current = undefined
    if (segment === undefined) return
    if (segment.end > 0) this.#previous = { generation: segment.generation, end: segment.end }
    else {
      this.#segments.pop()
      void this.#pool.discard(segment.slot)
    }
  }

  /** Nothing depends on the record any more. */
  drop({ segment, bytes }: Place): void {
    segment.drop(bytes)
    if (segment.liveRecords === 0) this.#retire()
  }

  /** A record is durable which says that nothing before this generation counts. */
  proved(oldest: number): void {
    while ((this.#retired[0]?.generation ?? Infinity) < oldest) {
      const segment = this.#retired.shift()
      if (segment === undefined) return
      if (segment.suspect) void this.#pool.discard(segment.slot)
      else this.#pool.give(segment.slot)
    }
  }

  /** On a full disk nothing durable can be said first: retired files are removed, the oldest first, to make room. */
  async reclaim(): Promise<void> {
    for (let segment = this.#retired.shift(); segment; segment = this.#retired.shift()) {
      await this.#pool.discard(segment.slot)
    }
  }

  async close(): Promise<void> {
    this.#current = undefined
    for (const { slot } of [...this.#segments.splice(0), ...this.#retired.splice(0)]) {
      await slot.file.close()
    }
  }

  #retire(): void {
    for (let first = this.oldest; first?.liveRecords === 0; first = this.oldest) {
      this.#segments.shift()
      this.#retired.push(first)
    }
  }
}
