/**
 * Slots in a worker of several, lent by the supervisor. While it has enough, and nobody else is short, there is no message.
 * Whoever is short says so again every second: neither a lost word nor a late one stops mail.
 */
import type { Clock, Timer } from '../runtime/clock.ts'
import type { SlotLease, SlotLeases } from '../runtime/slot-leases.ts'
import { gatherMs, type SlotsGranted, type SlotsWanted } from './slots.ts'

const askAgainMs = 1_000

export class LeasedSlots implements SlotLeases {
  readonly #clock: Pick<Clock, 'after'>
  readonly #ask: (wanted: SlotsWanted) => void
  readonly #leases = new Map<SlotsGranted['channel'], Lease>()

  constructor(clock: Pick<Clock, 'after'>, ask: (wanted: SlotsWanted) => void) {
    this.#clock = clock
    this.#ask = ask
  }

  open(channel: SlotsGranted['channel'], whole: () => number, changed: () => void): SlotLease {
    const ask = (wanted: Omit<SlotsWanted, 'channel'>): void => this.#ask({ channel, ...wanted })
    const lease = new Lease({ clock: this.#clock, ask, whole, changed })
    this.#leases.set(channel, lease)
    return lease
  }

  /** What the supervisor says. */
  granted(granted: SlotsGranted): void {
    this.#leases.get(granted.channel)?.granted(granted)
  }
}

interface LeaseParts {
  readonly clock: Pick<Clock, 'after'>
  readonly ask: (wanted: Omit<SlotsWanted, 'channel'>) => void
  readonly whole: () => number
  readonly changed: () => void
}

class Lease implements SlotLease {
  readonly #parts: LeaseParts
  #heard = 0
  #granted = 0
  #returned = 0
  #keep: number | undefined
  #taken = 0
  #isShort = false
  /** What the supervisor knows, as far as we know. */
  #told = { number: 0, whole: 0, granted: 0, returned: 0, isShort: false }
  #timer: Timer | undefined
  /** Runs while there is news that was not told yet. */
  #gathering: Timer | undefined
  #closed = false

  constructor(parts: LeaseParts) {
    this.#parts = parts
  }

  get limit(): number {
    return Math.min(this.#held, this.#keep ?? this.#held, this.#parts.whole())
  }

  uses(taken: number, isShort: boolean): void {
    this.#taken = taken
    this.#isShort = isShort && !this.#closed
    this.#giveBack()
    if (this.#gathering !== undefined || !this.#hasNews) return
    this.#gathering = this.#parts.clock.after(gatherMs, () => {
      this.#gathering = undefined
      if (this.#hasNews) this.#speak()
    })
  }

  get #hasNews(): boolean {
    const { number, whole, granted, returned, isShort } = this.#told
    // That it is no longer short can wait for the timer, unless much is idle: the next message may change it.
    const isIdle = !this.#isShort && this.#held - this.#taken > 1
    return (
      granted !== this.#granted ||
      returned !== this.#returned ||
      (isShort ? isIdle : this.#isShort) ||
      (number > 0 && whole !== this.#parts.whole())
    )
  }

  granted({ number, granted, keep }: Omit<SlotsGranted, 'channel'>): void {
    if (number <= this.#heard) return
    this.#heard = number
    const isMore = granted > this.#granted
    this.#granted = Math.max(this.#granted, granted)
    // What is lent where others wait, too, is for one delivery each: that begins first.
    this.#keep = isMore ? undefined : keep
    this.#parts.changed()
    this.#keep = keep
    this.uses(this.#taken, this.#isShort)
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
    this.#timer = undefined
    this.uses(this.#taken, false)
  }

  get #held(): number {
    return this.#granted - this.#returned
  }

  #giveBack(): void {
    if (this.#keep === undefined && !this.#closed) return
    const kept = Math.max(this.#taken, this.#isShort ? (this.#keep ?? 0) : 0)
    if (this.#held > kept) this.#returned += this.#held - kept
  }

  #speak(): void {
    const whole = this.#parts.whole()
    const number = this.#told.number + 1
    this.#told = {
      number,
      whole,
      granted: this.#granted,
      returned: this.#returned,
      isShort: this.#isShort,
    }
    this.#parts.ask(this.#told)
    if (!this.#isShort || this.#timer !== undefined) return
    this.#timer = this.#parts.clock.after(askAgainMs, () => {
      this.#timer = undefined
      if (this.#isShort || this.#told.isShort) this.#speak()
    })
  }
}
