/** What an archive and its thread say to each other. */
import type {
  ArchiveBounds,
  ArchiveExtent,
  ArchiveQuestion,
  ArchiveTally,
  TallyQuestion,
} from '../archive.ts'
import type { FoundRows } from './archive-reader.ts'

export interface ArchiveData {
  readonly path: string
  readonly now: number
  /** The module that says by what a record is found. */
  readonly describer: string
  /** Missing: for reading only. */
  readonly bounds?: ArchiveBounds
}

export type ArchiveRequest =
  | { readonly do: 'add'; readonly batch: RecordBatch; readonly now: number }
  | { readonly do: 'tidy'; readonly now: number }
  | { readonly do: 'note'; readonly key: string }
  | { readonly do: 'find'; readonly question: ArchiveQuestion }
  | { readonly do: 'tally'; readonly question: TallyQuestion }
  | { readonly do: 'extent' }

export type ArchiveReply =
  | { readonly ok: true }
  | { readonly ok: true; readonly note: string | undefined }
  | { readonly ok: true; readonly found: FoundRows }
  | { readonly ok: true; readonly tally: ArchiveTally }
  | { readonly ok: true; readonly extent: ArchiveExtent }
  | { readonly ok: false; readonly error: string }

/** The index of that segment cannot be believed; it is read record by record. */
export interface ArchiveNews {
  readonly damagedSegment: number
}

/** Few pieces, whatever the number of records: what is cloned between threads costs by the piece. */
export interface RecordBatch {
  readonly ats: Float64Array
  /** Lengths of the values in bytes; below zero for those that do not count. */
  readonly lengths: Int32Array
  /** Of the details; 0 for none. */
  readonly detailLengths: Int32Array
  /** All values in UTF-8, each with its detail behind it, one after the other. */
  readonly values: Uint8Array<ArrayBuffer>
  /** The terms of all records, one record after the other: see `packTerm`. */
  readonly terms: Float64Array
  /** How many of them each record has. */
  readonly termCounts: Int32Array
  readonly notes: readonly (readonly [key: string, json: string])[]
}
