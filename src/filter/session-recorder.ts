/**
 * Gathers what one session's explanations need, and writes one for each transaction, or for a
 * connection that was refused before there was one. It watches; nothing depends on it.
 */
import { formatMailbox, formatPath } from '../mail/address.ts'
import { messageIdOf } from '../mail/message-id.ts'
import type { Environment } from '../mail/environment.ts'
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
  MailRefusal,
  MessageEvent,
  SessionEnd,
  TransactionOutcome,
} from '../smtp/policy.ts'
import type { Thresholds } from './decision.ts'
import type { Inquiry } from './inquiry.ts'
import type { Scopes } from './opinions.ts'
import { scoreOf } from './score.ts'
import { hasParameters, sessionFacts, type LoginFacts } from './session-facts.ts'
import type { Objection, Step } from './step.ts'
import {
  packObjection,
  packPlacements,
  packReply,
  packSteps,
  reasonsAmong,
  tellingSteps,
  thresholdsJson,
  type PackedRecipient,
  type TraceEnd,
  type TraceRecord,
} from './trace-record.ts'
import type { TraceWriter } from './trace-writer.ts'

/** RCPTs of one transaction that a record names. */
const mostRecipients = 2000
/** Characters of a name that somebody gave as his. */
const mostOfName = 256

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
  /** So much of a header is kept. */
  readonly headBytes: number
  readonly writer: TraceWriter
  readonly tap: TransactionTap | undefined
  readonly log: Log
}

/** Told of each transaction that is over, or of a connection that was refused; nothing waits for it, and it must not throw. */
export type TransactionTap = (ended: {
  readonly record: TraceRecord
  readonly steps: readonly Step[]
  /** When the session began, by the clock of the steps. */
  readonly sessionStartMs: number
}) => void

/** What is known of a transaction beside its steps. */
interface Story {
  readonly mail: MailEvent
  round: number
  /** RCPTs that were not written down. */
  lost: number
  readonly recipients: PackedRecipient[]
  /** The round in which a recipient was accepted. */
  readonly accepted: Map<Recipient, number>
  /** RCPTs with parameters, by their number. */
  readonly parameters: Map<number, Recipient>
  message?: Pick<MessageEvent, 'message' | 'head'>
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

interface RefusedRecipient {
  readonly transaction: Transaction
  readonly recipient: Recipient
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
  /** The receiver has said no to MAIL. */
  #turnedAway: MailRefusal | undefined
  /** Why it was refused where no entry objected. */
  #ruled: string | undefined
  #login: LoginFacts | undefined
  /** The last one, where nothing came of it. */
  #failedLogin: { readonly login: LoginEnd; readonly objection: Objection } | undefined
  /** Before any login. */
  readonly #environment: Environment

  constructor(parts: RecorderParts) {
    this.#parts = parts
    if (parts.refusal !== undefined) this.#ruled = parts.refusal.reason ?? ''
    this.#environment = parts.inquiry.environment
    this.#startMs = parts.inquiry.clock.monotonicMs()
  }

  /** Whatever was refused before, the client says hello again. */
  beginHello(): void {
    this.#refused = undefined
  }

  /** @param objection what it was refused with */
  loginEnded(login: LoginEnd, objection: Objection | undefined): void {
    const { session, mechanism, user, outcome } = login
    this.#failedLogin = objection === undefined ? undefined : { login, objection }
    const { address } = session.remote
    const fields = { session: session.id, address, mechanism, user: user.slice(0, mostOfName) }
    this.#parts.inquiry.generation.meter.loggedIn({ mechanism, outcome })
    this.#parts.log.info(loginEvents[outcome], fields)
  }

  loggedIn(login: LoginFacts): void {
    this.#login = login
  }

  beginTransaction(mail: MailEvent): void {
    const story = { mail, round: 0, lost: 0, recipients: [] }
    this.#story = { ...story, accepted: new Map(), parameters: new Map() }
    this.#refused = undefined
    this.#objected = undefined
    this.#failedLogin = undefined
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
    if (hasParameters(recipient) && story.parameters.size < mostRecipients) {
      story.parameters.set(story.round, recipient)
    }
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

  sawMessage({ message, head, answers }: MessageEvent): void {
    if (this.#story === undefined) return
    this.#story.message = head === undefined ? { message } : { message, head }
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

  /** What a session came to whose login had failed, that tells: without it nobody takes its mail. */
  mailRefused(refusal: MailRefusal): void {
    if (refusal.reason === 'LOGIN_FIRST' && this.#failedLogin !== undefined) return
    this.#turnedAway = refusal
    this.#objected = undefined
    this.#explain({ id: refusal.transactionId, end: 'refused', reply: refusal.reply })
    this.#turnedAway = undefined
  }

  /** One RCPT was answered with a no. */
  recipientRefused({ transaction: { id }, recipient }: RefusedRecipient, why: Objection): void {
    const { code, status, lines } = spoken('rcpt', why)
    const { facts, log } = this.#parts
    log.info('rcpt.refused', {
      session: facts.id,
      transaction: id,
      remote: facts.remote.address,
      recipient: formatMailbox(recipient.mailbox),
      code,
      status,
      text: lines[0],
      reason: why.reason,
    })
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
    if (this.#explained) return
    if (this.#refused === undefined) this.#speakOfLogin()
    if (this.#refused === undefined) return
    const { stage, objection } = this.#refused
    this.#explain({ id: facts.id, end: 'refused', reply: spoken(stage, objection) })
  }

  /** Of several logins that failed the last one is what the session came to. */
  #speakOfLogin(): void {
    if (this.#failedLogin === undefined) return
    const { login, objection } = this.#failedLogin
    const { inquiry } = this.#parts
    inquiry.begin('auth', login.session)
    const step = inquiry.trail.all.findLast(({ verdict }) => verdict === objection)
    if (step === undefined) this.#ruled = objection.reason
    else inquiry.note('spoken', step)
    this.refused('auth', objection)
  }

  #explain(ending: Ending): void {
    const { writer, log, inquiry, facts } = this.#parts
    const steps = inquiry.trail.all
    inquiry.generation.meter.ended(facts.listener, ending.end)
    const record = this.#recordOf(ending, steps)
    writer.write(record)
    this.#parts.tap?.({ record, steps, sessionStartMs: this.#startMs })
    const isSession = ending.id === facts.id
    const event = isSession ? 'session.refused' : endEvents[ending.end]
    log.info(event, this.#logFields(ending, steps))
    this.#explained = true
    this.#story = undefined
    this.#objected = undefined
  }

  #recordOf(
    { id, end, reply: said, replies, queueIds }: Ending,
    all: readonly Step[],
  ): TraceRecord {
    const { inquiry, facts, hostname } = this.#parts
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
    const failed = story === undefined ? this.#failedLogin : undefined
    if (failed !== undefined) record.failedLogin = failed.login.user.slice(0, mostOfName)
    if (tls !== undefined) record.tls = tls.protocol
    if (story !== undefined) record.reversePath = formatPath(story.mail.reversePath)
    if (this.#turnedAway !== undefined) {
      record.reversePath = this.#turnedAway.reversePath.slice(0, mostOfName)
      record.receiver = this.#turnedAway.reason
    }
    if (story?.mail.forwarded !== undefined) record.forwarded = story.mail.forwarded
    if (story?.message !== undefined) record.sizeBytes = story.message.message.sizeBytes
    if (story?.answers === 'each') record.each = true
    const placements = packPlacements(story?.placements, replies !== undefined)
    if (placements !== undefined) record.placements = placements
    if (story?.thresholds !== undefined) record.thresholds = story.thresholds.map(thresholdsJson)
    if (said !== undefined) record.reply = packReply(said)
    if (replies !== undefined) record.replies = replies.map(packReply)
    if (queueIds !== undefined) record.queueIds = queueIds
    const head = story?.message?.head
    const messageId = head === undefined ? undefined : messageIdOf(head)
    if (messageId !== undefined) record.messageId = messageId
    const reasons = reasonsAmong(all)
    if (reasons.length > 0) record.reasons = reasons
    const score = scoreOf(all)
    if (score !== 0) record.score = score
    if (this.#objected !== undefined) record.objection = packObjection(this.#objected, all)
    if (this.#ruled !== undefined) record.ruled = this.#ruled
    if (missing !== 0) record.lost = missing
    record.facts = sessionFacts({
      facts,
      session,
      environment: this.#environment,
      login: this.#login,
      mail: story?.mail,
      recipients: story?.parameters,
      message: story?.message,
      headBytes: this.#parts.headBytes,
    })
    return record
  }

  #logFields({ id, end, reply: said, replies, queueIds }: Ending, all: readonly Step[]): LogFields {
    const { facts } = this.#parts
    const story = this.#story
    const accepted = story?.recipients.filter(([, yes]) => yes === 1).length
    return {
      session: facts.id,
      transaction: id === facts.id ? undefined : id,
      remote: facts.remote.address,
      reversePath: story === undefined ? undefined : formatPath(story.mail.reversePath),
      user: story === undefined ? this.#failedLogin?.login.user.slice(0, mostOfName) : undefined,
      forwarded: story?.mail.forwarded,
      recipients: accepted,
      refused: story === undefined ? undefined : story.recipients.length - (accepted ?? 0),
      sizeBytes: story?.message?.message.sizeBytes,
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
