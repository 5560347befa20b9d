/** Which messages of the quarantine are meant. Pure; without regard to case. */
import type { Instant } from '../mail/instant.ts'
import type { HeldMessage } from './held-message.ts'

/** Absent keys match everything; all given keys must match. */
export interface Search {
  /** Ids of messages, or of transactions. */
  readonly ids?: readonly string[]
  /** `<>`, `@domain` or an address. */
  readonly sender?: string
  /** `@domain` or an address. */
  readonly recipient?: string
  /** Part of it. */
  readonly subject?: string
  /** What the reason begins with. */
  readonly reason?: string
  /** The entry that held it. */
  readonly entry?: string
  readonly before?: Instant
  readonly after?: Instant
}

/** @returns whether a message is meant; made once for a search, which may name thousands of ids */
export function meaning(search: Search): (held: HeldMessage) => boolean {
  const ids = search.ids === undefined ? undefined : new Set(search.ids)
  return (held) => isMeant(held, search, ids)
}

function isMeant(held: HeldMessage, search: Search, ids: ReadonlySet<string> | undefined): boolean {
  const { sender, recipient, subject, reason, entry, before, after } = search
  return (
    (ids === undefined || ids.has(held.id) || ids.has(held.transaction)) &&
    (before === undefined || held.receivedAt < before) &&
    (after === undefined || held.receivedAt > after) &&
    (entry === undefined || held.entry === entry) &&
    (reason === undefined || begins(held.reason, reason)) &&
    (sender === undefined || isAddress(held.reversePath, sender)) &&
    (recipient === undefined || held.recipients.some((each) => isAddress(each, recipient))) &&
    (subject === undefined || held.subject.toLowerCase().includes(subject.toLowerCase()))
  )
}

function begins(text: string, beginning: string): boolean {
  return text.toLowerCase().startsWith(beginning.toLowerCase())
}

/** @param wanted `<>`, `@domain` or an address; without regard to case */
export function isAddress(written: string, wanted: string): boolean {
  const address = bare(written)
  const asked = bare(wanted)
  return asked.startsWith('@') ? address.endsWith(asked) : address === asked
}

function bare(path: string): string {
  return path.replace(/^<(.*)>$/, '$1').toLowerCase()
}
