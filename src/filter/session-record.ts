/** What a session came to, as it is stored and as a line of the log. */
import { formatPath } from '../mail/address.ts'
import type { Environment } from '../mail/environment.ts'
import type { Recipient } from '../mail/envelope.ts'
import { messageIdOf } from '../mail/message-id.ts'
import type { Reply } from '../mail/reply.ts'
import type { Stage } from '../mail/status.ts'
import type { LoginEnd } from '../plugin/plugin.ts'
import type { Placement } from '../queue/queue.ts'
import type { LogFields } from '../runtime/log.ts'
import type { ConnectionFacts, MailEvent, MailRefusal, MessageEvent } from '../smtp/policy.ts'
import type { Thresholds } from './decision.ts'
import type { Inquiry } from './inquiry.ts'
import type { Scopes } from './opinions.ts'
import { packSteps } from './pack-steps.ts'
import { scoreOf } from './score.ts'
import { sessionFacts, type LoginFacts } from './session-facts.ts'
import type { Objection, Step } from './step.ts'
import {
  packObjection,
  packPlacements,
  packReply,
  reasonsAmong,
  shadowsAmong,
  tellingSteps,
  thresholdsJson,
  type PackedRecipient,
  type TraceEnd,
  type TraceHead,
  type TraceRecord,
} from './trace-record.ts'

/** Characters of a name that somebody gave as his. */
export const mostOfName = 256

/** What is known of a transaction beside its steps. */
export interface Story {
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

/** What is known of a session beside its steps. */
export interface KnownOfSession {
  readonly inquiry: Inquiry
  readonly facts: ConnectionFacts
  readonly hostname: string
  /** So much of a header is kept. */
  readonly headBytes: number
  /** When it began, by the clock of the steps. */
  readonly startMs: number
  /** Before any login. */
  readonly environment: Environment
  /** Of the transaction that is under way. */
  story: Story | undefined
  /** What was said no with last, if only to one recipient. */
  objected: { readonly stage: Stage; readonly objection: Objection } | undefined
  /** Why it was refused where no entry objected. */
  ruled: string | undefined
  /** The receiver has said no to MAIL. */
  turnedAway: MailRefusal | undefined
  login: LoginFacts | undefined
  /** The last one, where nothing came of it. */
  failedLogin: { readonly login: LoginEnd; readonly objection: Objection } | undefined
}

/** How a transaction ended, or a session before there was one. */
export interface Ending {
  readonly id: string
  readonly end: TraceEnd
  readonly reply: Reply | undefined
  readonly replies?: readonly Reply[] | undefined
  readonly queueIds?: readonly string[] | undefined
}

/** As it is stored. */
export function recordOf(
  known: KnownOfSession,
  { id, end, reply: said, replies, queueIds }: Ending,
  all: readonly Step[],
): TraceRecord {
  const { inquiry, facts, hostname } = known
  const { session, trail, clock } = inquiry
  const story = known.story
  const { json: steps, lost } = packSteps(all, known.startMs, story?.scopes)
  const { hello, user, tls } = session ?? {}
  const missing = lost + trail.lost + (story?.lost ?? 0)
  const head: { -readonly [K in keyof TraceHead]: TraceHead[K] } = {
    version: 2,
    id,
    session: facts.id,
    chain: inquiry.generation.id,
    listener: facts.listener,
    remote: `${facts.remote.address}:${facts.remote.port}`,
    hostname,
    environment: inquiry.environment.source,
    recipients: story?.recipients ?? [],
    stage: inquiry.stage,
    end,
  }
  // One by one: a spread for each would cost more than all the rest, for every message.
  if (hello !== undefined) head.hello = hello.name
  if (user !== undefined) head.user = user
  const failed = story === undefined ? known.failedLogin : undefined
  if (failed !== undefined) head.failedLogin = failed.login.user.slice(0, mostOfName)
  if (tls !== undefined) head.tls = tls.protocol
  if (story !== undefined) head.reversePath = formatPath(story.mail.reversePath)
  if (known.turnedAway !== undefined) {
    head.reversePath = known.turnedAway.reversePath.slice(0, mostOfName)
    head.receiver = known.turnedAway.reason
  }
  if (story?.mail.forwarded !== undefined) head.forwarded = story.mail.forwarded
  if (story?.message !== undefined) head.sizeBytes = story.message.message.sizeBytes
  if (story?.answers === 'each') head.each = true
  const placements = packPlacements(story?.placements, replies !== undefined)
  if (placements !== undefined) head.placements = placements
  if (story?.thresholds !== undefined) head.thresholds = story.thresholds.map(thresholdsJson)
  if (said !== undefined) head.reply = packReply(said)
  if (replies !== undefined) head.replies = replies.map(packReply)
  if (queueIds !== undefined) head.queueIds = queueIds
  const received = story?.message?.head
  const messageId = received === undefined ? undefined : messageIdOf(received)
  if (messageId !== undefined) head.messageId = messageId
  const reasons = reasonsAmong(all)
  if (reasons.length > 0) head.reasons = reasons
  const score = scoreOf(all)
  if (score !== 0) head.score = score
  if (known.objected !== undefined) head.objection = packObjection(known.objected, all)
  if (known.ruled !== undefined) head.ruled = known.ruled
  if (missing !== 0) head.lost = missing
  if (inquiry.generation.hasShadows) {
    const shadows = shadowsAmong(all, head)
    if (shadows.length > 0) head.shadows = shadows
  }
  const told = sessionFacts({
    facts,
    session,
    environment: known.environment,
    login: known.login,
    mail: story?.mail,
    recipients: story?.parameters,
    message: story?.message,
    headBytes: known.headBytes,
  })
  const times = { at: facts.startedAt, endedAt: clock.now() }
  return { head, times, detail: { steps, facts: told } }
}

/** As a line of the log. */
export function logFieldsOf(
  known: KnownOfSession,
  { id, end, reply: said, replies, queueIds }: Ending,
  all: readonly Step[],
): LogFields {
  const { facts } = known
  const story = known.story
  const accepted = story?.recipients.filter(([, yes]) => yes === 1).length
  return {
    session: facts.id,
    transaction: id === facts.id ? undefined : id,
    remote: facts.remote.address,
    reversePath: story === undefined ? undefined : formatPath(story.mail.reversePath),
    user: story === undefined ? known.failedLogin?.login.user.slice(0, mostOfName) : undefined,
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
