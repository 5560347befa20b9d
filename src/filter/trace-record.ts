/**
 * The explanation of one transaction, as it is stored: everything needed to decide again, and what an
 * operator wants to see. An entry that had nothing to say is two numbers. The record is bounded; where
 * it is full, evidence goes first, and steps that had to go are counted.
 */
import { formatMailbox, formatPath } from '../mail/address.ts'
import type { JsonObject, JsonValue } from '../mail/json.ts'
import type { Replacement } from '../mail/replacement.ts'
import type { Reply } from '../mail/reply.ts'
import { objectionCode, type Stage } from '../mail/status.ts'
import { isPlainPass, type AnyVerdict } from '../plugin/verdict.ts'
import type { Placement } from '../queue/queue.ts'
import type { Thresholds } from './decision.ts'
import { stageOf } from './entry.ts'
import type { Generation } from './generation.ts'
import { jsonWithin, type JsonBudget } from './json-within.ts'
import type { Scopes } from './opinions.ts'
import type { SessionFacts } from './session-facts.ts'
import { packShadows, shadowFate, type PackedShadow } from './shadows.ts'
import { missingMark, type StepNotes } from './step-notes.ts'
import { objectorAmong, type Objection, type Step } from './step.ts'

/** How many characters of evidence, findings and edits a record holds. */
const evidenceBudget = 32_768
/** Steps that are kept; beyond it those without an opinion go. */
const mostSteps = 2000
/** Steps that a line of the log names: the last ones. */
const mostLogged = 20

/** Place and duration in microseconds; the recipient's round where there is one. */
export type PlainStep =
  | readonly [place: number, durationUs: number]
  | readonly [place: number, durationUs: number, round: number]
export type TellingStep = readonly [place: number, durationUs: number, details: StepDetails]
export type PackedStep = PlainStep | TellingStep

// Types, not interfaces: only they can be JSON values.
export type StepDetails = {
  /** Milliseconds after the session began. */
  readonly at: number
  readonly verdict: JsonObject
  readonly round?: number
  readonly kind?: 'spoken' | 'lifted'
  /** Where it is not the place's own. */
  readonly stage?: string
  readonly fault?: readonly [kind: string, detail: string]
  readonly remembered?: true
  /** The recipients it speaks of, where these are not all. */
  readonly recipients?: readonly number[]
  /** What its doors answered: see step-notes.ts. */
  readonly doors?: readonly JsonValue[]
}

/** The places and thresholds that the numbers of a record refer to; stored once for each chain. */
export type ChainRecord = {
  readonly places: readonly (readonly [
    question: string,
    entry: string,
    plugin: string,
    shadow: boolean,
  ])[]
  readonly thresholds: JsonObject
  /** Of entries, by name: equal where plugin, options and files are. */
  readonly fingerprints: { readonly [entry: string]: string }
}

export function chainRecord({ places, thresholds, entries }: Generation): ChainRecord {
  return {
    fingerprints: Object.fromEntries(
      entries.flatMap(({ name, fingerprint }) =>
        fingerprint === undefined ? [] : [[name, fingerprint]],
      ),
    ),
    places: places.all.map(({ question, entry }) => [
      question,
      entry.name,
      entry.plugin,
      entry.shadow,
    ]),
    thresholds: thresholdsJson(thresholds),
  }
}

export function thresholdsJson(thresholds: Thresholds): JsonObject {
  return Object.fromEntries(Object.entries(thresholds).filter(([, at]) => at !== undefined))
}

/** Different reasons that a record names outside its steps. */
const mostReasons = 100

/** @returns the reasons that were given, each once */
export function reasonsAmong(steps: readonly Step[]): readonly string[] {
  let reasons: Set<string> | undefined
  const add = (reason: string | undefined): void => {
    if (reason === undefined || (reasons?.size ?? 0) >= mostReasons) return
    reasons ??= new Set()
    reasons.add(reason.slice(0, 200))
  }
  for (const { verdict } of steps) {
    add(verdict.reason)
    if (verdict.verdict === 'per-recipient') for (const { reason } of verdict.verdicts) add(reason)
  }
  return reasons === undefined ? [] : [...reasons]
}

/** @returns the steps, and how many of them were left out. */
export function packSteps(
  steps: readonly Step[],
  sessionStartMs: number,
  scopes: Scopes | undefined,
): { readonly steps: readonly PackedStep[]; readonly lost: number } {
  const budget: JsonBudget = { left: evidenceBudget }
  const tellingOnly = steps.length > mostSteps
  const packed: PackedStep[] = []
  let lost = 0
  for (const step of steps) {
    const { place, round } = step
    const durationUs = Math.round(step.durationMs * 1000)
    const plain = isPlain(step)
    if (!plain || (step.doors !== undefined && packed.length < mostSteps)) {
      const at = Math.round(step.startedMs - sessionStartMs)
      // Whom an opinion from RCPT speaks of, its round says.
      const recipients = place.question === 'rcpt' ? undefined : scopes?.get(step)
      if (packed.length >= mostSteps) lost += 1
      else packed.push([place.number, durationUs, detailsOf(step, { at, recipients, budget })])
    } else if (!tellingOnly) {
      // A pass without an opinion changes no decision: its loss is no loss of the explanation.
      packed.push(round === 0 ? [place.number, durationUs] : [place.number, durationUs, round])
    }
  }
  return { steps: packed, lost }
}

/** The steps that tell something, in words, for the log. */
export function tellingSteps(steps: readonly Step[]): readonly string[] {
  const telling = steps.filter((step) => !isPlain(step))
  return telling.slice(-mostLogged).map(({ kind, place, verdict, fault }) => {
    const { name, shadow } = place.entry
    const reason = fault === undefined ? (verdict.reason ?? '') : `fault:${fault.kind}`
    const how = `${shadow ? ' would' : ''}${kind === 'asked' ? '' : ` ${kind}`}`
    return `${name}${how} ${verdict.verdict}${reason === '' ? '' : ` ${reason}`}`
  })
}

/** @returns what entries in shadow mode would have done, each of those that were asked */
export function shadowsAmong(
  steps: readonly Step[],
  { end, recipients }: Pick<TraceHead, 'end' | 'recipients'>,
): readonly PackedShadow[] {
  const shadows = steps.filter(({ kind, place }) => kind === 'asked' && place.entry.shadow)
  const accepted = recipients.map(([, yes]) => yes === 1)
  return packShadows(
    shadows.map(({ place, round, verdict, fault }) => {
      return { entry: place.entry.name, round, verdict, fault: fault?.kind }
    }),
    (round) => shadowFate({ end, accepted }, round),
  )
}

/** What was committed, where it is more than a plain delivery to those that were accepted. */
export function packPlacements(
  placements: readonly Placement[] | undefined,
  someRefused: boolean,
): readonly JsonValue[] | undefined {
  const plain =
    !someRefused &&
    placements?.every(
      ({ disposition, headerEdits }) => disposition === 'deliver' && headerEdits.length === 0,
    )
  if (plain === true && placements?.length === 1) return undefined
  return placements?.map(({ disposition, reason, grounds, envelope }) => ({
    disposition,
    ...(reason === undefined ? {} : { reason }),
    ...(grounds?.entry === undefined ? {} : { entry: grounds.entry }),
    ...(grounds?.score === undefined ? {} : { score: grounds.score }),
    reversePath: formatPath(envelope.reversePath),
    recipients: envelope.recipients.map(({ mailbox }) => formatMailbox(mailbox)),
  }))
}

/** @param steps among which the one is looked for that it comes from */
export function packObjection(
  { stage, objection }: { readonly stage: Stage; readonly objection: Objection },
  steps: readonly Step[],
): PackedObjection {
  const { status, text, reason, close } = objection
  const entry = objectorAmong(steps, objection)
  return {
    stage,
    code: objectionCode({ stage, status, close }),
    status,
    text: text.slice(0, 500),
    ...(reason === undefined ? {} : { reason: reason.slice(0, 200) }),
    ...(entry === undefined ? {} : { entry }),
  }
}

/** Of several lines the first. */
export function packReply({ code, status, lines }: Reply): PackedReply {
  return [code, status ?? '', lines[0]]
}

function isPlain(step: Step): boolean {
  return isPlainPass(step.verdict) && step.stage === stageOf(step.place.question)
}

function detailsOf(
  { kind, place, stage, round, verdict, fault, remembered, doors }: Step,
  more: {
    readonly at: number
    readonly recipients: readonly number[] | undefined
    readonly budget: JsonBudget
  },
): StepDetails {
  const { at, recipients, budget } = more
  const notes = doors === undefined ? undefined : packNotes(doors, budget)
  // Here and below one by one: spreads would be most of what a record costs.
  const details: { -readonly [K in keyof StepDetails]: StepDetails[K] } = {
    at,
    verdict: packVerdict(verdict, budget),
  }
  if (round !== 0) details.round = round
  if (kind !== 'asked') details.kind = kind
  if (stage !== stageOf(place.question)) details.stage = stage
  if (fault !== undefined) details.fault = [fault.kind, fault.detail]
  if (remembered) details.remembered = remembered
  if (recipients !== undefined) details.recipients = recipients
  if (notes !== undefined) details.doors = notes
  return details
}

/** All of them or none: with some of them nobody could take the step again. */
function packNotes(doors: StepNotes, budget: JsonBudget): readonly JsonValue[] {
  const { size } = doors
  if (size > budget.left) return [[missingMark, 'the record is full']]
  budget.left -= size
  return doors.pack()
}

/** What decisions depend on is kept whole, the rest within the budget. */
function packVerdict(verdict: AnyVerdict, budget: JsonBudget): JsonObject {
  const packed = packDecisive(verdict)
  if (isPlainPass(verdict)) return packed
  const { evidence, findings, headerEdits, envelopeEdits, replacement } = verdict
  if (verdict.verdict === 'per-recipient') packed['verdicts'] = verdict.verdicts.map(packDecisive)
  if (replacement !== undefined) packed['replacement'] = packReplacement(replacement)
  if (evidence !== undefined) packed['evidence'] = jsonWithin(evidence, budget)
  if (findings !== undefined) packed['findings'] = jsonWithin(findings, budget)
  if (headerEdits !== undefined) packed['headerEdits'] = jsonWithin(headerEdits, budget)
  if (envelopeEdits !== undefined) packed['envelopeEdits'] = jsonWithin(envelopeEdits, budget)
  return packed
}

function packDecisive(verdict: AnyVerdict): Record<string, JsonValue> {
  const { reason, score, recipientScores } = verdict
  const packed: Record<string, JsonValue> = { verdict: verdict.verdict }
  if (verdict.verdict === 'defer' || verdict.verdict === 'reject') {
    packed['status'] = verdict.status
    packed['text'] = verdict.text.slice(0, 500)
    if (verdict.close) packed['close'] = true
    if (verdict.at !== undefined) packed['at'] = verdict.at
  }
  if (reason !== undefined) packed['reason'] = reason.slice(0, 200)
  if (score !== undefined) packed['score'] = score
  if (recipientScores !== undefined) packed['recipientScores'] = recipientScores
  return packed
}

function packReplacement({ message, receivedDigest, digest }: Replacement): JsonObject {
  return { received: receivedDigest, handedBack: digest, sizeBytes: message.sizeBytes }
}

/** With the reason where it was refused though no entry objected. */
export type PackedRecipient =
  | readonly [address: string, accepted: 0 | 1]
  | readonly [address: string, accepted: 0, ruled: string]

export type PackedReply = readonly [code: number, status: string, text: string]

export type TraceEnd = 'committed' | 'refused' | 'reset' | 'aborted'

/** Who said no last, and what the client heard. */
export type PackedObjection = {
  readonly stage: string
  readonly code: number
  readonly status: string
  readonly text: string
  readonly reason?: string
  /** Absent where it is nobody's: the sum of scores, or that nobody vouched. */
  readonly entry?: string
}

/** One transaction, or a connection that was refused before there was one. */
export interface TraceRecord {
  readonly head: TraceHead
  readonly times: TraceTimes
  readonly detail: TraceDetail
}

/** Beside the head, and one with it where it is stored. */
export type TraceTimes = {
  /** When the session began. */
  readonly at: number
  readonly endedAt: number
}

/** What is read only of a transaction that is looked at: kept apart, so that finding others does not read it. */
export type TraceDetail = {
  readonly steps: readonly PackedStep[]
  /** For who puts the same questions to another chain. */
  readonly facts?: SessionFacts
}

/** What a transaction is found and listed by. */
export type TraceHead = {
  /** 2: it names its shadows. */
  readonly version: 1 | 2
  /** The transaction's id; the session's for a refused connection. */
  readonly id: string
  readonly session: string
  readonly chain: string
  readonly listener: string
  readonly remote: string
  readonly hostname: string
  readonly hello?: string
  readonly user?: string
  /** The name that a login failed with, where the session came to nothing else. */
  readonly failedLogin?: string
  readonly tls?: string
  /** Where the environment comes from. */
  readonly environment: string
  readonly reversePath?: string
  /** Whom a trusted proxy named as its source (XFORWARD). */
  readonly forwarded?: JsonObject
  /** Every RCPT that was asked about, with whether it was accepted. */
  readonly recipients: readonly PackedRecipient[]
  /** The last stage at which the chain was asked. */
  readonly stage: string
  readonly end: TraceEnd
  readonly reply?: PackedReply
  /** Each accepted recipient was to be answered after the message: LMTP, PRDR. */
  readonly each?: true
  /** What each of them was told, where that differed. */
  readonly replies?: readonly PackedReply[]
  readonly queueIds?: readonly string[]
  readonly sizeBytes?: number
  /** What was committed, where it is more than one plain delivery. */
  readonly placements?: readonly JsonValue[]
  /** Of each accepted recipient, where these are not the chain's for all of them. */
  readonly thresholds?: readonly JsonObject[]
  /** Of all opinions, each once; those of shadow entries too. */
  readonly reasons?: readonly string[]
  /** Without its angle brackets, bounded. */
  readonly messageId?: string
  /** Of the recipient with the most; absent where it is 0. */
  readonly score?: number
  readonly objection?: PackedObjection
  /** What entries in shadow mode would have done; absent where none was asked. */
  readonly shadows?: readonly PackedShadow[]
  /** Why the session was refused before any entry was asked. */
  readonly ruled?: string
  /** Why the receiver itself said no to MAIL, and nobody was asked. */
  readonly receiver?: string
  /** Steps that did not fit: then the record explains, but cannot be decided again. */
  readonly lost?: number
}
