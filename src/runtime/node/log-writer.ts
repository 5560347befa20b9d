/**
 * Gathers lines and writes them, one write at a time, never on the event loop. Lines wait in memory while their target
 * cannot be written (a full disk, a reader that is stuck), up to a bound; beyond it the newest are lost and counted, and
 * the log says how many once it can be written again. A kill loses what was gathered in the last tenth of a second.
 */
import process from 'node:process'
import { GrowingBytes } from './growing-bytes.ts'
import type { LogTarget } from './log-target.ts'

/** A write for each line would cost as much as taking a message. */
const gatherBytes = 65_536
/** The last line that is gathered goes beyond it. */
const roomBytes = gatherBytes + 8_192
const gatherMs = 100
/** What may wait: beyond it lines are lost, not memory. */
const mostBytes = 16 * 1024 * 1024
/** Until a target is tried again that could not be written. */
const pauseMs = 1_000
/** A target that is not written for so long rests. */
const restMs = 5_000
/** What is still to be written at the end has so long. */
const closeMs = 1_000

/** Says in the log that so many of its lines are missing, and why. */
export type LostLine = (lost: { readonly lines: number; readonly error: string }) => string

export class LogWriter {
  readonly #target: LogTarget
  readonly #lostLine: LostLine
  #gathered = new GrowingBytes(roomBytes)
  /** Being written: its first bytes are out already. */
  #pending: Buffer | undefined
  #lost = 0
  #lostInAll = 0
  #problem = ''
  #isFailing = false
  #said = false
  #timer: NodeJS.Timeout | undefined
  #resting: NodeJS.Timeout | undefined
  #writing: Promise<void> | undefined
  #closing = false

  constructor(target: LogTarget, lostLine: LostLine) {
    this.#target = target
    this.#lostLine = lostLine
  }

  /** Why it cannot be written now. */
  get trouble(): string | undefined {
    return this.#isFailing ? this.#problem : undefined
  }

  /** So many lines there was no room to keep until they could be written. */
  get lostInAll(): number {
    return this.#lostInAll
  }

  /** @param lines whole, with their ends */
  write(lines: string): void {
    if (this.#gathered.length + lines.length > mostBytes) {
      this.#lost += 1
      this.#lostInAll += 1
      return
    }
    this.#gathered.put(lines)
    if (this.#gathered.length >= gatherBytes) this.#flush()
    else this.#timer ??= setTimeout(() => this.#flush(), gatherMs)
  }

  /** Writes what is left, at most for a second. Not for ever: the disk may be full. */
  async close(): Promise<void> {
    this.#closing = true
    clearTimeout(this.#resting)
    await Promise.race([this.#writeLast(), pause(closeMs)])
    await Promise.race([this.#target.close(), pause(closeMs)])
  }

  async #writeLast(): Promise<void> {
    // The target may be about to rest.
    await this.#writing
    this.#flush()
    await this.#writing
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#gathered.length === 0 && this.#pending === undefined) return
    this.#work(() => this.#writeAll())
    if (this.#target.rest === undefined) return
    this.#resting?.refresh()
    this.#resting ??= setTimeout(() => this.#rest(), restMs).unref()
  }

  #rest(): void {
    if (this.#closing) return
    this.#work(async () => {
      await this.#target.rest?.().catch((error: unknown) => this.#failed(error))
    })
  }

  /** One thing at a time is done with the target. */
  #work(task: () => Promise<void>): void {
    this.#writing ??= task().finally(() => {
      this.#writing = undefined
      // What came while the last of it was being finished.
      if (this.#gathered.length > 0 && !this.#closing)
        this.#timer ??= setTimeout(() => this.#flush(), gatherMs)
    })
  }

  /** What comes meanwhile is gathered again: at a high rate each write would take along a line or two for ever. */
  async #writeAll(): Promise<void> {
    do {
      this.#pending ??= this.#takeGathered()
      try {
        const written = await this.#target.write(this.#pending)
        this.#pending = written < this.#pending.length ? this.#pending.subarray(written) : undefined
        this.#isFailing = false
        this.#recovered()
      } catch (error) {
        this.#failed(error)
        if (this.#closing) return
        await pause(pauseMs)
      }
    } while (this.#pending !== undefined || this.#isMuch)
  }

  get #isMuch(): boolean {
    return this.#gathered.length >= (this.#closing ? 1 : gatherBytes)
  }

  #takeGathered(): Buffer {
    const taken = this.#gathered.take()
    this.#gathered = new GrowingBytes(roomBytes)
    return taken
  }

  /** Says what is missing, where it is missing. */
  #recovered(): void {
    if (this.#lost === 0 || this.#pending !== undefined) return
    const line = this.#lostLine({ lines: this.#lost, error: this.#problem })
    this.#lost = 0
    const later = this.#takeGathered()
    this.#gathered.put(line)
    this.#gathered.put(later.toString())
  }

  /** A log that cannot be written must not end a gateway that can still take mail. It says so once. */
  #failed(error: unknown): void {
    this.#problem = String(error)
    this.#isFailing = true
    if (this.#said || this.#target.isStream === true) return
    this.#said = true
    process.stderr.write(`postern: the log cannot be written: ${this.#problem}\n`)
  }
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, durationMs).unref())
}
