/**
 * Remembers, over restarts too, that workers died, and which messages were being judged then. For a day after a death
 * workers note what they judge. A message that was there three times within a day is suspect until that is no longer so;
 * what was there at the first death nobody noted, and it counts for all that are there at the next ones.
 * Losing the file forgets suspicions and nothing else.
 */
import { isPosternError } from '../mail/errors.ts'
import type { Instant } from '../mail/instant.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Disk } from '../runtime/disk.ts'
import type { Log } from '../runtime/log.ts'
import { notesOf } from './crash-notes.ts'
import type { Wariness } from './messages.ts'
import type { CrashRecords } from './supervision.ts'

const dayMs = 86_400_000
const crashesOfASuspect = 3
/** Fingerprints that are remembered; beyond it those that were seen longest ago go. */
const mostRemembered = 10_000
const maxFileBytes = 1 << 20
/** Before the times of deaths; no fingerprint. */
const deathMark = 'died'

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
  #lastDeath: Instant
  /** The last death at which nobody noted anything. */
  #unnoted: Instant

  constructor(parts: CrashLedgerParts, { crashes, lastDeath, unnoted }: Remembered) {
    this.#parts = parts
    this.#crashes = new Map(crashes)
    this.#lastDeath = lastDeath
    this.#unnoted = unnoted
  }

  static async open(parts: CrashLedgerParts): Promise<CrashLedger> {
    try {
      const bytes = await parts.disk.readFile(parts.path, maxFileBytes)
      return new CrashLedger(parts, parseCrashes(Buffer.from(bytes).toString('latin1')))
    } catch (error) {
      if (!isPosternError(error, 'NOT_FOUND')) {
        parts.log.warn('crashes.forgotten', { path: parts.path, error: String(error) })
      }
      return new CrashLedger(parts, parseCrashes(''))
    }
  }

  get wariness(): Wariness {
    const now = this.#parts.clock.now()
    const suspects = [...this.#crashes].flatMap(([fingerprint, times]) => {
      const until = suspectUntil(times)
      return until === undefined || until <= now ? [] : [[fingerprint, until] as const]
    })
    return { suspects, noteUntil: Math.max(this.#lastDeath + dayMs, 0) }
  }

  async workerDied(worker: number): Promise<void> {
    const { disk, clock, log, notes, path } = this.#parts
    const now = clock.now()
    if (now >= this.#lastDeath + dayMs) this.#unnoted = now
    this.#lastDeath = now
    try {
      const inHand = await notesOf(disk, notes, worker)
      for (const fingerprint of inHand) this.#count(fingerprint)
      await this.#write(path)
      if (inHand.length === 0) return
      const found = this.wariness.suspects.filter(([fingerprint]) => inHand.includes(fingerprint))
      log.warn('worker.judged', { worker, messages: inHand.length, suspects: found.length })
    } catch (error) {
      log.error('crash.not-counted', { worker, error: String(error) })
    }
  }

  #count(fingerprint: string): void {
    const now = this.#parts.clock.now()
    const unseen = this.#unnoted > now - dayMs && this.#unnoted < now ? [this.#unnoted] : []
    const before = this.#crashes.get(fingerprint) ?? unseen
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
    const crashes = [...this.#crashes].map(([print, times]) => `${print} ${times.join(' ')}\n`)
    const lines = [`${deathMark} ${this.#lastDeath} ${this.#unnoted}\n`, ...crashes]
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

export interface Remembered {
  readonly crashes: ReadonlyMap<string, readonly Instant[]>
  /** `-Infinity` where nobody has died. */
  readonly lastDeath: Instant
  /** The last one at which no message was noted; the same. */
  readonly unnoted: Instant
}

/** A line each: the fingerprint and the times; one with the last deaths. What is no such line is skipped. */
export function parseCrashes(text: string): Remembered {
  const crashes = new Map<string, readonly Instant[]>()
  let lastDeath = -Infinity
  let unnoted = -Infinity
  for (const line of text.split('\n').slice(0, mostRemembered + 1)) {
    const [name = '', ...digits] = line.split(' ')
    const times = digits.map(Number)
    if (times.length === 0 || !times.every((time) => Number.isSafeInteger(time))) continue
    if (name === deathMark) [lastDeath = -Infinity, unnoted = -Infinity] = times
    else if (/^[0-9a-f]{32}$/.test(name)) {
      crashes.set(name, times.slice(-crashesOfASuspect))
      // Earlier versions wrote no line of deaths.
      lastDeath = Math.max(lastDeath, ...times)
    }
  }
  return { crashes, lastDeath, unnoted }
}
