/** Explanations as they are read again, by `postern trace` and by whoever wants to decide once more. */
import type { JsonObject, JsonValue } from '../mail/json.ts'
import { stages, type Stage } from '../mail/status.ts'
import { attemptOutcomes, attemptsOf, type Attempt } from './attempts.ts'
import type { Thresholds } from './decision.ts'
import { isLoginQuestion, stageOf, type Question } from './entry.ts'
import { isObject, list, number, numbers, object, text, texts } from './read-json.ts'
import type { TraceTables } from './trace-tables.ts'
import type { TraceEnd } from './trace-record.ts'

export interface TracedStep {
  readonly kind: 'asked' | 'spoken' | 'lifted'
  /** Of the place in the chain; the order in which opinions count. */
  readonly number: number
  readonly stage: Stage
  readonly question: Question
  readonly entry: string
  readonly plugin: string
  readonly mode: 'enforce' | 'shadow'
  /** The RCPT it was about, from 1; 0 outside `rcpt`. */
  readonly round: number
  /** Its kind: `pass`, `reject` …; what `on_fault` made of it where there is a fault. */
  readonly verdict: string
  /** The whole verdict, with reason, evidence, score, findings and edits, as far as they were kept. */
  readonly details: JsonObject
  /** Milliseconds after the session began; absent where the entry had nothing to say. */
  readonly startedMs?: number
  readonly durationMs: number
  readonly fault?: { readonly kind: string; readonly detail: string }
  readonly remembered: boolean
  /** Indexes of the accepted recipients it speaks of; absent: all. */
  readonly recipients?: readonly number[]
}

export interface Trace {
  readonly id: string
  readonly session: string
  readonly startedAt: number
  readonly endedAt: number
  readonly listener: string
  readonly remote: string
  readonly hostname: string
  readonly hello?: string
  readonly user?: string
  readonly tls?: string
  readonly environment: string
  readonly reversePath?: string
  /** Whom a trusted proxy named as its source (XFORWARD). */
  readonly forwarded?: JsonObject
  readonly recipients: readonly TracedRecipient[]
  /** The last stage at which the chain was asked. */
  readonly stage: Stage
  readonly end: TraceEnd
  readonly reply?: TracedReply
  /** Whether each accepted recipient was to be answered after the message: LMTP, PRDR. */
  readonly each: boolean
  /** What each accepted recipient was told, where that differed; else none. */
  readonly replies: readonly TracedReply[]
  readonly queueIds: readonly string[]
  readonly sizeBytes?: number
  readonly placements: readonly TracedPlacement[]
  readonly steps: readonly TracedStep[]
  /** Why the session was refused before any entry was asked. */
  readonly ruled?: string
  readonly thresholds: Thresholds
  /** One for each accepted recipient, where somebody had thresholds of their own; else none. */
  readonly own: readonly Thresholds[]
  /** Steps that were not kept; with any, the trace cannot be decided again. */
  readonly lost: number
  /** What the courier did since, oldest first. */
  readonly attempts: readonly Attempt[]
}

export interface TracedRecipient {
  readonly address: string
  readonly accepted: boolean
  /** Why it was refused though no entry objected. */
  readonly ruled?: string
}

export interface TracedReply {
  readonly code: number
  readonly status: string
  readonly text: string
}

export interface TracedPlacement {
  readonly disposition: string
  readonly reason?: string
  /** Of what is held: the entry that held it, and what it scored. */
  readonly entry?: string
  readonly score?: number
  readonly reversePath: string
  readonly recipients: readonly string[]
}

const mostAttempts = 1000
/** Records looked at in one go. */
const pageSize = 256

/**
 * @param which a transaction id, a session id of a refused connection, a queue id, or `last`
 * @throws PosternError STORE_FAILED
 */
export async function readTrace(tables: TraceTables, which: string): Promise<Trace | undefined> {
  const record = await findRecord(tables, which)
  if (record === undefined) return undefined
  const chain = object(await tables.chains.get(text(record['chain'])))
  const attempts: Attempt[] = []
  for (const id of texts(record['queueIds'])) {
    const from = attemptsOf(id)
    const range = { from, to: `${from}~`, limit: mostAttempts, order: 'ascending' } as const
    // oxlint-disable-next-line no-await-in-loop -- one message has few placements
    for (const { value } of await tables.attempts.scan(range)) {
      if (isObject(value)) attempts.push(readAttempt(value))
    }
  }
  return readRecord(record, chain, attempts)
}

/**
 * Looks through the records, newest first. An index would cost each message as much as its record does,
 * and people ask for what has just happened.
 */
async function findRecord(tables: TraceTables, which: string): Promise<JsonObject | undefined> {
  for (let to: string | undefined; ;) {
    const range = { limit: pageSize, order: 'descending' } as const
    // oxlint-disable-next-line no-await-in-loop -- each page begins where the one before ended
    const page = await tables.transactions.scan(to === undefined ? range : { ...range, to })
    const found = page.find(({ value }) => isObject(value) && isAbout(value, which))
    if (isObject(found?.value)) return found.value
    to = page.at(-1)?.key
    if (page.length < pageSize || to === undefined) return undefined
  }
}

function isAbout(record: JsonObject, which: string): boolean {
  return which === 'last' || record['id'] === which || texts(record['queueIds']).includes(which)
}

function readAttempt(value: JsonObject): Attempt {
  const outcome = text(value['outcome'])
  return {
    queueId: text(value['queueId']),
    recipient: text(value['recipient']),
    route: text(value['route']),
    outcome: attemptOutcomes.find((known) => known === outcome) ?? 'deferred',
    status: text(value['status']),
    text: text(value['text']),
    startedAt: number(value['startedAt']),
    durationMs: number(value['durationMs']),
  }
}

/** From a stored record and the chain it names. */
export function readRecord(
  record: JsonObject,
  chain: JsonObject,
  attempts: readonly Attempt[] = [],
): Trace {
  const reply = record['reply'] === undefined ? {} : { reply: readReply(record['reply']) }
  const optional = (key: 'hello' | 'user' | 'tls' | 'reversePath' | 'ruled'): JsonObject =>
    typeof record[key] === 'string' ? { [key]: record[key] } : {}
  return {
    id: text(record['id']),
    session: text(record['session']),
    startedAt: number(record['at']),
    endedAt: number(record['endedAt']),
    listener: text(record['listener']),
    remote: text(record['remote']),
    hostname: text(record['hostname']),
    environment: text(record['environment']),
    recipients: list(record['recipients']).map((each) => {
      const [address, accepted, ruled] = list(each)
      const recipient = { address: text(address), accepted: accepted === 1 }
      return ruled === undefined ? recipient : { ...recipient, ruled: text(ruled) }
    }),
    stage: readStage(text(record['stage'])),
    end: readEnd(text(record['end'])),
    queueIds: texts(record['queueIds']),
    placements: list(record['placements']).map((each) => readPlacement(object(each))),
    steps: list(record['steps']).map((each) => readStep(list(each), list(chain['places']))),
    thresholds: object(chain['thresholds']),
    own: list(record['thresholds']).map(object),
    lost: number(record['lost']),
    each: record['each'] === true,
    replies: list(record['replies']).map(readReply),
    attempts,
    ...optional('hello'),
    ...optional('user'),
    ...optional('tls'),
    ...optional('reversePath'),
    ...(isObject(record['forwarded']) ? { forwarded: record['forwarded'] } : {}),
    ...optional('ruled'),
    ...reply,
    ...(typeof record['sizeBytes'] === 'number' ? { sizeBytes: record['sizeBytes'] } : {}),
  }
}

function readReply(value: JsonValue): TracedReply {
  const [code, status, said] = list(value)
  return { code: number(code), status: text(status), text: text(said) }
}

function readPlacement(value: JsonObject): TracedPlacement {
  const { reason, entry, score } = value
  return {
    disposition: text(value['disposition']),
    reversePath: text(value['reversePath']),
    recipients: texts(value['recipients']),
    ...(typeof reason === 'string' ? { reason } : {}),
    ...(typeof entry === 'string' ? { entry } : {}),
    ...(typeof score === 'number' ? { score } : {}),
  }
}

function readStep(
  [place, durationUs, more]: readonly JsonValue[],
  places: readonly JsonValue[],
): TracedStep {
  const [question, entry, plugin, shadow] = list(places[number(place)])
  const details = object(isObject(more) ? more['verdict'] : { verdict: 'pass' })
  const asked = readQuestion(text(question))
  const step = {
    kind: 'asked',
    number: number(place),
    stage: stageOf(asked),
    question: asked,
    entry: text(entry),
    plugin: text(plugin),
    mode: shadow === true ? 'shadow' : 'enforce',
    round: typeof more === 'number' ? more : 0,
    verdict: text(details['verdict']),
    details,
    durationMs: number(durationUs) / 1000,
    remembered: false,
  } as const
  return isObject(more) ? { ...step, ...readDetails(more, step.stage) } : step
}

function readDetails(more: JsonObject, ownStage: Stage): Partial<TracedStep> {
  const { kind, stage, fault, recipients } = more
  const [faultKind, detail] = list(fault)
  return {
    kind: kind === 'spoken' || kind === 'lifted' ? kind : 'asked',
    stage: typeof stage === 'string' ? readStage(stage) : ownStage,
    round: number(more['round']),
    startedMs: number(more['at']),
    remembered: more['remembered'] === true,
    ...(fault === undefined ? {} : { fault: { kind: text(faultKind), detail: text(detail) } }),
    ...(recipients === undefined ? {} : { recipients: numbers(recipients) }),
  }
}

function readStage(name: string): Stage {
  return stages.find((stage) => stage === name) ?? 'connect'
}

function readQuestion(name: string): Question {
  return isLoginQuestion(name) || name === 'sign' ? name : readStage(name)
}

function readEnd(name: string): TraceEnd {
  return name === 'committed' || name === 'refused' || name === 'reset' ? name : 'aborted'
}
