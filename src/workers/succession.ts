/**
 * One worker follows another without a moment in which nobody could connect: the new one loads everything first, then
 * the old one finishes what it has and goes, and the new one takes over its sockets, its shards and its place.
 */
import type { Clock } from '../runtime/clock.ts'
import type { WorkerEnd } from '../runtime/workers.ts'
import type { FirstWord, FirstWords } from './first-words.ts'
import type { Worker, WorkerSlot } from './worker-slot.ts'

/** What a worker has beyond the grace it was given, before it is killed. */
export const beyondGraceMs = 5_000

/** One that has been started and may not sit in its place yet. */
export interface Newcomer {
  readonly process: Worker
  readonly words: FirstWords
  /** As the next of its words, with a deadline after which it is killed. */
  readonly next: () => Promise<FirstWord>
}

export interface SuccessionParts {
  readonly clock: Clock
  readonly graceMs: number
  /** Everybody is to go now. */
  stopping(): boolean
  /** To be told of an end that nobody else heard of: it sat in no place when it came. */
  ended(how: WorkerEnd): void
}

/**
 * @returns the last word of the newcomer; unless it is `opened`, somebody else sits in the place, or is about to
 */
export async function succeed(
  slot: WorkerSlot,
  { process, words, next }: Newcomer,
  parts: SuccessionParts,
): Promise<FirstWord> {
  const word = await next()
  if (word.say !== 'prepared') return word
  // Where nobody sits there is no moment in which somebody else could sit down.
  const left = leave(slot, parts)
  if (left !== undefined) await left
  if (parts.stopping() || !slot.wanted) {
    process.kill()
    return word
  }
  slot.process = process
  slot.unanswered = 0
  const { end } = words
  if (end !== undefined) {
    parts.ended(end)
    return { say: 'ended', how: end }
  }
  // A socket at an address that is no longer wanted may lie in the way of one that is: 127.0.0.1 of 0.0.0.0.
  slot.keepOnly(new Set(word.addresses))
  process.send({ say: 'take-over' })
  return next()
}

/** Resolves when the worker of this place is gone, and nobody follows it by itself; undefined where there is none. */
function leave(slot: WorkerSlot, parts: SuccessionParts): Promise<void> | undefined {
  slot.restart?.cancel()
  return slot.process === undefined ? undefined : gone(slot, slot.process, parts)
}

async function gone(
  slot: WorkerSlot,
  process: Worker,
  { clock, graceMs }: SuccessionParts,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  slot.left = resolve
  const deadline = clock.after(graceMs + beyondGraceMs, () => {
    slot.overdue = true
    process.kill()
  })
  process.send({ say: 'stop', graceMs })
  await promise
  deadline.cancel()
}
