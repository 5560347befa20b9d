/** The filters of a search, as they stand in the URL. */
import type { MessageFilter } from '../../schemas/messages.ts'
import { lookBack } from './look-back.ts'

const filterNames = [
  'sender',
  'recipient',
  'address',
  'remote',
  'outcome',
  'entry',
  'reason',
  'queueId',
  'text',
  'within',
] as const
export type FilterName = (typeof filterNames)[number]
export type Filters = Readonly<Partial<Record<FilterName, string>>>

export function readFilters(query: URLSearchParams): Filters {
  return Object.fromEntries(
    filterNames.flatMap((name) => {
      const value = query.get(name)?.trim() ?? ''
      return value === '' ? [] : [[name, value]]
    }),
  )
}

/** For the server: `within` becomes an instant. */
export function askedFor(
  { within, outcome, ...filters }: Filters,
  nowMs: number,
): Record<string, string | number> {
  const since = lookBack(within, nowMs)
  return {
    ...filters,
    ...(isOutcome(outcome) ? { outcome } : {}),
    ...(since === undefined ? {} : { since }),
  }
}

export const outcomeWords: readonly NonNullable<MessageFilter['outcome']>[] = [
  'accepted',
  'quarantined',
  'discarded',
  'refused',
  'deferred',
  'abandoned',
]

function isOutcome(word: string | undefined): boolean {
  return outcomeWords.some((outcome) => outcome === word)
}
