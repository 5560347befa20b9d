/**
 * What becomes of the header of every message that comes in, before anything that plugins ask for: fields that claim
 * to be our own Authentication-Results go (RFC 8601 §5), and what a submitted message lacks is added (RFC 6409 §8).
 */
import type { HeaderEdit } from '../mail/edits.ts'
import { asBuffer, fieldEnd, isEmptyLine, nameLength } from '../mail/header-lines.ts'
import type { Instant } from '../mail/instant.ts'
import type { Message } from '../mail/message.ts'
import { claimsToBe } from '../mail/authentication-results.ts'
import { formatDate } from '../mail/trace-fields.ts'

export interface Entering {
  /** The first bytes of the message; in most mail the whole header. */
  readonly head: Uint8Array
  readonly message: Message
  /** Our name. */
  readonly hostname: string
  /** Whether Date and Message-ID are added where they are missing. */
  readonly completes: boolean
  /** The transaction's. */
  readonly id: string
  readonly at: Instant
}

const resultsField = 'Authentication-Results'
/** Who forges more of them loses all: each removal reads the header once. */
const mostRemovals = 20
const none: readonly HeaderEdit[] = Object.freeze([])

export function entryEdits(entering: Entering): readonly HeaderEdit[] {
  const { head, message, hostname, completes } = entering
  const seen = lookThrough(head, hostname)
  const whole = seen.whole || head.length >= message.sizeBytes
  const removals = removalsOf(seen.forged, whole)
  if (!completes) return removals
  const lacks = (name: string, isThere: boolean): boolean =>
    !isThere && (whole || message.header.first(name) === undefined)
  return [
    ...removals,
    ...(lacks('Message-ID', seen.messageId) ? [messageIdFor(entering)] : []),
    ...(lacks('Date', seen.date) ? [dateFor(entering)] : []),
  ]
}

/** From the last to the first, so that each still has its number when it goes. Of a header we saw in part, all go. */
function removalsOf(forged: readonly number[], whole: boolean): readonly HeaderEdit[] {
  if (!whole || forged.length > mostRemovals) return [{ edit: 'remove', name: resultsField }]
  if (forged.length === 0) return none
  return forged.toReversed().map((nth) => ({ edit: 'remove', name: resultsField, nth }))
}

function messageIdFor({ id, at, hostname }: Entering): HeaderEdit {
  const value = `<${at.toString(36)}.${id}@${hostname}>`
  return { edit: 'prepend', name: 'Message-ID', value }
}

function dateFor({ at }: Entering): HeaderEdit {
  return { edit: 'prepend', name: 'Date', value: formatDate(at) }
}

interface Seen {
  /** The header ends within the bytes. */
  readonly whole: boolean
  readonly date: boolean
  readonly messageId: boolean
  /** Which of the Authentication-Results fields claim to be ours, counted from 1 as edits do. */
  readonly forged: readonly number[]
}

/** Goes over the header once; a field is read only where its name has the right length. */
function lookThrough(head: Uint8Array, hostname: string): Seen {
  const buffer = asBuffer(head)
  const forged: number[] = []
  const found = new Set<string>()
  let results = 0
  let at = 0
  for (; at < buffer.length && !isEmptyLine(buffer, at); at = fieldEnd(buffer, at)) {
    const length = nameLength(buffer, at)
    if (!wantedLengths.has(length)) continue
    const name = buffer.toString('latin1', at, at + length).toLowerCase()
    found.add(name)
    if (name !== 'authentication-results') continue
    results += 1
    const colon = buffer.indexOf(':', at + length, 'latin1')
    if (claimsToBe(hostname, buffer.toString('utf8', colon + 1, fieldEnd(buffer, at)))) {
      forged.push(results)
    }
  }
  return {
    whole: at < buffer.length,
    date: found.has('date'),
    messageId: found.has('message-id'),
    forged,
  }
}

const wantedLengths: ReadonlySet<number> = new Set(
  [resultsField, 'Date', 'Message-ID'].map(({ length }) => length),
)
