/** What is in an archive, as plain data: it comes from another thread. Nothing is written to disk, and little is kept in memory. */
import type { ContentType } from './content-type.ts'

export interface ArchiveLimits {
  /** Archives within each other, the outermost included. */
  readonly depth: number
  /** Of all archives of one attachment together. */
  readonly entries: number
  /** Unpacked, of all archives together. */
  readonly bytes: number
  /** How many times larger than packed an entry may be, once it is larger than a megabyte. */
  readonly ratio: number
}

export const archiveLimits: ArchiveLimits = {
  depth: 5,
  entries: 2000,
  bytes: 32 * 1024 * 1024,
  ratio: 250,
}

export interface ArchiveTask {
  readonly bytes: Uint8Array
  readonly name: string
  /** Whether digests of the entries are wanted: then all of them are unpacked. */
  readonly digests: boolean
  readonly limits: ArchiveLimits
}

export interface ArchiveEntry {
  /** The archives it is in, outermost first, without the attachment itself. */
  readonly within: readonly string[]
  /** Several where the archive contradicts itself. */
  readonly names: readonly string[]
  /** As far as it is known. */
  readonly sizeBytes: number
  readonly encrypted: boolean
  readonly content?: ContentType
  readonly sha256?: string
}

/** Why not all of it could be seen. */
export type ArchiveProblem =
  /** More than the limits allow: a bomb, perhaps. */
  | 'limit'
  /** It is no archive of its kind, or a damaged one. */
  | 'broken'

export interface ArchiveContents {
  readonly entries: readonly ArchiveEntry[]
  readonly problems: readonly { readonly problem: ArchiveProblem; readonly detail: string }[]
}
