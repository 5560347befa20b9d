/** What a supervisor is asked, and what it answers. */
import type { Mistake } from '../plugin/mistake.ts'
import type { Suspect, WorkerReport, WorkerStatus } from './messages.ts'
import type { WorkerSlot } from './worker-slot.ts'

/** What workers were judging when they died. */
export interface CrashRecords {
  readonly suspects: readonly Suspect[]
  /** Counts what the worker had in hand; never rejects. @returns those that have become suspect by it */
  workerDied(number: number): Promise<readonly Suspect[]>
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
