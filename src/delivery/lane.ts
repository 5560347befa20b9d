/** What is known of one destination: who waits for it, how many are there, and how fast it is. */
import type { Instant } from '../mail/instant.ts'
import type { Timer } from '../runtime/clock.ts'
import type { HopLimits } from '../runtime/hop-turns.ts'

export type Urgency = 'first' | 'retry'

/** `closed`: nobody gets a slot any more. `until`: too many wait, look again then. */
export type Turn = 'taken' | 'closed' | { readonly until: Instant }

export interface LaneRequest {
  readonly key: string
  /** Of the message: what it is called back by. */
  readonly id: string
  readonly urgency: Urgency
  /** What waiting costs in memory. */
  readonly sizeBytes: number
  /** At a time, in this lane; `half` of the slots that there are. */
  readonly concurrency: number | 'half'
  /** Between two starts in this lane; 0: no limit. */
  readonly intervalMs: number
  /** What all processes together keep to. */
  readonly shared?: HopLimits | undefined
}

export interface Waiter {
  readonly id: string
  readonly sizeBytes: number
  readonly resolve: (turn: Turn) => void
}

export interface Lane {
  readonly key: string
  readonly waiting: { readonly [U in Urgency]: Waiter[] }
  concurrency: number | 'half'
  intervalMs: number
  taken: number
  /** Whether somebody was there, the last time. */
  answers: boolean
  /** By the monotonic clock: no start before. */
  notBefore: number
  timer: Timer | undefined
  /** What others keep to as well, if they do; one turn at a time is asked for. */
  shared: HopLimits | undefined
  turn: 'none' | 'asked' | 'ours'
  /** For whom it was asked. */
  turnFor: Urgency
  /** Whether a slot waits for the turn; it counts as taken. */
  keepsSlot: boolean
  /** Runs while a slot waits for the turn, or the turn for a slot. */
  patience: Timer | undefined
  /** Deliveries under way that took one. */
  turnsTaken: number
  /** A moving average of the time between two ends while others wait. */
  paceMs: number
  /** When the last one ended, if others waited then; else 0. */
  endedAt: number
  /** When the turn of the last one that was sent away may come. */
  sentUntil: Instant
  /** Those who were sent away, as far as they are remembered. */
  readonly away: string[]
}

/** So much earlier than its pace says are those called back who were sent away. */
const haste = 0.7
const shortestAwayMs = 1_000
const longestAwayMs = 900_000
/** Of a lane that is not known yet: rather looked at once too often than idle. */
const assumedPaceMs = 1

/** One that nobody has delivered to yet. */
export function newLane(key: string): Lane {
  return {
    key,
    waiting: { first: [], retry: [] },
    concurrency: 1,
    intervalMs: 0,
    taken: 0,
    answers: false,
    notBefore: 0,
    timer: undefined,
    shared: undefined,
    turn: 'none',
    turnFor: 'first',
    keepsSlot: false,
    patience: undefined,
    turnsTaken: 0,
    paceMs: assumedPaceMs,
    endedAt: 0,
    sentUntil: 0,
    away: [],
  }
}

/** How many wait. */
export function lengthOf({ waiting }: Lane): number {
  return waiting.first.length + waiting.retry.length
}

/** Whether nobody waits. */
export function isIdle(lane: Lane): boolean {
  return lengthOf(lane) === 0
}

/** At a time in this lane, of so many slots. */
export function allowed({ concurrency }: Lane, slots: number): number {
  return Math.max(1, concurrency === 'half' ? Math.ceil(slots / 2) : concurrency)
}

/** When those before it will have gone, at the pace of this lane: each that is sent away comes behind the last. */
export function turnOf(lane: Lane, now: Instant): Instant {
  const paceMs = Math.max(lane.paceMs, lane.intervalMs, 0.1) * haste
  const behind = Math.max(lane.sentUntil, now + lengthOf(lane) * paceMs) + paceMs
  lane.sentUntil = behind
  const awayMs = Math.max(shortestAwayMs, behind - now)
  if (awayMs <= longestAwayMs) return Math.ceil(now + awayMs)
  // Nobody knows what a lane does in so long: look again, but not all at the same moment.
  return Math.ceil(now + longestAwayMs / 2 + ((awayMs * 7) % (longestAwayMs / 2)))
}
