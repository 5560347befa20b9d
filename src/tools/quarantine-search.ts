/** From what an operator writes on a command line to a search of the quarantine. */
import { parseDuration } from '../plugin/quantities.ts'
import type { Search } from '../quarantine/search.ts'
import { systemClock } from '../runtime/node/clock.ts'

/** As written; absent where it was not. */
export interface WrittenSearch {
  readonly ids: readonly string[]
  readonly from?: string
  readonly to?: string
  readonly subject?: string
  readonly reason?: string
  readonly entry?: string
  readonly olderThan?: string
  readonly newerThan?: string
}

/** @throws Error in words for the operator */
export function readSearch(written: WrittenSearch): Search {
  const { ids, from, to, subject, reason, entry, olderThan, newerThan } = written
  return {
    ...(ids.length === 0 ? {} : { ids }),
    ...(from === undefined ? {} : { sender: from }),
    ...(to === undefined ? {} : { recipient: to }),
    ...(subject === undefined ? {} : { subject }),
    ...(reason === undefined ? {} : { reason }),
    ...(entry === undefined ? {} : { entry }),
    ...(olderThan === undefined ? {} : { before: ago(olderThan) }),
    ...(newerThan === undefined ? {} : { after: ago(newerThan) }),
  }
}

function ago(age: string): number {
  const duration = parseDuration(age)
  if (duration.ok) return systemClock.now() - duration.value
  throw new Error(`${age} is not an age: ${duration.remedy}`)
}
