/** Which messages a selector means. Pure: asked for what is in memory first, and for the envelope only where it must be. */
import { formatMailbox, type Mailbox } from '../mail/address.ts'
import { asciiDomain } from '../mail/domain.ts'
import type { ReversePath } from '../mail/envelope.ts'
import type { Entry, EntryHead, QueueChange, Selector } from './queue.ts'
import { isOpen } from './recipient-states.ts'

/** Whether the selector can be judged by heads alone. */
export function isByHead({ reversePath, recipient, domain, reason }: Selector): boolean {
  return [reversePath, recipient, domain, reason].every((wanted) => wanted === undefined)
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
  const { reversePath, recipient, domain, reason } = selector
  const open = entry.envelope.recipients.filter((_, index) => {
    const state = entry.recipients[index]
    return state !== undefined && isOpen(state)
  })
  return (
    matchesHead(entry, selector) &&
    (reversePath === undefined || isPath(entry.envelope.reversePath, reversePath)) &&
    (recipient === undefined || open.some(({ mailbox }) => isPath(mailbox, recipient))) &&
    (domain === undefined || open.some(({ mailbox }) => isDomain(mailbox, domain))) &&
    (reason === undefined || entry.reason?.startsWith(reason) === true)
  )
}

/** Whether a change would change anything: what is held is released, and only what is not held is hurried. */
export function isChangedBy({ held }: Pick<EntryHead, 'held'>, to: QueueChange): boolean {
  return to === 'remove' || held === (to === 'release')
}

/** `<>`, `@domain`, or an address with or without its brackets; without regard to case, as people write them. */
function isPath(path: ReversePath, wanted: string): boolean {
  const text = wanted.replace(/^<(.*)>$/, '$1')
  if (path === null || text === '') return path === null && text === ''
  if (text.startsWith('@')) return isDomain(path, text.slice(1))
  return formatMailbox(path).toLowerCase() === text.toLowerCase()
}

/** `example.org`, or `.example.org` for every domain below it. */
function isDomain({ domain }: Mailbox, wanted: string): boolean {
  const canonical = canonicalDomain(domain)
  if (!wanted.startsWith('.')) return canonical === canonicalDomain(wanted)
  return canonical.endsWith(`.${canonicalDomain(wanted.slice(1))}`)
}

function canonicalDomain(domain: string): string {
  return asciiDomain(domain) || domain.toLowerCase()
}
