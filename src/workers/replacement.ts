/**
 * What becomes of a worker's place when the worker has died: another one sits down there, ever later, and in the end
 * nobody does, and what is queued there, and what that one did for all, goes to who has least.
 */
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { WorkerEnd } from '../runtime/workers.ts'
import type { FirstWord } from './first-words.ts'
import type { ToWorker, Wariness } from './messages.ts'
import type { CrashRecords, Successor } from './supervision.ts'
import type { WorkerSlot } from './worker-slot.ts'

/** Whether a worker is there again. */
const lookMs = 50

export interface ReplacementParts {
  readonly slots: readonly WorkerSlot[]
  readonly clock: Clock
  readonly log: Log
  readonly crashes: CrashRecords
  /** Resolves with what the new worker says first. */
  readonly launch: (slot: WorkerSlot) => Promise<FirstWord>
  /** All workers are to know it. */
  readonly beware: (wariness: Wariness) => void
  /** Everybody is to go now. */
  readonly stopping: () => boolean
  /** Of a restart under way: the one that does not sit in its place yet. */
  readonly waiting: () => Successor | undefined
  /** The last place has been given up. */
  readonly abandoned: () => void
}

export class Replacement {
  readonly #parts: ReplacementParts

  constructor(parts: ReplacementParts) {
    this.#parts = parts
  }

  /** @param openMs so long it was open; undefined where it never was */
  async replace(slot: WorkerSlot, how: WorkerEnd, openMs: number | undefined): Promise<void> {
    const { clock, log, stopping } = this.#parts
    const { number } = slot
    const livedMs = openMs ?? 0
    const delayMs = slot.schedule.afterDeath(livedMs)
    log.error('worker.ended', { worker: number, how, livedMs: Math.round(livedMs), delayMs })
    // One that never opened judged nothing: what is noted in its place its predecessor had in hand, and that is counted.
    if (openMs !== undefined) await this.#blame(number)
    // A restart may have put another one there meanwhile.
    if (stopping() || slot.process !== undefined) return
    if (delayMs === undefined) return this.#giveUp(slot)
    slot.restart = clock.after(delayMs, () => void this.#relaunch(slot))
  }

  /**
   * Waits for those that are being replaced: what all are to be asked they could not answer.
   * @returns the numbers of those that are not there when the time is over
   */
  async gathered(patienceMs: number): Promise<readonly number[]> {
    const { slots, clock, stopping } = this.#parts
    const until = clock.monotonicMs() + patienceMs
    for (;;) {
      const absent = slots.filter(({ wanted, openedAt }) => wanted && openedAt === undefined)
      if (absent.length === 0 || stopping() || clock.monotonicMs() >= until) {
        return absent.map(({ number }) => number)
      }
      await new Promise<void>((resolve) => void clock.after(lookMs, resolve))
    }
  }

  /** One that crashes where nobody is to follow it: it was told to go. */
  async count(slot: WorkerSlot, how: WorkerEnd): Promise<void> {
    this.#parts.log.error('worker.ended', { worker: slot.number, how })
    await this.#blame(slot.number)
  }

  /** Counts the messages that it had in hand; from here on all others note theirs. */
  async #blame(number: number): Promise<void> {
    const { crashes, beware } = this.#parts
    await crashes.workerDied(number)
    beware(crashes.wariness)
  }

  async #relaunch(slot: WorkerSlot): Promise<void> {
    const { log, launch } = this.#parts
    const { number } = slot
    const word = await launch(slot)
    if (word.say === 'opened') log.info('worker.replaced', { worker: number })
    // It ends by itself, and its end is followed by the next try.
    if (word.say === 'refused') {
      const mistakes = word.mistakes.map(({ file, problem }) => `${file}: ${problem}`)
      log.error('worker.not-opened', { worker: number, mistakes })
    }
  }

  /** Its place stays empty until the gateway is started anew; what is queued there goes to who has least. */
  #giveUp(slot: WorkerSlot): void {
    const { slots, log, waiting, abandoned } = this.#parts
    slot.wanted = false
    slot.keepOnly(new Set())
    const heirs = slots.filter(({ wanted }) => wanted)
    const [heir] = heirs.toSorted((a, b) => a.shards.length - b.shards.length)
    log.error('worker.given-up', { alert: true, worker: slot.number, heir: heir?.number })
    if (heir === undefined) return abandoned()
    const orders: ToWorker[] = slot.shards.map((shard) => ({ say: 'adopt', shard }))
    heir.shards.push(...slot.shards)
    if (slot.leads) {
      slot.leads = false
      heir.leads = true
      orders.push({ say: 'lead' })
    }
    for (const order of orders) {
      // One that is not there now will find it in its orders.
      heir.process?.send(order)
      // One that is about to follow it has its orders already.
      const successor = waiting()
      if (successor?.slot === heir) successor.process.send(order)
    }
  }
}
