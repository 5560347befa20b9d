import type { SlotChannel } from '../runtime/slot-leases.ts'

/**
 * What workers and supervisor say to each other about the slots of a channel. What was granted and given back is told as
 * sums since the worker began: a word that is lost, late or said twice changes nothing that the next one does not mend.
 */

/**
 * What is to be said waits so long for more, on both sides: a delivery takes longer, and each word costs as much as a part of
 * one.
 */
export const gatherMs = 2

export interface SlotsWanted {
  readonly channel: SlotChannel
  /** Counts the words of a worker on this channel: an older one than the last is not heeded. */
  readonly number: number
  /** How many there are for all, as this worker has read it. */
  readonly whole: number
  /** Lent to it, ever, as far as it has heard. */
  readonly granted: number
  /** Given back, ever. */
  readonly returned: number
  /** Somebody waits there whom more slots would help. */
  readonly isShort: boolean
}

export interface SlotsGranted {
  readonly channel: SlotChannel
  /** Counts the words to a worker, likewise. */
  readonly number: number
  /** Lent to this worker, ever. */
  readonly granted: number
  /**
   * Others are short: a worker that is short itself keeps so many, one that is not keeps what is in use. Missing: it keeps
   * what it has. What is lent with this word may be taken first.
   */
  readonly keep?: number
}
