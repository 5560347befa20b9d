import type { MaybePromise } from '../mail/maybe-promise.ts'

/** A set of keys, some with a value, kept in a file that is followed as it changes. Keys are compared in lower case. */
export interface Table {
  /** Whether there is such a file; one that is missing holds nothing. */
  readonly present: boolean
  has(key: string, signal?: AbortSignal): MaybePromise<boolean>
  get(key: string, signal?: AbortSignal): MaybePromise<string | undefined>
}

/** A constant database (cdb) that is reopened when it is replaced; a missing file holds nothing. */
export interface CdbTable {
  readonly path: string
  /** Whether there is such a file. */
  readonly present: boolean
  /** A string stands for its UTF-8 bytes. */
  get(key: Uint8Array | string): Uint8Array | undefined
  /** Every record, in the order of insertion: for checks, not for mail. */
  entries(): Iterable<readonly [key: Uint8Array, value: Uint8Array]>
}

/** A file of the configuration, followed as it changes. */
export interface FollowedFile {
  readonly path: string
  /** What the file holds now; undefined where there is none. @throws PosternError DISK_FAILED */
  read(): Uint8Array | undefined
  /**
   * Parses what the file holds now and each time it changes; `undefined` when there is no such file. What cannot be read or
   * parsed leaves the reading before, and is logged.
   * @param before the reading that holds where the first fails; absent: it throws then
   */
  follow<T>(parse: (bytes: Uint8Array | undefined) => T, before?: T): Live<T>
}

/** Files that a name leads to: `%` in the pattern stands for it. Each is read when it is asked for, so that a new one counts at once. */
export interface FileTemplate {
  readonly pattern: string
  /**
   * What the file for this name holds; undefined where there is none, or the name is no domain.
   * @param name a domain; compared in lower case
   * @throws PosternError DISK_FAILED
   */
  read(name: string): Uint8Array | undefined
}

/** The newest reading. */
export interface Live<T> {
  readonly current: T
}
