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
  /** At a time, in this lane. */
  readonly concurrency: number
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
  concurrency: number
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
