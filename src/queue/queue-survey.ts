/** What an operator wants to know of a queue as a whole. */
import type { Instant } from '../mail/instant.ts'
import type { EntryHead } from './queue.ts'

/** `fresh`: never tried. `deferred`: tried before. `held`: waits for an operator. */
export const queueStates = ['fresh', 'deferred', 'held'] as const
export type QueueState = (typeof queueStates)[number]

export interface StateSurvey {
  readonly messages: number
  /** When the oldest of them came; absent where there is none. */
  readonly oldestAt?: Instant
}

export interface QueueSurvey {
  readonly states: { readonly [S in QueueState]: StateSurvey }
  readonly segments: number
  readonly logBytes: number
  /** Of them, those that are still needed. */
  readonly liveBytes: number
}

/** Looks at each of them: some milliseconds for a hundred thousand. */
export function surveyStates(heads: Iterable<EntryHead>): QueueSurvey['states'] {
  const found = { fresh: emptyState(), deferred: emptyState(), held: emptyState() }
  for (const { held, tries, receivedAt } of heads) {
    const state = found[held ? 'held' : tries === 0 ? 'fresh' : 'deferred']
    state.messages += 1
    if (receivedAt < (state.oldestAt ?? Infinity)) state.oldestAt = receivedAt
  }
  return found
}

function emptyState(): { messages: number; oldestAt?: Instant } {
  return { messages: 0 }
}

/** Several spools as one. */
export function addSurveys(surveys: readonly QueueSurvey[]): QueueSurvey {
  const sum = (pick: (survey: QueueSurvey) => number): number =>
    surveys.reduce((total, survey) => total + pick(survey), 0)
  const state = (name: QueueState): StateSurvey => {
    const messages = sum(({ states }) => states[name].messages)
    const times = surveys.flatMap(({ states }) => states[name].oldestAt ?? [])
    return times.length === 0 ? { messages } : { messages, oldestAt: Math.min(...times) }
  }
  return {
    states: { fresh: state('fresh'), deferred: state('deferred'), held: state('held') },
    segments: sum(({ segments }) => segments),
    logBytes: sum(({ logBytes }) => logBytes),
    liveBytes: sum(({ liveBytes }) => liveBytes),
  }
}
