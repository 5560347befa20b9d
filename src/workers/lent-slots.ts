/** The supervisor's slots of both channels, and whom it lends them to. */
import { SharedSlots } from './shared-slots.ts'
import type { SlotsWanted } from './slots.ts'
import type { Worker, WorkerSlot } from './worker-slot.ts'

export class LentSlots {
  readonly #places: readonly WorkerSlot[]
  readonly #channels = { local: this.#slotsOf('local'), remote: this.#slotsOf('remote') }

  constructor(places: readonly WorkerSlot[]) {
    this.#places = places
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
    return new SharedSlots((worker, granted) => {
      const process = this.#places[worker - 1]?.process
      process?.send({ say: 'slots', granted: { channel, ...granted } })
    })
  }
}
