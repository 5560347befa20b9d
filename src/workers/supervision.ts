/** What a supervisor is asked, and what it answers. */
import type { Mistake } from '../plugin/mistake.ts'
import type { Member } from './claims.ts'
import type { FirstWord, FirstWords } from './first-words.ts'
import type { Wariness, WorkerReport, WorkerStatus } from './messages.ts'
import type { Worker, WorkerSlot } from './worker-slot.ts'

/** What workers were judging when they died. */
export interface CrashRecords {
  /** What follows from all deaths so far. */
  readonly wariness: Wariness
  /** Counts the death, and what the worker had in hand; never rejects. */
  workerDied(number: number): Promise<void>
}

export type Opening =
  | { readonly ok: true; readonly report: WorkerReport }
  | {
      readonly ok: false
      readonly mistakes: readonly Mistake[]
      readonly doubts: readonly Mistake[]
    }

/** What came of a restart. */
export type Restart =
  | { readonly ok: true; readonly doubts: readonly Mistake[] }
  | {
      readonly ok: false
      readonly mistakes: readonly Mistake[]
      readonly doubts: readonly Mistake[]
    }

/** A worker as its supervisor sees it. */
export interface WorkerState {
  readonly number: number
  readonly state: WorkerSlot['state']
  readonly pid?: number | undefined
  /** Since it is open. */
  readonly openMs?: number | undefined
  readonly shards: readonly number[]
  /** What it says of itself; absent where it does not answer. */
  readonly status?: WorkerStatus | undefined
}

/** One that is to follow whoever sits in this place. */
export interface Successor {
  readonly slot: WorkerSlot
  readonly process: Worker
}

/** Who has said something. */
export interface Heard {
  readonly slot: WorkerSlot
  readonly process: Worker
  readonly words: FirstWords
  readonly member: Member
}

/** Everybody is to go. */
export interface Stopping {
  /** Called when everybody has gone. */
  readonly over: () => void
  /** The exit code. */
  worst: 0 | 1
}

/** The answer to whoever wants one restart during another. */
export function notNow(folder: string): Restart {
  const problem = 'the gateway is being stopped or restarted already'
  return { ok: false, mistakes: [{ file: folder, problem, remedy: 'wait for it' }], doubts: [] }
}

/** What it means that this is the last that a worker said, and not that it is open. */
export function problemOf(
  folder: string,
  word: FirstWord,
): Opening & Restart & { readonly ok: false } {
  if (word.say === 'refused') return { ok: false, mistakes: word.mistakes, doubts: word.doubts }
  const how = word.say === 'ended' ? ` (${word.how})` : ''
  const problem = `a worker ended${how} before it listened`
  const remedy = 'what it said last is above; plugins are loaded at this point'
  return { ok: false, mistakes: [{ file: folder, problem, remedy }], doubts: [] }
}
