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
  /** Parses what the file holds now and each time it changes; `undefined` when there is no such file. */
  follow<T>(parse: (bytes: Uint8Array | undefined) => T): Live<T>
}

/** The newest reading. */
export interface Live<T> {
  readonly current: T
}
