/**
 * One configuration of the chain at work. Sessions enter and leave it; once retired it lives on until
 * the last of them is gone, then closes its plugins. Two generations may be at work at once, never three
 * objects of one: an entry's resources belong to its generation.
 */
import type { Recipient } from '../mail/envelope.ts'
import type { Log } from '../runtime/log.ts'
import type { ChainMeter } from './chain-meter.ts'
import type { Entry, Mode } from './entry.ts'
import { errorDetail } from './fault.ts'
import type { Places } from './places.ts'
import type { SettingsOf } from './listener-settings.ts'
import type { Thresholds } from './decision.ts'
import type { Tagging } from './tagging.ts'
import { thresholdsFor, type ThresholdRules } from './threshold-rules.ts'

/** An entry as `postern chain` shows it. */
export interface ListedEntry {
  readonly name: string
  readonly plugin: string
  readonly mode: Mode
  readonly summary?: string
}

export interface GenerationParts {
  /** Names the chain in traces: equal chains have equal ids. */
  readonly id: string
  readonly listing: readonly ListedEntry[]
  readonly entries: readonly Entry[]
  readonly places: Places
  readonly thresholds: Thresholds
  readonly thresholdRules: ThresholdRules
  readonly tagging: Tagging
  /** Entries that may run at once at `message`. */
  readonly parallel: number
  readonly settingsOf: SettingsOf
  readonly meter: ChainMeter
  readonly log: Log
}

export class Generation {
  readonly id: string
  readonly listing: readonly ListedEntry[]
  readonly entries: readonly Entry[]
  /** Those that are told of every step. */
  readonly observers: readonly Entry[]
  /** Those that are told of every message that was taken. */
  readonly takers: readonly Entry[]
  /** Those that are told of the end of every session. */
  readonly sessionKeepers: readonly Entry[]
  /** Whether any entry is asked and not obeyed. */
  readonly hasShadows: boolean
  readonly places: Places
  /** For everybody of whom no rule speaks. */
  readonly thresholds: Thresholds
  readonly thresholdRules: ThresholdRules
  readonly tagging: Tagging
  readonly parallel: number
  readonly settingsOf: SettingsOf
  readonly meter: ChainMeter
  readonly #log: Log
  #sessions = 0
  #opened: Entry[] = []
  #retired: (() => void) | undefined

  constructor(parts: GenerationParts) {
    this.id = parts.id
    this.listing = parts.listing
    this.entries = parts.entries
    this.observers = parts.entries.filter(({ instance }) => instance.observe !== undefined)
    this.takers = parts.entries.filter(({ instance }) => instance.taken !== undefined)
    this.sessionKeepers = parts.entries.filter(
      ({ instance }) => instance.sessionEnded !== undefined,
    )
    this.hasShadows = parts.entries.some(({ shadow }) => shadow)
    this.places = parts.places
    this.thresholds = parts.thresholds
    this.thresholdRules = parts.thresholdRules
    this.tagging = parts.tagging
    this.parallel = parts.parallel
    this.settingsOf = parts.settingsOf
    this.meter = parts.meter
    this.#log = parts.log
  }

  /** Sessions that are in it now. */
  get sessions(): number {
    return this.#sessions
  }

  thresholdsFor({ mailbox }: Recipient): Thresholds {
    return thresholdsFor(mailbox, this.thresholds, this.thresholdRules)
  }

  /** Opens the plugins in order. If one cannot, those opened are closed again. @returns what went wrong. */
  async open(): Promise<{ readonly entry: string; readonly detail: string } | undefined> {
    for (const entry of this.entries) {
      try {
        await entry.instance.open?.()
        this.#opened.push(entry)
        entry.numbers.show()
      } catch (error) {
        await this.#close()
        return { entry: entry.name, detail: errorDetail(error) }
      }
    }
    return undefined
  }

  enter(): void {
    this.#sessions += 1
  }

  leave(): void {
    this.#sessions -= 1
    if (this.#sessions === 0) this.#retired?.()
  }

  /** No session enters any more. Resolves when the last one has left and the plugins are closed. */
  async retire(): Promise<void> {
    this.#hideNumbers()
    if (this.#sessions > 0) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#retired = resolve
      await promise
    }
    await this.#close()
  }

  /** Another configuration is in force, or none: what this one's entries say of their state is true no more. */
  #hideNumbers(): void {
    for (const { numbers } of this.#opened) numbers.hide()
  }

  /** In reverse order; one that cannot close does not keep the others open. */
  async #close(): Promise<void> {
    this.#hideNumbers()
    for (const entry of this.#opened.splice(0).toReversed()) {
      try {
        await entry.instance.close?.()
      } catch (error) {
        this.#log.error('entry.close-failed', { entry: entry.name, detail: errorDetail(error) })
      }
    }
  }
}
