/** Which messages a selector means. Pure: asked for what is in memory first, and for the envelope only where it must be. */
import { isMeantDomain, isMeantPath } from '../mail/path-pattern.ts'
import type { Entry, EntryHead, QueueChange, Selector } from './queue.ts'
import { isOpen } from './recipient-states.ts'

/** Whether the selector can be judged by heads alone. */
export function isByHead(selector: Selector): boolean {
  const { reversePath, recipient, domain, reason, quarantined } = selector
  const wanted = [reversePath, recipient, domain, reason, quarantined]
  return wanted.every((each) => each === undefined)
}

/** What can be judged without the envelope. `ids` are looked up, not searched: they are left to the caller. */
export function matchesHead(
  { held, receivedAt }: EntryHead,
  { held: wantsHeld, receivedBefore, receivedAfter }: Selector,
): boolean {
  return (
    (wantsHeld === undefined || held === wantsHeld) &&
    (receivedBefore === undefined || receivedAt < receivedBefore) &&
    (receivedAfter === undefined || receivedAt > receivedAfter)
  )
}

/** The whole selector but its ids. Of the recipients only those count that are still open. */
export function matches(entry: Entry, selector: Selector): boolean {
  const { reversePath, recipient, domain, reason, quarantined } = selector
  const open = entry.envelope.recipients.filter((_, index) => {
    const state = entry.recipients[index]
    return state !== undefined && isOpen(state)
  })
  return (
    matchesHead(entry, selector) &&
    (quarantined === undefined || (entry.grounds !== undefined) === quarantined) &&
    (reversePath === undefined || isMeantPath(entry.envelope.reversePath, reversePath)) &&
    (recipient === undefined || open.some(({ mailbox }) => isMeantPath(mailbox, recipient))) &&
    (domain === undefined || open.some(({ mailbox }) => isMeantDomain(mailbox, domain))) &&
    (reason === undefined || entry.reason?.startsWith(reason) === true)
  )
}

/** Whether a change would change anything: what is held is released, and only what is not held is hurried. */
export function isChangedBy({ held }: Pick<EntryHead, 'held'>, to: QueueChange): boolean {
  return to === 'remove' || held === (to === 'release')
}
