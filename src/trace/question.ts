/**
 * From what somebody asks to what the index is asked, and to the last word on each record: the index finds by hashes and by the
 * first bits of an address, so whatever it finds is read and compared.
 */
import { PosternError } from '../mail/errors.ts'
import type { JsonObject } from '../mail/json.ts'
import { normalMessageId } from '../mail/message-id.ts'
import type { ArchiveQuestion, TermRange } from '../runtime/archive.ts'
import { list, number, object, text, texts } from '../filter/read-json.ts'
import {
  clientOf,
  domainOf,
  entriesOf,
  isAttempt,
  pathAddress,
  reasonsOf,
} from './describe-record.ts'
import { outcomeOf } from './outcome.ts'
import {
  clientNetwork,
  exactly,
  recordKinds,
  scoreAtLeast,
  termKinds,
  textTerm,
  type TermKind,
} from './terms.ts'
import type { DeliveryQuery, TraceQuery } from './trace-search.ts'

export interface TraceQuestion {
  /** The most telling first. */
  readonly conditions: ArchiveQuestion['conditions']
  matches(record: JsonObject): boolean
}

/** Of transactions whose heads do not name their shadows. */
export const stepwiseRanges: readonly TermRange[] = [recordRange('stepwise')]
export const transactionRanges: readonly TermRange[] = [
  recordRange('transaction'),
  ...stepwiseRanges,
]
export const attemptRanges: readonly TermRange[] = [recordRange('attempt')]

interface Condition {
  readonly ranges: readonly TermRange[]
  readonly holds: (record: JsonObject) => boolean
}

/** Whatever id it is: of a transaction, a session or a queued message, or a Message-ID. */
export function namedQuestion(which: string): TraceQuestion {
  const kinds = [{ id: which }, { queueId: which }, { messageId: which }].flatMap(conditionsOf)
  return {
    conditions: [kinds.flatMap(({ ranges }) => ranges), transactionRanges],
    matches: (record) => !isAttempt(record) && kinds.some(({ holds }) => holds(record)),
  }
}

export function deliveryQuestion(query: DeliveryQuery): TraceQuestion {
  const { queueId, outcome, sender, recipient, address } = query
  const found = [
    given(queueId, (wanted) => byQueueId(wanted, own('queueId'))),
    given(sender, bySender),
    given(recipient, byRecipient),
    given(address, (wanted) => either(bySender(wanted), byRecipient(wanted))),
    plain('outcome', outcome, own('outcome')),
  ].filter((condition) => condition !== undefined)
  return {
    conditions: [...found.map(({ ranges }) => ranges), attemptRanges],
    matches: (record) => isAttempt(record) && found.every(({ holds }) => holds(record)),
  }
}

/** @throws PosternError CONFIG_INVALID where the network is none */
export function traceQuestion(query: TraceQuery): TraceQuestion {
  const conditions = conditionsOf(query)
  return {
    conditions: [...conditions.map(({ ranges }) => ranges), transactionRanges],
    matches: (record) => !isAttempt(record) && conditions.every(({ holds }) => holds(record)),
  }
}

function recordRange(kind: keyof typeof recordKinds): TermRange {
  return exactly([termKinds.record, recordKinds[kind]])
}

function conditionsOf(query: TraceQuery): readonly Condition[] {
  const { sender, recipient, address, client, messageId, scoreAtLeast: score } = query
  const found: (Condition | undefined)[] = [
    given(query.queueId, (wanted) => byQueueId(wanted, (record) => texts(record['queueIds']))),
    plain('id', query.id, (record) => [text(record['id']), text(record['session'])]),
    plain(
      'messageId',
      messageId === undefined ? undefined : (normalMessageId(messageId) ?? ''),
      own('messageId'),
    ),
    given(sender, bySender),
    given(recipient, byRecipient),
    given(address, (wanted) =>
      either(either(bySender(wanted), byRecipient(wanted)), byLogin(wanted)),
    ),
    given(client, byClient),
    plain('hello', query.hello, own('hello')),
    given(query.user, byLogin),
    plain('reason', query.reason, reasonsOf),
    plain('entry', query.entry, entriesOf),
    plain('outcome', query.outcome, (record) => [outcomeOf(record)]),
    given(score, (least) => ({
      ranges: [scoreAtLeast(least)],
      holds: (record) => number(record['score']) >= least,
    })),
  ]
  return found.filter((condition) => condition !== undefined)
}

function given<T>(value: T | undefined, make: (value: T) => Condition): Condition | undefined {
  return value === undefined ? undefined : make(value)
}

function plain(
  kind: TermKind,
  wanted: string | undefined,
  valuesOf: (record: JsonObject) => readonly string[],
): Condition | undefined {
  if (wanted === undefined) return undefined
  return {
    ranges: [exactly(textTerm(kind, wanted))],
    holds: (record) => valuesOf(record).some((value) => same(value, wanted)),
  }
}

function byQueueId(
  wanted: string | readonly string[],
  idsOf: (record: JsonObject) => readonly string[],
): Condition {
  const ids = typeof wanted === 'string' ? [wanted] : wanted
  return {
    ranges: ids.map((id) => exactly(textTerm('queueId', id))),
    holds: (record) => idsOf(record).some((id) => ids.some((one) => same(one, id))),
  }
}

function own(key: string): (record: JsonObject) => readonly string[] {
  return (record) => [text(record[key])]
}

/** Whether it succeeded, or not and nothing came after it. */
function byLogin(wanted: string): Condition {
  return {
    ranges: [exactly(textTerm('user', wanted))],
    holds: ({ user, failedLogin }) =>
      [text(user), text(failedLogin)].some((name) => same(name, wanted)),
  }
}

function bySender(wanted: string): Condition {
  return byAddress(wanted, 'sender', 'senderDomain', ({ reversePath }) =>
    typeof reversePath === 'string' ? [pathAddress(reversePath)] : [],
  )
}

function byRecipient(wanted: string | readonly string[]): Condition {
  const each = typeof wanted === 'string' ? [wanted] : wanted
  const nobody: Condition = { ranges: [], holds: () => false }
  return each.map(byOneRecipient).reduce(either, nobody)
}

function byOneRecipient(wanted: string): Condition {
  return byAddress(wanted, 'recipient', 'recipientDomain', (record) => [
    ...(typeof record['recipient'] === 'string' ? [record['recipient']] : []),
    ...list(record['recipients']).map((recipient) => text(list(recipient)[0])),
    ...list(record['placements']).flatMap((placement) => texts(object(placement)['recipients'])),
  ])
}

/** `<>` and a name without an `@` that can be no domain (postmaster) are addresses too. */
function byAddress(
  wanted: string,
  kind: TermKind,
  domainKind: TermKind,
  addressesOf: (record: JsonObject) => readonly string[],
): Condition {
  const address = wanted === '<>' ? wanted : pathAddress(wanted)
  const at = address.lastIndexOf('@')
  if (at > 0) return whole(address, kind, addressesOf)
  const domain = address.slice(at + 1)
  const inDomain: Condition = {
    ranges: [exactly(textTerm(domainKind, domain))],
    holds: (record) => addressesOf(record).some((each) => same(domainOf(each) ?? '', domain)),
  }
  return at === 0 ? inDomain : either(inDomain, whole(address, kind, addressesOf))
}

function whole(
  address: string,
  kind: TermKind,
  addressesOf: (record: JsonObject) => readonly string[],
): Condition {
  return {
    ranges: [exactly(textTerm(kind, address))],
    holds: (record) => addressesOf(record).some((each) => same(each, address)),
  }
}

function either(one: Condition, other: Condition): Condition {
  return {
    ranges: [...one.ranges, ...other.ranges],
    holds: (record) => one.holds(record) || other.holds(record),
  }
}

function byClient(wanted: string): Condition {
  const network = clientNetwork(wanted)
  if (network === undefined) {
    throw new PosternError('CONFIG_INVALID', `'${wanted}' is no address and no network`)
  }
  return { ranges: [network.range], holds: (record) => network.contains(clientOf(record)) }
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}
