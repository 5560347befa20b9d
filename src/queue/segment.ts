import type { DiskFile } from '../runtime/disk.ts'
import type { SegmentMark } from './record.ts'

/** A file for a segment. Its name says nothing about its age: files are used again. */
export interface SegmentFile {
  readonly name: string
  readonly file: DiskFile
  readonly inode: number
  /** Bytes that are allocated on disk; a growing file has none yet. */
  readonly sizeBytes: number
}

/** A stretch of the log: a file while it carries one generation of records. */
export class Segment {
  readonly mark: SegmentMark
  readonly slot: SegmentFile
  /** How far it may be filled. */
  readonly limitBytes: number
  /** Where the next batch begins: everything before was synced. */
  end: number
  /** A write or sync failed: never written again, nor used again. */
  suspect = false
  /** May be read without waiting: its pages are in memory, since we wrote them, or we are a program that may wait. */
  readonly warm: boolean
  liveRecords = 0
  liveBytes = 0

  constructor(of: {
    mark: SegmentMark
    slot: SegmentFile
    limitBytes: number
    end: number
    warm: boolean
  }) {
    this.mark = of.mark
    this.slot = of.slot
    this.limitBytes = of.limitBytes
    this.end = of.end
    this.warm = of.warm
  }

  get generation(): number {
    return this.mark.generation
  }

  /** Without space of its own yet: every sync has to write the file's new size too. */
  get growing(): boolean {
    return this.slot.sizeBytes === 0
  }

  get sizeBytes(): number {
    return Math.max(this.slot.sizeBytes, this.end)
  }

  /** Kept free for outcomes while no other segment is ready: without them no message could leave a full disk. */
  get reserveBytes(): number {
    return this.limitBytes >> 3
  }

  /** A record lies here that recovery must find. */
  keep(bytes: number): void {
    this.liveRecords += 1
    this.liveBytes += bytes
  }

  drop(bytes: number): void {
    this.liveRecords -= 1
    this.liveBytes -= bytes
  }
}

/** Where a record lies. */
export interface Place {
  readonly segment: Segment
  readonly position: number
  /** Up to the next record. */
  readonly bytes: number
}
