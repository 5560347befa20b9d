import type { Instant } from '../mail/instant.ts'
import type { JsonObject, JsonValue } from '../mail/json.ts'

/**
 * The door to what happened: records in the order in which they were written, found by their terms. Losing it never loses
 * mail. It is bounded in records, age and bytes: the oldest go first. Several processes may write to one file, others read it.
 */
export interface Archive extends RecordedArchive {
  /** Records that wait to be written. */
  readonly waiting: number
  /** Records that were dropped because too many waited, or that could not be written. */
  readonly dropped: number
  /** Takes it without an answer; dropped and counted when too many wait. */
  addLater(value: JsonObject, about: RecordAbout): void
  /** Keeps a value that records refer to by its key. */
  noteLater(key: string, value: JsonValue): void
}

/** An archive as whoever asks it sees it. */
export interface RecordedArchive {
  /** @throws PosternError STORE_FAILED */
  note(key: string): Promise<JsonValue | undefined>
  /** @throws PosternError STORE_FAILED */
  find(question: ArchiveQuestion): Promise<ArchiveAnswer>
  /** @throws PosternError STORE_FAILED */
  tally(question: TallyQuestion): Promise<ArchiveTally>
  /** @throws PosternError STORE_FAILED */
  extent(): Promise<ArchiveExtent>
  /** What waits to be written is written first. */
  close(): Promise<void>
}

export interface RecordAbout {
  readonly at: Instant
  /** Whether it is one of `maxRecords`; those that are not go with their neighbours. */
  readonly counts: boolean
  /**
   * The value as JSON, from whoever can write it faster than JSON.stringify; asked where the record is taken. It may have
   * more in it that nothing is found by.
   */
  readonly json?: () => string
  /** JSON that is kept beside the value: nothing is found by it but by `contains`, and it is read only on request. */
  readonly detail?: () => string
}

export interface ArchiveQuestion {
  /** Each must hold: by one of its ranges. */
  readonly conditions: readonly (readonly TermRange[])[]
  /** Inclusive. */
  readonly since?: Instant
  /** Exclusive. */
  readonly until?: Instant
  /** Stands anywhere in the record's JSON, without regard to case. */
  readonly contains?: string
  readonly order: 'newest' | 'oldest'
  /** Beyond this position, in that order. */
  readonly beyond?: number
  readonly limit: number
  /** Whether the details are wanted too. */
  readonly details?: boolean
}

/** Terms of one kind with payloads from … to, both inclusive. */
export interface TermRange {
  readonly kind: number
  readonly from: number
  readonly to: number
}

export interface ArchiveAnswer {
  readonly rows: readonly ArchivedRecord[]
  /** Where to go on; absent at the end. With a costly question there may be no rows and yet more to look at. */
  readonly next?: number
}

export interface ArchivedRecord {
  /** Later records have higher ones. */
  readonly position: number
  readonly value: JsonObject
  /** `null` where it cannot be read any more. */
  readonly detail?: JsonValue
}

/** How many records have each payload of a kind, by slices of time. */
export interface TallyQuestion {
  readonly kind: number
  readonly sliceMs: number
  /** Records from before are left out. */
  readonly since: Instant
  /** Only what was written after this position. */
  readonly beyond: number
  /** Few records have a term of this kind: an index without any is believed, and its records are not read. */
  readonly isRare?: true
}

export interface ArchiveTally {
  readonly counts: readonly TallyCount[]
  /** The position to go on beyond. */
  readonly upTo: number
  /** Whether that is all there is now: one question looks at so much and no more. */
  readonly isComplete: boolean
}

export interface TallyCount {
  /** When the slice begins. */
  readonly at: Instant
  readonly payload: number
  readonly count: number
  /** Of the last of them. */
  readonly position: number
}

export interface ArchiveExtent {
  /** 0 where there is nothing. */
  readonly newest: number
  readonly oldestAt?: Instant
  readonly newestAt?: Instant
  /** Bytes on the disk that are in use. */
  readonly sizeBytes: number
}

export interface ArchiveBounds {
  /** Records that count. */
  readonly maxRecords: number
  readonly maxAgeMs: number
  readonly maxBytes: number
}

/** `kind` 0 to 31; the payload a whole number of at most 43 bits. */
export type Term = readonly [kind: number, payload: number]

export const mostTermKinds = 32
export const payloadLimit = 2 ** 43

/** The terms by which a record is found. A pure function, exported as `describeRecord` by the module that an archive is opened with: whoever writes asks it, and the archive's thread. */
export type DescribeRecord = (value: JsonObject) => readonly Term[]
