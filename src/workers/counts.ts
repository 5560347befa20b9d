import type { Spending } from '../runtime/counters.ts'
import type { HopLimits } from '../runtime/hop-turns.ts'

/** What workers ask of the counts that the supervisor keeps, and what it answers. */

/** Many questions in one message, in the order in which they were asked; a ticket finds the way back. */
export type CountQuestion =
  | readonly ['take', ticket: number, key: string, limit: number]
  | readonly ['count', ticket: number, key: string]
  | readonly ['spend', ticket: number, rates: readonly Spending[]]
  | readonly ['give', key: string]
  /** Beyond its own share; answered when all workers have declared what they hold. */
  | readonly ['claim', ticket: number, key: string, limit: number]
  /** What it has taken of that key by itself. */
  | readonly ['declared', key: string, count: number]
  /** Of a next hop; answered when the turn has come. */
  | readonly ['turn', ticket: number, key: string, limits: HopLimits]
  /** That turn is over. */
  | readonly ['turned', key: string]

/** To `spend`: the index of the rate that is exhausted, or -1. */
export type CountAnswer = readonly [ticket: number, answer: boolean | number]
