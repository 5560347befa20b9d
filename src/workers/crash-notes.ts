/**
 * What all workers are judging at this moment, in one small file that nobody syncs: it need not survive more than the
 * end of a process. Nobody writes to it unless a worker has died lately. Each worker writes to a part of its own, where
 * each message has a place while it is being judged; the supervisor reads the part of a worker that died.
 */
import type { CrashWatch } from '../filter/crash-watch.ts'
import { isPosternError } from '../mail/errors.ts'
import type { Message } from '../mail/message.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Disk, DiskFile } from '../runtime/disk.ts'
import type { Log } from '../runtime/log.ts'
import { fingerprintBytes, fingerprintOf } from './fingerprint.ts'
import type { Wariness } from './messages.ts'

/** Messages of one worker that are noted at one time; those beyond it are judged unnoted. */
const places = 1_024
const partBytes = places * fingerprintBytes
const nothing = Buffer.alloc(fingerprintBytes)
/** So long after a message was judged its note may still be there: most places are taken again before, and need no write for it. */
const eraseAfterMs = 5

export interface CrashNotesParts {
  readonly disk: Disk
  readonly clock: Clock
  readonly log: Log
  readonly path: string
  /** The worker, from 1. */
  readonly worker: number
  readonly wariness: Wariness
  /** Keeps the bytes for the operator. @returns where. @throws PosternError DISK_FULL, DISK_FAILED */
  setAside(suspect: { name: string; reason: string; message: Message }): Promise<string>
}

export class CrashNotes implements CrashWatch {
  readonly #parts: CrashNotesParts
  readonly #file: DiskFile
  readonly #suspects = new Map<string, number>()
  #noteUntil = 0
  /** This worker's part of the file, as it is to stand there. */
  readonly #part = Buffer.alloc(partBytes)
  /** The place that became free last is taken first: those in use lie close together. */
  readonly #free = Array.from({ length: places }, (_, place) => place)
  /** Free, with their notes still there. */
  readonly #stale = new Set<number>()
  #erasing: Timer | undefined
  #closed = false

  private constructor(parts: CrashNotesParts, file: DiskFile) {
    this.#parts = parts
    this.#file = file
    this.beware(parts.wariness)
  }

  /** @throws PosternError DISK_FULL, DISK_FAILED */
  static async open(parts: CrashNotesParts): Promise<CrashNotes> {
    const file = await parts.disk.open(parts.path, 'open')
    await file.write([Buffer.alloc(partBytes)], partOf(parts.worker))
    return new CrashNotes(parts, file)
  }

  /** Another worker has died. */
  beware({ suspects, noteUntil }: Wariness): void {
    for (const [fingerprint, until] of suspects) this.#suspects.set(fingerprint, until)
    this.#noteUntil = noteUntil
  }

  get isOn(): boolean {
    if (this.#noteUntil === 0) return false
    if (this.#parts.clock.now() < this.#noteUntil) return true
    // No suspicion outlasts the day after the last death.
    this.#noteUntil = 0
    return false
  }

  enter({
    transaction,
    message,
  }: Parameters<CrashWatch['enter']>[0]): ReturnType<CrashWatch['enter']> {
    const fingerprint = fingerprintOf(transaction, message)
    if (this.#suspects.size > 0) {
      const name = Buffer.from(fingerprint).toString('hex')
      if (this.#isSuspect(name)) return this.#refuse(transaction.id, name, message)
    }
    const place = this.#free.pop()
    if (place === undefined) return () => undefined
    this.#part.set(fingerprint, place * fingerprintBytes)
    this.#write(place, place)
    this.#stale.delete(place)
    return () => {
      this.#free.push(place)
      this.#stale.add(place)
      this.#erasing ??= this.#parts.clock.after(eraseAfterMs, () => this.#erase())
    }
  }

  async close(): Promise<void> {
    this.#erasing?.cancel()
    this.#erase()
    this.#closed = true
    await this.#file.close()
  }

  /** By one write, over all between them. */
  #erase(): void {
    this.#erasing = undefined
    if (this.#stale.size === 0) return
    for (const place of this.#stale) this.#part.set(nothing, place * fingerprintBytes)
    this.#write(Math.min(...this.#stale), Math.max(...this.#stale))
    this.#stale.clear()
  }

  #isSuspect(fingerprint: string): boolean {
    const until = this.#suspects.get(fingerprint)
    if (until !== undefined && until > this.#parts.clock.now()) return true
    this.#suspects.delete(fingerprint)
    return false
  }

  /** It is not judged, whether its bytes can be kept or not. */
  async #refuse(transaction: string, fingerprint: string, message: Message): Promise<undefined> {
    const { log } = this.#parts
    const reason = 'messages like this one ended workers while plugins judged them'
    let path: string | undefined
    try {
      path = await this.#parts.setAside({ name: `crash-${fingerprint}`, reason, message })
    } catch (error) {
      log.error('message.not-set-aside', { transaction, error: String(error) })
    }
    log.error('message.ends-workers', { alert: true, transaction, path })
  }

  /** A disk that does not take a note is no reason to refuse mail. A closed descriptor is soon that of another file. */
  #write(first: number, last: number): void {
    if (this.#closed) return
    const start = first * fingerprintBytes
    const notes = this.#part.subarray(start, (last + 1) * fingerprintBytes)
    try {
      this.#file.writeNow([notes], partOf(this.#parts.worker) + start)
    } catch (error) {
      this.#parts.log.warn('crash-note.not-written', { error: String(error) })
    }
  }
}

/** The fingerprints of what a worker was judging when it died. @throws PosternError DISK_FAILED */
export async function notesOf(
  disk: Disk,
  path: string,
  worker: number,
): Promise<readonly string[]> {
  let file: DiskFile
  try {
    file = await disk.open(path, 'read')
  } catch (error) {
    if (isPosternError(error, 'NOT_FOUND')) return []
    throw error
  }
  try {
    const part = Buffer.from(await file.read(partOf(worker), partBytes))
    const found = new Set<string>()
    for (let at = 0; at + fingerprintBytes <= part.length; at += fingerprintBytes) {
      const note = part.subarray(at, at + fingerprintBytes)
      if (!note.equals(nothing)) found.add(note.toString('hex'))
    }
    return [...found]
  } finally {
    await file.close()
  }
}

function partOf(worker: number): number {
  return (worker - 1) * partBytes
}
