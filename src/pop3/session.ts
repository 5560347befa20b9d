/**
 * One POP3 session (RFC 1939): a command in, an answer out, no socket. Who it is, is asked of the same back ends as AUTH.
 * Guessing is slow: each login that fails keeps the client waiting twice as long, and a session has so many.
 */
import { isPosternError, PosternError } from '../mail/errors.ts'
import type { Session, TlsState } from '../mail/session.ts'
import type { ConnectionFacts, LoginEvidence, SessionEnd, SessionPolicy } from '../smtp/policy.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import { parseCommand } from './command.ts'
import type { Dialogue, Verb } from './dialogue.ts'
import { answerSasl, apop, auth, pass, stls, user } from './login-verbs.ts'
import { capabilities, dele, last, list, noop, retr, rset, stat, top, uidl } from './mail-verbs.ts'
import type { Mailboxes, MailboxPlace, TheirMailbox } from './mailboxes.ts'
import { Maildrop, type DropMessage, type MaildropDoors } from './maildrop.ts'
import * as replies from './replies.ts'
import type { Answer } from './replies.ts'

export interface PopSessionParts {
  readonly facts: ConnectionFacts
  readonly policy: SessionPolicy
  readonly mailboxes: Mailboxes
  readonly doors: MaildropDoors & { readonly clock: Clock; readonly log: Log }
  readonly canStartTls: boolean
  /** Of the greeting, such as nobody else was greeted with. */
  readonly timestamp: string
}

const firstPauseMs = 1_000
const longestPauseMs = 8_000
/** Of somebody who has not logged in. */
const loginTimeoutMs = 180_000
/** A process of the user's may take so long to open the Maildir. */
const theirsTimeoutMs = 60_000
/** RFC 1939 §3: at least ten minutes. */
const idleTimeoutMs = 600_000

const quit: Verb = {
  state: 'any',
  async run({ drop, deleted }) {
    const whole = (await drop?.update(deleted)) ?? true
    return replies.farewell(whole ? replies.ok : replies.notAllDeleted)
  },
}

/** RFC 2449. */
const capa: Verb = {
  state: 'any',
  run({ session, canStartTls, mayLogIn, drop }) {
    const mayAsk = mayLogIn === 'yes' || drop !== undefined
    return replies.listing([
      ...capabilities,
      ...(mayAsk ? ['USER', 'SASL PLAIN'] : []),
      ...(canStartTls && session.tls === undefined ? ['STLS'] : []),
      'EXPIRE NEVER',
      'IMPLEMENTATION Postern',
    ])
  },
}

const verbs: ReadonlyMap<string, Verb> = new Map([
  ['USER', user],
  ['PASS', pass],
  ['APOP', apop],
  ['AUTH', auth],
  ['STLS', stls],
  ['CAPA', capa],
  ['STAT', stat],
  ['LIST', list],
  ['UIDL', uidl],
  ['RETR', retr],
  ['TOP', top],
  ['DELE', dele],
  ['RSET', rset],
  ['LAST', last],
  ['NOOP', noop],
  ['QUIT', quit],
])

export class PopSession implements Dialogue {
  readonly policy: SessionPolicy
  readonly canStartTls: boolean
  userName: string | undefined
  inSasl = false
  drop: Maildrop | undefined
  readonly deleted = new Set<DropMessage>()
  readonly #parts: PopSessionParts
  #session: Session
  /** Ends the process that serves somebody else's Maildir. */
  #theirs: AbortController | undefined
  #failedLogins = 0
  #errors = 0
  #ended = false

  constructor(parts: PopSessionParts) {
    this.#parts = parts
    this.policy = parts.policy
    this.canStartTls = parts.canStartTls
    const { id, startedAt, listener, remote, local, remoteName, tls } = parts.facts
    this.#session = {
      id,
      startedAt,
      listener,
      protocol: 'pop3',
      remote,
      local,
      hostname: parts.policy.settings.hostname,
      environment: parts.policy.environment,
      ...(remoteName === undefined ? {} : { remoteName }),
      ...(tls === undefined ? {} : { tls }),
    }
  }

  get session(): Session {
    return this.#session
  }

  /** How long the next command may take to come. */
  get timeoutMs(): number {
    return this.drop === undefined ? loginTimeoutMs : idleTimeoutMs
  }

  get mayLogIn(): Dialogue['mayLogIn'] {
    const { mechanisms, authWithoutTls } = this.policy.settings
    if (!mechanisms.includes('PLAIN')) return 'no'
    return this.#session.tls !== undefined || authWithoutTls ? 'yes' : 'after STLS'
  }

  /** What APOP is answered with; `undefined`: it is not offered. */
  get timestamp(): string | undefined {
    return this.policy.settings.apop ? this.#parts.timestamp : undefined
  }

  /** The timestamp in it offers APOP (RFC 1939 §7). */
  greeting(): Answer {
    const { timestamp } = this
    const offer = timestamp === undefined ? '' : ` ${timestamp}`
    return replies.okWith(`${this.#session.hostname} POP3 ready${offer}`)
  }

  /** @param line without its end */
  async command(line: string): Promise<Answer> {
    if (this.inSasl) return answerSasl(this, line)
    const { verb: name, rest } = parseCommand(line)
    const verb = verbs.get(name)
    const inTransaction = this.drop !== undefined
    const fits = verb?.state === 'any' || (verb?.state === 'transaction') === inTransaction
    if (verb === undefined || !fits) {
      return this.#mistaken(inTransaction ? replies.unimplemented : replies.authorizationFirst)
    }
    const answer = await verb.run(this, rest)
    return answer === replies.syntaxError ? this.#mistaken(answer) : answer
  }

  tooLong(): Answer {
    return this.#mistaken(replies.syntaxError)
  }

  tlsStarted(tls: TlsState): void {
    // Whatever was said before it may have been somebody else's word.
    this.userName = undefined
    this.#session = { ...this.#session, tls }
  }

  /** Called at least once. Without QUIT nothing is deleted, and nothing moves. */
  end(reason: SessionEnd): void {
    if (this.#ended) return
    this.#ended = true
    this.policy.sessionEnded(reason)
    if (this.#theirs !== undefined) {
      this.#theirs.abort()
      return this.#parts.doors.log.info('pop3.closed', { session: this.#session.id, reason })
    }
    if (this.drop === undefined) return
    const deleted = reason === 'quit' ? this.deleted.size : 0
    this.#parts.doors.log.info('pop3.closed', { session: this.#session.id, reason, deleted })
  }

  async logIn(name: string, evidence: LoginEvidence): Promise<Answer> {
    const ruling = await this.policy.auth({ session: this.#session, user: name, ...evidence })
    if (ruling.ruling === 'defer') return replies.tryLater
    if (ruling.ruling === 'reject') return this.#refused()
    const { user: known } = ruling
    const { log } = this.#parts.doors
    try {
      const place = await this.#parts.mailboxes.find(known)
      if (place !== undefined && 'talk' in place) return await this.#handOver(known, place)
      const drop = await this.#open(place)
      if (drop === undefined) return replies.noMaildir
      this.drop = drop
      this.#session = { ...this.#session, user: known, environment: this.policy.environment }
      log.info('pop3.opened', { session: this.#session.id, messages: drop.messages.length })
      return replies.ok
    } catch (error) {
      if (!isPosternError(error)) throw error
      // A client that is gone has called it off.
      if (this.#ended) return replies.tryLater
      log.error('pop3.maildir-failed', { session: this.#session.id, error: error.message })
      return replies.maildirUnreadable
    }
  }

  /** From here on the client talks with a process of the user's. @throws PosternError where there is none */
  async #handOver(user: string, { talk: begin }: TheirMailbox): Promise<Answer> {
    const theirs = new AbortController()
    if (this.#ended) theirs.abort()
    // From now on: a client that is gone before the first answer leaves no process behind.
    this.#theirs = theirs
    const talk = begin(theirs.signal)
    const answers = talk.answers[Symbol.asyncIterator]()
    const first = await this.#firstOf(answers, theirs)
    this.#session = { ...this.#session, user, environment: this.policy.environment }
    this.#parts.doors.log.info('pop3.opened', { session: this.#session.id, theirs: true })
    return { text: '', body: from(first.value, answers), hears: talk, next: 'end' }
  }

  /** @throws PosternError where there is none, or not in time */
  async #firstOf(
    answers: AsyncIterator<Uint8Array>,
    theirs: AbortController,
  ): Promise<IteratorYieldResult<Uint8Array>> {
    const late = this.#parts.doors.clock.after(theirsTimeoutMs, () => theirs.abort())
    try {
      const first = await answers.next()
      if (first.done !== true) return first
      throw new PosternError('PROGRAM_FAILED', 'it ended without a word')
    } catch (error) {
      this.#theirs = undefined
      theirs.abort()
      throw error
    } finally {
      late.cancel()
    }
  }

  async #open(
    place: Exclude<MailboxPlace, TheirMailbox> | undefined,
  ): Promise<Maildrop | undefined> {
    const { doors } = this.#parts
    if (place === undefined) return undefined
    try {
      return await Maildrop.open(place.path, doors)
    } catch (error) {
      if (!isPosternError(error, 'NOT_FOUND')) throw error
      return place.comesWithMail ? Maildrop.empty(place.path, doors) : undefined
    }
  }

  async #refused(): Promise<Answer> {
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** this.#failedLogins++)
    await new Promise<void>((resolve) => void this.#parts.doors.clock.after(pauseMs, resolve))
    const { maxFailedLogins } = this.policy.settings
    return this.#failedLogins < maxFailedLogins
      ? replies.authorizationFailed
      : replies.farewell(replies.authorizationFailed)
  }

  #mistaken(answer: Answer): Answer {
    return ++this.#errors < this.policy.settings.maxErrors
      ? answer
      : replies.farewell(replies.tooManyErrors)
  }
}

async function* from(
  first: Uint8Array,
  more: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield first
  for (let next = await more.next(); next.done !== true; next = await more.next()) yield next.value
}
