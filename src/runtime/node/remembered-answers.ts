/**
 * What an SQLite file with a rollback journal answered, for as long as nobody has written to it. Its head holds a number that
 * each commit of every process changes before it is one (file format, §1.3.7): while that stands, so do the answers.
 * An answer during which it moved is not kept: it might be of a commit that a crash has undone.
 */
import { closeSync, openSync, readSync } from 'node:fs'

const headOffset = 18
const headBytes = 10
const counterAt = 24 - headOffset
/** What the two bytes before it say of a file that has a WAL (§1.3.3), whose commits do not change the number. */
const withWal = 2
/** The keys may be anybody's: of twice as many those go that nobody has asked for longest. */
const mostRecent = 20_000

/** Nobody could see whether somebody has written. */
const unknown = -1

interface Remembered {
  readonly answer: unknown
}

export class RememberedAnswers {
  readonly #descriptor: number
  readonly #head = Buffer.alloc(headBytes)
  #recent = new Map<string, Remembered>()
  #older = new Map<string, Remembered>()
  #counter = unknown

  /** @param path of the file as it is open elsewhere in this process. @throws Error of the system */
  constructor(path: string) {
    this.#descriptor = openSync(path, 'r')
  }

  /** @param ask whose answers for one key have one type. @throws what it throws, and errors of the system */
  get<T>(key: string, ask: () => T): T {
    const before = this.#read()
    if (before !== this.#counter) this.#forget(before)
    const recent = this.#recent.get(key)
    const known = recent ?? this.#older.get(key)
    if (known !== undefined) {
      if (recent === undefined) this.#keep(key, known)
      return known.answer as T
    }
    const answer = ask()
    if (before !== unknown && this.#read() === before) this.#keep(key, { answer })
    return answer
  }

  /** No question of SQLite's may be under way in this process: closing would let go of its locks (POSIX fcntl). */
  close(): void {
    this.#forget(unknown)
    closeSync(this.#descriptor)
  }

  #keep(key: string, known: Remembered): void {
    if (this.#recent.size >= mostRecent) {
      this.#older = this.#recent
      this.#recent = new Map()
    }
    this.#recent.set(key, known)
  }

  #forget(counter: number): void {
    this.#counter = counter
    this.#recent = new Map()
    this.#older = new Map()
  }

  #read(): number {
    const count = readSync(this.#descriptor, this.#head, 0, headBytes, headOffset)
    const isSeen = count === headBytes && this.#head[0] !== withWal && this.#head[1] !== withWal
    return isSeen ? this.#head.readUInt32BE(counterAt) : unknown
  }
}
