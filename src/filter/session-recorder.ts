/**
 * Gathers what one session's explanations need, and writes one for each transaction, or for a
 * connection that was refused before there was one. It watches; nothing depends on it.
 */
import { formatMailbox, formatPath } from '../mail/address.ts'
import { messageIdOf } from '../mail/message-id.ts'
import type { Recipient } from '../mail/envelope.ts'
import { reply, type Reply } from '../mail/reply.ts'
import type { Transaction } from '../mail/session.ts'
import { objectionCode, type Stage } from '../mail/status.ts'
import type { Placement } from '../queue/queue.ts'
import type { LoginEnd } from '../plugin/plugin.ts'
import type { Log, LogFields } from '../runtime/log.ts'
import type {
  ConnectionFacts,
  MailEvent,
  MessageEvent,
  SessionEnd,
  TransactionOutcome,
} from '../smtp/policy.ts'
import type { Thresholds } from './decision.ts'
import type { Inquiry } from './inquiry.ts'
import type { Scopes } from './opinions.ts'
import { scoreOf } from './score.ts'
import type { Objection, Step } from './step.ts'
import {
  packObjection,
  packPlacements,
  packReply,
  packSteps,
  tellingSteps,
  thresholdsJson,
  type PackedRecipient,
  type TraceEnd,
  type TraceRecord,
} from './trace-record.ts'
import type { TraceWriter } from './trace-writer.ts'

/** RCPTs of one transaction that a record names. */
const mostRecipients = 2000

const endEvents: { readonly [E in TraceEnd]: string } = {
  committed: 'transaction.committed',
  refused: 'transaction.refused',
  reset: 'transaction.reset',
  aborted: 'transaction.aborted',
}

export interface RecorderParts {
  readonly inquiry: Inquiry
  readonly facts: ConnectionFacts
  readonly hostname: string
  /** What refused the session before any entry was asked. */
  readonly refusal: Objection | undefined
  readonly writer: TraceWriter
  readonly log: Log
}

/** What is known of a transaction beside its steps. */
interface Story {
  readonly mail: MailEvent
  round: number
  /** RCPTs that were not written down. */
  lost: number
  readonly recipients: PackedRecipient[]
  /** The round in which a recipient was accepted. */
  readonly accepted: Map<Recipient, number>
  sizeBytes?: number
  head?: Uint8Array
  answers?: MessageEvent['answers']
  scopes?: Scopes
  placements?: readonly Placement[]
  thresholds?: readonly Thresholds[]
}

interface RecipientEnding {
  readonly accepted: boolean
  readonly ruled?: string | undefined
  readonly objection?: Objection | undefined
}

interface Ending {
  readonly id: string
  readonly end: TraceEnd
  readonly reply: Reply | undefined
  readonly replies?: readonly Reply[] | undefined
  readonly queueIds?: readonly string[] | undefined
}

const loginEvents = {
  accepted: 'login.accepted',
  rejected: 'login.rejected',
  deferred: 'login.deferred',
} as const

export class SessionRecorder {
  readonly #parts: RecorderParts
  readonly #startMs: number
  #story: Story | undefined
  #refused: { readonly stage: Stage; readonly objection: Objection } | undefined
  /** What was said no with last, if only to one recipient. */
  #objected: { readonly stage: Stage; readonly objection: Objection } | undefined
  #explained = false

  constructor(parts: RecorderParts) {
    this.#parts = parts
    this.#startMs = parts.inquiry.clock.monotonicMs()
  }

  /** Whatever was refused before, the client says hello again. */
  beginHello(): void {
    this.#refused = undefined
  }

  loginEnded({ session, mechanism, user, outcome }: LoginEnd): void {
    const { address } = session.remote
    const fields = { session: session.id, address, mechanism, user: user.slice(0, 256) }
    this.#parts.log.info(loginEvents[outcome], fields)
  }

  beginTransaction(mail: MailEvent): void {
    this.#story = { mail, round: 0, lost: 0, recipients: [], accepted: new Map() }
    this.#refused = undefined
    this.#objected = undefined
  }

  /** @returns the number of this RCPT within the transaction, from 1. */
  beginRecipient(): number {
    const story = this.#story
    return story === undefined ? 1 : ++story.round
  }

  /** @param ending `ruled`: why it was refused though no entry objected */
  endRecipient(recipient: Recipient, { accepted, ruled, objection }: RecipientEnding): void {
    const story = this.#story
    if (objection !== undefined) this.objected(objection)
    if (story === undefined) return
    const address = formatMailbox(recipient.mailbox)
    if (accepted) story.accepted.set(recipient, story.round)
    if (!accepted && story.recipients.length >= mostRecipients) story.lost += 1
    else if (ruled === undefined) story.recipients.push([address, accepted ? 1 : 0])
    else story.recipients.push([address, 0, ruled])
  }

  /** The place of a round's recipient among those of the transaction. */
  indexOfRound({ recipients }: Transaction): (round: number) => number | undefined {
    const indexes = new Map<number, number>()
    for (const [index, recipient] of recipients.entries()) {
      const round = this.#story?.accepted.get(recipient)
      if (round !== undefined) indexes.set(round, index)
    }
    return (round) => indexes.get(round)
  }

  sawMessage({ message: { sizeBytes }, head, answers }: MessageEvent): void {
    if (this.#story === undefined) return
    this.#story.sizeBytes = sizeBytes
    if (head !== undefined) this.#story.head = head
    this.#story.answers = answers
  }

  scoped(scopes: Scopes): void {
    if (this.#story !== undefined) this.#story.scopes = scopes
  }

  /** Where somebody has thresholds of their own. */
  judgedBy(thresholds: readonly Thresholds[]): void {
    if (this.#story !== undefined) this.#story.thresholds = thresholds
  }

  placed(placements: readonly Placement[]): void {
    if (this.#story !== undefined) this.#story.placements = placements
  }

  /** What is about to be said. */
  objected(objection: Objection): void {
    this.#objected = { stage: this.#parts.inquiry.stage, objection }
  }

  /** A stage said no. A refused MAIL opens no transaction, so it is explained at once. */
  refused(stage: Stage, objection: Objection): void {
    this.#refused = { stage, objection }
    this.objected(objection)
    if (stage !== 'mail' || this.#story === undefined) return
    const id = this.#story.mail.transactionId
    this.#explain({ id, end: 'refused', reply: spoken(stage, objection) })
  }

  transactionEnded(
    transaction: Transaction,
    { end, reply: said, replies, receipt }: TransactionOutcome,
  ): void {
    this.#explain({ id: transaction.id, end, reply: said, replies, queueIds: receipt?.ids })
  }

  /** A session that came to nothing because of us is explained; one that the client gave up is not. */
  sessionEnded(reason: SessionEnd): void {
    const { facts, log } = this.#parts
    log.debug('session.ended', { session: facts.id, reason })
    if (this.#explained || this.#refused === undefined) return
    const { stage, objection } = this.#refused
    this.#explain({ id: facts.id, end: 'refused', reply: spoken(stage, objection) })
  }

  #explain(ending: Ending): void {
    const { writer, log } = this.#parts
    const steps = this.#parts.inquiry.trail.all
    writer.write(this.#recordOf(ending, steps))
    log.info(endEvents[ending.end], this.#logFields(ending, steps))
    this.#explained = true
    this.#story = undefined
    this.#objected = undefined
  }

  #recordOf(
    { id, end, reply: said, replies, queueIds }: Ending,
    all: readonly Step[],
  ): TraceRecord {
    const { inquiry, facts, hostname, refusal } = this.#parts
    const { session, trail, clock } = inquiry
    const story = this.#story
    const { steps, lost } = packSteps(all, this.#startMs, story?.scopes)
    const { hello, user, tls } = session ?? {}
    const missing = lost + trail.lost + (story?.lost ?? 0)
    const record: { -readonly [K in keyof TraceRecord]: TraceRecord[K] } = {
      version: 1,
      id,
      session: facts.id,
      chain: inquiry.generation.id,
      at: facts.startedAt,
      endedAt: clock.now(),
      listener: facts.listener,
      remote: `${facts.remote.address}:${facts.remote.port}`,
      hostname,
      environment: inquiry.environment.source,
      recipients: story?.recipients ?? [],
      stage: inquiry.stage,
      end,
      steps,
    }
    // One by one: a spread for each would cost more than all the rest, for every message.
    if (hello !== undefined) record.hello = hello.name
    if (user !== undefined) record.user = user
    if (tls !== undefined) record.tls = tls.protocol
    if (story !== undefined) record.reversePath = formatPath(story.mail.reversePath)
    if (story?.mail.forwarded !== undefined) record.forwarded = story.mail.forwarded
    if (story?.sizeBytes !== undefined) record.sizeBytes = story.sizeBytes
    if (story?.answers === 'each') record.each = true
    const placements = packPlacements(story?.placements, replies !== undefined)
    if (placements !== undefined) record.placements = placements
    if (story?.thresholds !== undefined) record.thresholds = story.thresholds.map(thresholdsJson)
    if (said !== undefined) record.reply = packReply(said)
    if (replies !== undefined) record.replies = replies.map(packReply)
    if (queueIds !== undefined) record.queueIds = queueIds
    const messageId = story?.head === undefined ? undefined : messageIdOf(story.head)
    if (messageId !== undefined) record.messageId = messageId
    const score = scoreOf(all)
    if (score !== 0) record.score = score
    if (this.#objected !== undefined) record.objection = packObjection(this.#objected, all)
    if (refusal !== undefined) record.ruled = refusal.reason ?? ''
    if (missing !== 0) record.lost = missing
    return record
  }

  #logFields({ id, end, reply: said, replies, queueIds }: Ending, all: readonly Step[]): LogFields {
    const { facts } = this.#parts
    const story = this.#story
    const accepted = story?.recipients.filter(([, yes]) => yes === 1).length
    return {
      session: facts.id,
      transaction: id,
      remote: facts.remote.address,
      reversePath: story === undefined ? undefined : formatPath(story.mail.reversePath),
      forwarded: story?.mail.forwarded,
      recipients: accepted,
      refused: story === undefined ? undefined : story.recipients.length - (accepted ?? 0),
      sizeBytes: story?.sizeBytes,
      code: said?.code,
      status: said?.status,
      codes: replies?.map(({ code }) => code),
      text: end === 'committed' ? undefined : said?.lines[0],
      queueIds,
      steps: tellingSteps(all),
    }
  }
}

function spoken(stage: Stage, { status, text, close }: Objection): Reply {
  return reply(objectionCode({ stage, status, close }), status, text)
}
