/** Explanations as they are read again, by `postern trace` and by whoever wants to decide once more. */
import type { JsonObject, JsonValue } from '../mail/json.ts'
import { stages, type Stage } from '../mail/status.ts'
import { attemptOutcomes, type Attempt } from './attempts.ts'
import type { Thresholds } from './decision.ts'
import { isLoginQuestion, stageOf, type Question } from './entry.ts'
import { isObject, list, number, numbers, object, text, texts } from './read-json.ts'
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
  /** What its doors answered, as step-notes.ts writes it; absent where none was asked. */
  readonly doors?: readonly JsonValue[]
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
  /** The name that a login failed with, where the session came to nothing else. */
  readonly failedLogin?: string
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
  /** All that the chain could have asked, in its order; none where its record is gone. */
  readonly places: readonly TracedPlace[]
  readonly messageId?: string
  /** What the opinions sum up to, for the recipient with the most. */
  readonly score: number
  /** Who said no last. */
  readonly objection?: TracedObjection
  /** What brought it, where that was no session. */
  readonly via?: string
  /** Why the session was refused before any entry was asked. */
  readonly ruled?: string
  /** Why the receiver itself said no to MAIL, and nobody was asked. */
  readonly receiver?: string
  readonly thresholds: Thresholds
  /** One for each accepted recipient, where somebody had thresholds of their own; else none. */
  readonly own: readonly Thresholds[]
  /** Steps that were not kept; with any, the trace cannot be decided again. */
  readonly lost: number
  /** What the courier did since, oldest first. */
  readonly attempts: readonly Attempt[]
}

/** An entry at a question: its number is that of its steps. */
export interface TracedPlace {
  readonly number: number
  readonly question: Question
  readonly entry: string
  readonly plugin: string
  readonly shadow: boolean
}

export interface TracedObjection extends TracedReply {
  readonly stage: Stage
  readonly reason?: string
  readonly entry?: string
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

/** From a stored record of the courier. */
export function readAttempt(value: JsonObject): Attempt {
  const outcome = text(value['outcome'])
  const ledTo = texts(value['ledTo'])
  const { reversePath, receivedAt } = value
  return {
    queueId: text(value['queueId']),
    recipient: text(value['recipient']),
    route: text(value['route']),
    outcome: attemptOutcomes.find((known) => known === outcome) ?? 'deferred',
    status: text(value['status']),
    text: text(value['text']),
    startedAt: number(value['startedAt']),
    durationMs: number(value['durationMs']),
    ...(ledTo.length === 0 ? {} : { ledTo }),
    ...(typeof reversePath === 'string' ? { reversePath } : {}),
    ...(typeof receivedAt === 'number' ? { receivedAt } : {}),
  }
}

type OptionalText =
  | 'hello'
  | 'user'
  | 'failedLogin'
  | 'tls'
  | 'reversePath'
  | 'ruled'
  | 'receiver'
  | 'messageId'
  | 'via'

/** Head and detail of a record together, as they are read. */
export function wholeRecord(head: JsonObject, detail: JsonValue | undefined): JsonObject {
  // Spoiled: what was decided by it cannot be decided again.
  if (detail === null) return { ...head, lost: number(head['lost']) || 1 }
  // Those of earlier versions have the steps alone beside the head.
  return { ...head, ...(Array.isArray(detail) ? { steps: detail } : object(detail)) }
}

/** From a stored record and the chain it names. */
export function readRecord(
  record: JsonObject,
  chain: JsonObject,
  attempts: readonly Attempt[] = [],
): Trace {
  const reply = record['reply'] === undefined ? {} : { reply: readReply(record['reply']) }
  const steps = list(record['steps'])
  const places = list(chain['places'])
  // Where the chain is gone, nobody knows whose steps they are.
  const known = places.length === 0 ? [] : steps
  const optional = (key: OptionalText): JsonObject =>
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
    steps: known.map((each) => readStep(list(each), places)),
    places: places.map((place, index) => readPlace(list(place), index)),
    thresholds: object(chain['thresholds']),
    score: number(record['score']),
    own: list(record['thresholds']).map(object),
    lost: number(record['lost']) + steps.length - known.length,
    each: record['each'] === true,
    replies: list(record['replies']).map(readReply),
    attempts,
    ...optional('hello'),
    ...optional('user'),
    ...optional('failedLogin'),
    ...optional('tls'),
    ...optional('reversePath'),
    ...(isObject(record['forwarded']) ? { forwarded: record['forwarded'] } : {}),
    ...optional('ruled'),
    ...optional('receiver'),
    ...optional('messageId'),
    ...optional('via'),
    ...(isObject(record['objection']) ? { objection: readObjection(record['objection']) } : {}),
    ...reply,
    ...(typeof record['sizeBytes'] === 'number' ? { sizeBytes: record['sizeBytes'] } : {}),
  }
}

function readReply(value: JsonValue): TracedReply {
  const [code, status, said] = list(value)
  return { code: number(code), status: text(status), text: text(said) }
}

function readPlace(
  [question, entry, plugin, shadow]: readonly JsonValue[],
  index: number,
): TracedPlace {
  return {
    number: index,
    question: readQuestion(text(question)),
    entry: text(entry),
    plugin: text(plugin),
    shadow: shadow === true,
  }
}

function readObjection(value: JsonObject): TracedObjection {
  const { reason, entry } = value
  return {
    stage: readStage(text(value['stage'])),
    code: number(value['code']),
    status: text(value['status']),
    text: text(value['text']),
    ...(typeof reason === 'string' ? { reason } : {}),
    ...(typeof entry === 'string' ? { entry } : {}),
  }
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
  const { kind, stage, fault, recipients, doors } = more
  const [faultKind, detail] = list(fault)
  return {
    kind: kind === 'spoken' || kind === 'lifted' ? kind : 'asked',
    stage: typeof stage === 'string' ? readStage(stage) : ownStage,
    round: number(more['round']),
    startedMs: number(more['at']),
    remembered: more['remembered'] === true,
    ...(fault === undefined ? {} : { fault: { kind: text(faultKind), detail: text(detail) } }),
    ...(recipients === undefined ? {} : { recipients: numbers(recipients) }),
    ...(doors === undefined ? {} : { doors: list(doors) }),
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
