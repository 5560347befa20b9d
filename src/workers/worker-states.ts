/** What the operator hears of the workers: where each is in its life, and what it says of itself. */
import type { WorkerState } from './supervision.ts'
import type { WorkerQuestions } from './worker-questions.ts'
import type { WorkerSlot } from './worker-slot.ts'

/** @param nowMs monotonic */
export function statesOf(
  slots: readonly WorkerSlot[],
  questions: WorkerQuestions,
  nowMs: number,
): Promise<readonly WorkerState[]> {
  return Promise.all(
    slots.map(async ({ number, state, process, openedAt, shards }) => ({
      number,
      state,
      pid: process?.pid,
      openMs: openedAt === undefined ? undefined : Math.round(nowMs - openedAt),
      shards,
      status: openedAt === undefined ? undefined : (await questions.ask(process, 'status'))?.status,
    })),
  )
}
