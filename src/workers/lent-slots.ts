/** The supervisor's slots of both channels, and whom it lends them to. */
import type { Clock } from '../runtime/clock.ts'
import { SharedSlots } from './shared-slots.ts'
import { gatherMs, type SlotsGranted, type SlotsWanted } from './slots.ts'
import type { Worker, WorkerSlot } from './worker-slot.ts'

export class LentSlots {
  readonly #places: readonly WorkerSlot[]
  readonly #clock: Pick<Clock, 'after'>
  readonly #channels = { local: this.#slotsOf('local'), remote: this.#slotsOf('remote') }

  constructor(places: readonly WorkerSlot[], clock: Pick<Clock, 'after'>) {
    this.#places = places
    this.#clock = clock
  }

  /** Whoever does not sit in its place yet, or no longer, delivers nothing. */
  heard(
    { number, process }: WorkerSlot,
    worker: Worker,
    { channel, ...wanted }: SlotsWanted,
  ): void {
    if (process === worker) this.#channels[channel].heard(number, wanted)
  }

  /** The worker is gone, and with it whatever it delivered. */
  giveBack(number: number): void {
    for (const slots of Object.values(this.#channels)) slots.giveBack(number)
  }

  #slotsOf(channel: SlotsWanted['channel']): SharedSlots {
    /** The last word to each, which says all that those before it said; whoever has its place by then is not meant. */
    const words = new Map<Worker, Omit<SlotsGranted, 'channel'>>()
    const tell = (): void => {
      for (const [process, granted] of words) {
        process.send({ say: 'slots', granted: { channel, ...granted } })
      }
      words.clear()
    }
    return new SharedSlots((worker, granted) => {
      const process = this.#places[worker - 1]?.process
      if (process === undefined) return
      if (words.size === 0) this.#clock.after(gatherMs, tell)
      words.set(process, granted)
    })
  }
}
