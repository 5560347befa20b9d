/** A worker that the start waits for. One that dies before it said anything, a refusal included, is started anew, a few times. */
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { FirstWord } from './first-words.ts'
import type { WorkerSlot } from './worker-slot.ts'

/** A gateway that cannot start, though nothing says why, must not take long to say so. */
const mostFirstLives = 3

export interface FirstLifeParts {
  readonly clock: Clock
  readonly log: Log
  /** Until a worker must be open. */
  readonly openMs: number
  /** Resolves with what the new worker says first. */
  readonly launch: (slot: WorkerSlot) => Promise<FirstWord>
  /** Everybody is to go now. */
  readonly stopping: () => boolean
}

/** @returns what the last one that was started says first */
export async function firstLife(
  slot: WorkerSlot,
  { clock, log, openMs, launch, stopping }: FirstLifeParts,
): Promise<FirstWord> {
  const until = clock.monotonicMs() + openMs
  for (;;) {
    const word = await launch(slot)
    if (word.say !== 'ended' || stopping() || clock.monotonicMs() >= until) return word
    const delayMs = slot.schedule.afterDeath(0)
    const ended = { worker: slot.number, how: word.how }
    if (delayMs === undefined || slot.schedule.shortLives >= mostFirstLives) {
      log.error('worker.ended', ended)
      return word
    }
    log.error('worker.ended', { ...ended, delayMs })
    await new Promise<void>((resolve) => void clock.after(delayMs, resolve))
    if (stopping()) return word
  }
}
