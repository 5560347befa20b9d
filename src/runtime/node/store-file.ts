/**
 * The store's file as its thread has it: one that is damaged is set aside and a new one begun, one that was moved away is
 * followed, and one that cannot be written to fails what it is asked until it can. Every call blocks.
 */
import {
  errorKind,
  inodeOf,
  isDamage,
  openOrReplace,
  setAside,
  type DatabaseFile,
} from './database-file.ts'
import { openStoreDatabase, type StoreDatabase } from './store-database.ts'
import type { StoreNews, StoreOperation, StoreResult } from './store-protocol.ts'

/** Of several the first ones stay: they hold what was known for longest. */
const keeps = 5
/** Not to be written, failed to read or write, not to be opened, locks in disorder: what is open may be worth nothing. */
const doubtfulCodes = new Set([8, 10, 14, 15])

interface Open {
  readonly database: StoreDatabase
  readonly inode: number
}

export class StoreFile {
  readonly #file: DatabaseFile
  readonly #tell: (news: StoreNews) => void
  #open: Open | undefined
  /** Of the file that was open last. */
  #inode: number | undefined

  /** Opens nothing yet. @param tell hears what becomes of the file */
  constructor(path: string, tell: (news: StoreNews) => void) {
    this.#file = { path, keeps }
    this.#tell = tell
  }

  /** @throws where it cannot be opened, nor another one be put in its place */
  open(now: number): void {
    this.#current(now)
  }

  /** One result for each operation, in order. Never throws. */
  work(operations: readonly StoreOperation[], now: number): readonly StoreResult[] {
    try {
      return this.#work(operations, now)
    } catch (error) {
      const failed: StoreResult = { ok: false, error: String(error) }
      const reads = operations.filter(isRead)
      if (reads.length === 0 || reads.length === operations.length) {
        return operations.map(() => failed)
      }
      // What is known can be read where nothing can be written: on a full disk.
      const answers = [...this.work(reads, now)]
      return operations.map((each) => (isRead(each) ? (answers.shift() ?? failed) : failed))
    }
  }

  close(): void {
    const open = this.#open
    this.#open = undefined
    open?.database.close()
  }

  #work(operations: readonly StoreOperation[], now: number): readonly StoreResult[] {
    const { database, inode } = this.#current(now)
    try {
      return database.work(operations, now)
    } catch (error) {
      if (!isDamage(error)) {
        if (doubtfulCodes.has(errorKind(error))) this.close()
        throw error
      }
      this.close()
      const damaged = setAside(this.#file, { inode, now })
      if (damaged !== undefined) this.#tell({ damaged })
      return this.#current(now).database.work(operations, now)
    }
  }

  #current(now: number): Open {
    // Another process has set it aside, or somebody has removed it.
    if (this.#open !== undefined && inodeOf(this.#file.path) !== this.#open.inode) {
      this.close()
      // A new file may bear the number of the one that is gone.
      this.#inode = 0
    }
    return (this.#open ??= this.#opened(now))
  }

  #opened(now: number): Open {
    const { opened, inode, damaged } = openOrReplace(this.#file, now, openStoreDatabase)
    const { database, upgraded } = opened
    const isAnother = this.#inode !== undefined && this.#inode !== inode
    this.#inode = inode
    this.#tell({
      ...(upgraded === undefined ? {} : { upgraded }),
      ...(damaged === undefined ? {} : { damaged }),
      ...(damaged === undefined && !isAnother ? {} : { begun: true as const }),
    })
    return { database, inode }
  }
}

function isRead(operation: StoreOperation): boolean {
  return operation.do === 'get' || operation.do === 'scan'
}
