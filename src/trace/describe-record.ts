/** By what a record is found. It runs once for each record, while mail is waiting. */
import type { JsonObject, JsonValue } from '../mail/json.ts'
import type { Term } from '../runtime/archive.ts'
import { list, number, object, text, texts } from '../filter/read-json.ts'
import { isObjection, readShadows } from '../filter/shadows.ts'
import { outcomeOf } from './outcome.ts'
import {
  recordKinds,
  scoreTerm,
  clientTerms,
  endingTerm,
  shadowSaidTerm,
  shadowTerm,
  termKinds,
  textTerm,
  type TermKind,
} from './terms.ts'
import { whyEnded } from './why-ended.ts'

/** Of one record; a message to thousands is still found by the first of them, and by everything else. */
const mostTerms = 5000

export function describeRecord(record: JsonObject): readonly Term[] {
  return isAttempt(record) ? ofAttempt(record) : ofTransaction(record)
}

/** What the courier did has an outcome and no end. */
export function isAttempt(record: JsonObject): boolean {
  return typeof record['outcome'] === 'string'
}

/** `192.0.2.1:40000` → `192.0.2.1` */
export function clientOf(record: JsonObject): string {
  const remote = text(record['remote'])
  const at = remote.lastIndexOf(':')
  return at < 0 ? remote : remote.slice(0, at)
}

/** `<a@b>` → `a@b`; the null reverse-path stays `<>`. */
export function pathAddress(path: string): string {
  return path.startsWith('<') && path.endsWith('>') && path.length > 2 ? path.slice(1, -1) : path
}

/** After the last `@`; undefined where there is none. */
export function domainOf(address: string): string | undefined {
  const at = address.lastIndexOf('@')
  return at < 0 || at === address.length - 1 ? undefined : address.slice(at + 1)
}

/** All reasons that were given, by those whose opinion counts and by others. */
export function reasonsOf(record: JsonObject): readonly string[] {
  const { ruled, receiver, objection, placements } = record
  const isPlain = ruled === undefined && receiver === undefined && objection === undefined
  // Of accepted mail all reasons are opinions, and nearly all records are of that.
  if (isPlain && placements === undefined && list(record['recipients']).every(isUnruled)) {
    return record['reasons'] === undefined ? [] : texts(record['reasons'])
  }
  const reasons = new Set(texts(record['reasons']))
  const add = (reason: JsonValue | undefined): void => {
    if (typeof reason === 'string') reasons.add(reason)
  }
  add(record['ruled'])
  add(record['receiver'])
  add(object(record['objection'])['reason'])
  for (const recipient of list(record['recipients'])) add(list(recipient)[2])
  for (const placement of list(record['placements'])) add(object(placement)['reason'])
  return [...reasons]
}

function isUnruled(recipient: JsonValue): boolean {
  return list(recipient).length < 3
}

/** Those that refused, held or discarded. */
export function entriesOf({ objection, placements }: JsonObject): readonly string[] {
  // Accepted mail has neither, and nearly all records are of that.
  if (objection === undefined && placements === undefined) return []
  const placed = list(placements).map((placement) => object(placement)['entry'])
  const names = [object(objection)['entry'], ...placed]
  return [...new Set(names.filter((name) => typeof name === 'string'))]
}

function ofTransaction(record: JsonObject): readonly Term[] {
  const isStepwise = record['version'] === 1
  const terms = new Terms(isStepwise ? recordKinds.stepwise : recordKinds.transaction)
  terms.text('id', text(record['id']))
  terms.text('id', text(record['session']))
  for (const id of list(record['queueIds'])) terms.text('queueId', text(id))
  terms.text('messageId', text(record['messageId']))
  const { reversePath } = record
  if (typeof reversePath === 'string')
    terms.address('sender', 'senderDomain', pathAddress(reversePath))
  for (const term of clientTerms(clientOf(record))) terms.add(term)
  terms.text('hello', text(record['hello']))
  terms.text('user', text(record['user']))
  terms.text('user', text(record['failedLogin']))
  for (const reason of reasonsOf(record)) terms.text('reason', reason)
  for (const entry of entriesOf(record)) terms.text('entry', entry)
  const outcome = outcomeOf(record)
  terms.text('outcome', outcome)
  terms.add(endingTerm(outcome, outcome === 'accepted' ? undefined : whyEnded(record).reason))
  terms.add(scoreTerm(number(record['score'])))
  if (record['shadows'] !== undefined) for (const term of shadowTerms(record)) terms.add(term)
  // These may be thousands: whatever there is no room for is found by all of the above.
  for (const recipient of list(record['recipients'])) {
    terms.address('recipient', 'recipientDomain', text(list(recipient)[0]))
  }
  // What was committed may have other envelopes than what was asked for.
  for (const placement of list(record['placements'])) {
    for (const address of texts(object(placement)['recipients'])) {
      terms.address('recipient', 'recipientDomain', address)
    }
  }
  return terms.all
}

function* shadowTerms(record: JsonObject): Generator<Term, void> {
  for (const [entry, ...sayings] of readShadows(record)) {
    yield shadowTerm('shadowAsked', entry)
    if (sayings.some(isObjection)) yield shadowTerm('shadowObjected', entry)
    for (const saying of sayings) yield shadowSaidTerm(entry, saying)
  }
}

function ofAttempt(record: JsonObject): readonly Term[] {
  const terms = new Terms(recordKinds.attempt)
  terms.text('queueId', text(record['queueId']))
  terms.address('recipient', 'recipientDomain', text(record['recipient']))
  const { reversePath } = record
  if (typeof reversePath === 'string') {
    terms.address('sender', 'senderDomain', pathAddress(reversePath))
  }
  terms.text('outcome', text(record['outcome']))
  return terms.all
}

/** Not too many of a kind, and no domain over and over. */
class Terms {
  readonly #all: Term[]
  #lastDomain = ''
  #lastDomainKind: TermKind | undefined
  #count = 0

  constructor(kind: number) {
    this.#all = [[termKinds.record, kind]]
  }

  get all(): readonly Term[] {
    return this.#all
  }

  text(kind: TermKind, value: string): void {
    if (value !== '') this.add(textTerm(kind, value))
  }

  address(kind: TermKind, domainKind: TermKind, address: string): void {
    this.text(kind, address)
    const domain = domainOf(address) ?? ''
    if (this.#lastDomainKind === domainKind && this.#lastDomain === domain) return
    this.#lastDomainKind = domainKind
    this.#lastDomain = domain
    this.text(domainKind, domain)
  }

  add(term: Term): void {
    if (this.#count++ < mostTerms) this.#all.push(term)
  }
}
