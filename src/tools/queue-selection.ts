/** From what an operator writes on a command line to a selection. */
import { heldBounceReason } from '../delivery/bounce.ts'
import type { Selection } from '../delivery/queue-desk.ts'
import { parseDuration } from '../plugin/quantities.ts'
import type { Entry } from '../queue/queue.ts'
import { matches } from '../queue/selection.ts'
import { systemClock } from '../runtime/node/clock.ts'

/** As written; absent where it was not. */
export interface WrittenSelection {
  readonly ids: readonly string[]
  readonly from?: string
  readonly to?: string
  readonly domain?: string
  readonly route?: string
  readonly olderThan?: string
  readonly newerThan?: string
  readonly held?: boolean
  readonly heldBounces?: boolean
  readonly quarantined?: boolean
}

/** @throws Error in words for the operator */
export function readSelection(written: WrittenSelection): Selection {
  const { ids, from, to, domain, route, olderThan, newerThan, held, heldBounces } = written
  const { quarantined } = written
  return {
    ...(ids.length === 0 ? {} : { ids }),
    ...(from === undefined ? {} : { reversePath: from }),
    ...(to === undefined ? {} : { recipient: to }),
    ...(domain === undefined ? {} : { domain }),
    ...(route === undefined ? {} : { route }),
    ...(olderThan === undefined ? {} : { receivedBefore: ago(olderThan) }),
    ...(newerThan === undefined ? {} : { receivedAfter: ago(newerThan) }),
    ...(quarantined === undefined ? {} : { quarantined }),
    ...(held === true || heldBounces === true ? { held: true } : {}),
    ...(heldBounces === true ? { reason: heldBounceReason } : {}),
  }
}

/** Whether a message that was read from the disk is meant. A route is not known then. */
export function isSelected(entry: Entry, selection: Selection): boolean {
  return (selection.ids?.includes(entry.id) ?? true) && matches(entry, selection)
}

function ago(age: string): number {
  const duration = parseDuration(age)
  if (duration.ok) return systemClock.now() - duration.value
  throw new Error(`${age} is not an age: ${duration.remedy}`)
}
