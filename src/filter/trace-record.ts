/**
 * The explanation of one transaction, as it is stored: everything needed to decide again, and what an
 * operator wants to see. An entry that had nothing to say is two numbers. The record is bounded; where
 * it is full, evidence goes first, and steps that had to go are counted.
 */
import { formatMailbox, formatPath } from '../mail/address.ts'
import type { JsonObject, JsonValue } from '../mail/json.ts'
import type { Reply } from '../mail/reply.ts'
import { objectionCode, type Stage } from '../mail/status.ts'
import type { Placement } from '../queue/queue.ts'
import type { Thresholds } from './decision.ts'
import type { Generation } from './generation.ts'
import type { SessionFacts } from './session-facts.ts'
import { packShadows, shadowFate, type PackedShadow } from './shadows.ts'
import { isPlainStep, objectorAmong, type Objection, type Step } from './step.ts'

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

/** The steps that tell something, in words, for the log. */
export function tellingSteps(steps: readonly Step[]): readonly string[] {
  const telling = steps.filter((step) => !isPlainStep(step))
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
  /** A list of `PackedStep` as JSON: nobody reads it before it is stored. */
  readonly steps: string
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
