/**
 * Gathers what one session's explanations need, and writes one for each transaction, or for a
 * connection that was refused before there was one. It watches; nothing depends on it.
 */
import { formatMailbox } from '../mail/address.ts'
import type { Recipient } from '../mail/envelope.ts'
import { reply, type Reply } from '../mail/reply.ts'
import type { Transaction } from '../mail/session.ts'
import { objectionCode, type Stage } from '../mail/status.ts'
import type { Placement } from '../queue/queue.ts'
import type { LoginEnd } from '../plugin/plugin.ts'
import type { Log } from '../runtime/log.ts'
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
import { SessionJson } from './record-json.ts'
import { hasParameters, type LoginFacts } from './session-facts.ts'
import {
  logFieldsOf,
  mostOfName,
  recordOf,
  type Ending,
  type KnownOfSession,
} from './session-record.ts'
import type { Objection, Step } from './step.ts'
import type { TraceEnd, TraceHead, TraceTimes } from './trace-record.ts'
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
  /** So much of a header is kept. */
  readonly headBytes: number
  readonly writer: TraceWriter
  readonly tap: TransactionTap | undefined
  readonly log: Log
}

/** Told of each transaction that is over, or of a connection that was refused; nothing waits for it, and it must not throw. */
export type TransactionTap = (ended: {
  readonly record: TraceHead
  readonly times: TraceTimes
  readonly steps: readonly Step[]
  /** When the session began, by the clock of the steps. */
  readonly sessionStartMs: number
}) => void

interface RecipientEnding {
  readonly accepted: boolean
  readonly ruled?: string | undefined
  readonly objection?: Objection | undefined
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
  readonly #known: KnownOfSession
  #refused: { readonly stage: Stage; readonly objection: Objection } | undefined
  #explained = false
  readonly #json = new SessionJson()

  constructor(parts: RecorderParts) {
    this.#parts = parts
    const { inquiry, facts, hostname, headBytes, refusal } = parts
    this.#known = {
      inquiry,
      facts,
      hostname,
      headBytes,
      startMs: inquiry.clock.monotonicMs(),
      environment: inquiry.environment,
      story: undefined,
      objected: undefined,
      ruled: refusal === undefined ? undefined : (refusal.reason ?? ''),
      turnedAway: undefined,
      login: undefined,
      failedLogin: undefined,
    }
  }

  /** Whatever was refused before, the client says hello again. */
  beginHello(): void {
    this.#refused = undefined
  }

  /** @param objection what it was refused with */
  loginEnded(login: LoginEnd, objection: Objection | undefined): void {
    const { session, mechanism, user, outcome } = login
    this.#known.failedLogin = objection === undefined ? undefined : { login, objection }
    const { address } = session.remote
    const fields = { session: session.id, address, mechanism, user: user.slice(0, mostOfName) }
    this.#parts.inquiry.generation.meter.loggedIn({ mechanism, outcome })
    this.#parts.log.info(loginEvents[outcome], fields)
  }

  loggedIn(login: LoginFacts): void {
    this.#known.login = login
  }

  beginTransaction(mail: MailEvent): void {
    const story = { mail, round: 0, lost: 0, recipients: [] }
    this.#known.story = { ...story, accepted: new Map(), parameters: new Map() }
    this.#refused = undefined
    this.#known.objected = undefined
    this.#known.failedLogin = undefined
  }

  /** @returns the number of this RCPT within the transaction, from 1. */
  beginRecipient(): number {
    const story = this.#known.story
    return story === undefined ? 1 : ++story.round
  }

  /** @param ending `ruled`: why it was refused though no entry objected */
  endRecipient(recipient: Recipient, { accepted, ruled, objection }: RecipientEnding): void {
    const story = this.#known.story
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
      const round = this.#known.story?.accepted.get(recipient)
      if (round !== undefined) indexes.set(round, index)
    }
    return (round) => indexes.get(round)
  }

  sawMessage({ message, head, answers }: MessageEvent): void {
    if (this.#known.story === undefined) return
    this.#known.story.message = head === undefined ? { message } : { message, head }
    this.#known.story.answers = answers
  }

  scoped(scopes: Scopes): void {
    if (this.#known.story !== undefined) this.#known.story.scopes = scopes
  }

  /** Where somebody has thresholds of their own. */
  judgedBy(thresholds: readonly Thresholds[]): void {
    if (this.#known.story !== undefined) this.#known.story.thresholds = thresholds
  }

  placed(placements: readonly Placement[]): void {
    if (this.#known.story !== undefined) this.#known.story.placements = placements
  }

  /** What is about to be said. */
  objected(objection: Objection): void {
    this.#known.objected = { stage: this.#parts.inquiry.stage, objection }
  }

  /** A stage said no. A refused MAIL opens no transaction, so it is explained at once. */
  refused(stage: Stage, objection: Objection): void {
    this.#refused = { stage, objection }
    this.objected(objection)
    if (stage !== 'mail' || this.#known.story === undefined) return
    const id = this.#known.story.mail.transactionId
    this.#explain({ id, end: 'refused', reply: spoken(stage, objection) })
  }

  /** What a session came to whose login had failed, that tells: without it nobody takes its mail. */
  mailRefused(refusal: MailRefusal): void {
    if (refusal.reason === 'LOGIN_FIRST' && this.#known.failedLogin !== undefined) return
    this.#known.turnedAway = refusal
    this.#known.objected = undefined
    this.#explain({ id: refusal.transactionId, end: 'refused', reply: refusal.reply })
    this.#known.turnedAway = undefined
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
    if (this.#known.failedLogin === undefined) return
    const { login, objection } = this.#known.failedLogin
    const { inquiry } = this.#parts
    inquiry.begin('auth', login.session)
    const step = inquiry.trail.all.findLast(({ verdict }) => verdict === objection)
    if (step === undefined) this.#known.ruled = objection.reason
    else inquiry.note('spoken', step)
    this.refused('auth', objection)
  }

  #explain(ending: Ending): void {
    const { writer, log, inquiry, facts } = this.#parts
    const steps = inquiry.trail.all
    inquiry.generation.meter.ended(facts.listener, ending.end)
    const record = recordOf(this.#known, ending, steps)
    writer.write(record, this.#json)
    const { head, times } = record
    this.#parts.tap?.({ record: head, times, steps, sessionStartMs: this.#known.startMs })
    const isSession = ending.id === facts.id
    const event = isSession ? 'session.refused' : endEvents[ending.end]
    log.info(event, logFieldsOf(this.#known, ending, steps))
    this.#explained = true
    this.#known.story = undefined
    this.#known.objected = undefined
  }
}

function spoken(stage: Stage, { status, text, close }: Objection): Reply {
  return reply(objectionCode({ stage, status, close }), status, text)
}
