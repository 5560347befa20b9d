/**
 * Remembers, over restarts too, which messages were being judged when workers died. One that was there three times
 * within a day is suspect until that is no longer so. Losing the file forgets suspicions and nothing else.
 */
import { isPosternError } from '../mail/errors.ts'
import type { Instant } from '../mail/instant.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Disk } from '../runtime/disk.ts'
import type { Log } from '../runtime/log.ts'
import { notesOf } from './crash-notes.ts'
import type { Suspect } from './messages.ts'
import type { CrashRecords } from './supervision.ts'

const dayMs = 86_400_000
const crashesOfASuspect = 3
/** Fingerprints that are remembered; beyond it those that were seen longest ago go. */
const mostRemembered = 10_000
const maxFileBytes = 1 << 20

export interface CrashLedgerParts {
  readonly disk: Disk
  readonly clock: Clock
  readonly log: Log
  /** What the workers note, and what is remembered of it. */
  readonly notes: string
  readonly path: string
}

export class CrashLedger implements CrashRecords {
  readonly #parts: CrashLedgerParts
  /** The times of death, oldest first; by fingerprint, the one that was seen last at the end. */
  readonly #crashes: Map<string, readonly Instant[]>

  constructor(parts: CrashLedgerParts, remembered: ReadonlyMap<string, readonly Instant[]>) {
    this.#parts = parts
    this.#crashes = new Map(remembered)
  }

  static async open(parts: CrashLedgerParts): Promise<CrashLedger> {
    try {
      const bytes = await parts.disk.readFile(parts.path, maxFileBytes)
      return new CrashLedger(parts, parseCrashes(Buffer.from(bytes).toString('latin1')))
    } catch (error) {
      if (!isPosternError(error, 'NOT_FOUND')) {
        parts.log.warn('crashes.forgotten', { path: parts.path, error: String(error) })
      }
      return new CrashLedger(parts, new Map())
    }
  }

  get suspects(): readonly Suspect[] {
    const now = this.#parts.clock.now()
    return [...this.#crashes].flatMap(([fingerprint, times]) => {
      const until = suspectUntil(times)
      return until === undefined || until <= now ? [] : [[fingerprint, until] as const]
    })
  }

  async workerDied(worker: number): Promise<readonly Suspect[]> {
    const { disk, log, notes, path } = this.#parts
    try {
      const inHand = await notesOf(disk, notes, worker)
      if (inHand.length === 0) return []
      for (const fingerprint of inHand) this.#count(fingerprint)
      await this.#write(path)
      const suspects = this.suspects.filter(([fingerprint]) => inHand.includes(fingerprint))
      log.warn('worker.judged', { worker, messages: inHand.length, suspects: suspects.length })
      return suspects
    } catch (error) {
      log.error('crash.not-counted', { worker, error: String(error) })
      return []
    }
  }

  #count(fingerprint: string): void {
    const now = this.#parts.clock.now()
    const before = this.#crashes.get(fingerprint) ?? []
    this.#crashes.delete(fingerprint)
    this.#crashes.set(fingerprint, [...before, now].slice(-crashesOfASuspect))
    for (const [oldest, times] of this.#crashes) {
      const isForgotten = (times.at(-1) ?? 0) < now - dayMs
      if (!isForgotten && this.#crashes.size <= mostRemembered) break
      this.#crashes.delete(oldest)
    }
  }

  async #write(path: string): Promise<void> {
    const { disk } = this.#parts
    const lines = [...this.#crashes].map(([print, times]) => `${print} ${times.join(' ')}\n`)
    const file = await disk.open(`${path}.part`, 'open')
    try {
      await file.truncate(0)
      await file.write([Buffer.from(lines.join(''))], 0)
    } finally {
      await file.close()
    }
    await disk.rename(`${path}.part`, path)
  }
}

/** A day after the first of the last three crashes. */
function suspectUntil(times: readonly Instant[]): Instant | undefined {
  const first = times.at(-crashesOfASuspect)
  return first === undefined || times.length < crashesOfASuspect ? undefined : first + dayMs
}

/** A line each: the fingerprint and the times. What is no such line is skipped. */
export function parseCrashes(text: string): ReadonlyMap<string, readonly Instant[]> {
  const crashes = new Map<string, readonly Instant[]>()
  for (const line of text.split('\n').slice(0, mostRemembered)) {
    const [fingerprint = '', ...digits] = line.split(' ')
    const times = digits.map(Number)
    if (!/^[0-9a-f]{32}$/.test(fingerprint) || times.length === 0) continue
    if (times.every((time) => Number.isSafeInteger(time))) {
      crashes.set(fingerprint, times.slice(-crashesOfASuspect))
    }
  }
  return crashes
}
