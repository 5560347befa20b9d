/**
 * One SMTP dialogue, without its connection: lines and bytes in, replies out. Knows what may come when (RFC 5321 §4.1.4),
 * asks the policy and speaks what it rules; knows neither sockets nor plugins. An answer that is there at once is
 * replied to at once, without a promise. A policy that throws is a bug, not an answer: 451, and the session goes on.
 */
import { after, type MaybePromise } from '../mail/maybe-promise.ts'
import { formatAnswer, type Answer, type Reply } from '../mail/reply.ts'
import type { TlsState } from '../mail/session.ts'
import type { Queue } from '../queue/queue.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { Random } from '../runtime/random.ts'
import { toAll } from './answers.ts'
import { ClientSilence } from './client-silence.ts'
import { claimedFacts } from './claimed-facts.ts'
import { parseLine } from './command.ts'
import { Dialogue, type Expects } from './dialogue.ts'
import type { SpoiltLine } from './line-reader.ts'
import { newSession } from './new-session.ts'
import { outOfOrder } from './order.ts'
import type { ConnectionFacts, Policy, ReceiverSettings, SessionEnd } from './policy.ts'
import type { QueueFlush } from './queue-flush.ts'
import * as replies from './replies.ts'
import { authLineBytes, continueLogin } from './verbs/auth.ts'
import { introduce } from './verbs/hello.ts'
import { knownElsewhere, otherProtocols, verbs } from './verbs/table.ts'
import type { ClaimedClient } from './xclient.ts'

export interface ReceiverParts {
  readonly facts: ConnectionFacts
  readonly policy: Policy
  readonly queue: Pick<Queue, 'begin'>
  readonly clock: Clock
  readonly log: Log
  readonly random: Random
  /** There is a certificate for STARTTLS. */
  readonly canStartTls: boolean
  /** For ETRN. */
  readonly queueFlush?: QueueFlush | undefined
}

/** What became of a chunk while a message was expected. */
export interface Taken {
  /** Bytes that were the message's. */
  readonly used: number
  /** What is said of the message; `undefined`, now or later: more bytes are wanted. */
  readonly answer: MaybePromise<Answer | undefined>
}

/** One session as its connection knows it, whatever is spoken in it. */
export interface SessionReceiver extends Pick<
  Receiver,
  | 'expects'
  | 'settings'
  | 'inLogin'
  | 'inTransaction'
  | 'isCommitting'
  | 'farewell'
  | 'spoken'
  | 'spoke'
  | 'line'
  | 'spoiltLine'
  | 'message'
  | 'tlsStarted'
  | 'end'
> {
  /** What is said first; `undefined`, now or later: nothing. */
  greet(): MaybePromise<Answer | undefined>
}

/** Whatever verb it is for, a line is never longer: only AUTH needs as much. */
export const maxLineBytes = authLineBytes

export class Receiver {
  readonly #parts: ReceiverParts
  #silence: ClientSilence
  #dialogue: Dialogue
  /** How often the client became another one. */
  #replaced = 0

  /** @throws whatever `Policy.open` throws */
  constructor(parts: ReceiverParts) {
    this.#parts = parts
    this.#silence = new ClientSilence(parts.clock)
    this.#dialogue = this.#begin(parts.facts)
  }

  /** @throws whatever `Policy.open` throws */
  #begin(facts: ConnectionFacts, claimed?: ClaimedClient): Dialogue {
    const { policy, queue, clock, log, random, canStartTls, queueFlush } = this.#parts
    const sessionPolicy = policy.open(facts)
    return new Dialogue({
      session: newSession(facts, sessionPolicy),
      policy: sessionPolicy,
      queue,
      clock,
      log,
      random,
      canStartTls,
      peer: this.#parts.facts.remote.address,
      claimed,
      queueFlush,
    })
  }

  get expects(): Expects {
    return this.#dialogue.expects
  }

  get settings(): ReceiverSettings {
    return this.#dialogue.settings
  }

  /** The next line answers a challenge: it is a secret. */
  get inLogin(): boolean {
    return this.#dialogue.login !== undefined
  }

  /** A transaction is open: not a moment to be sent away. */
  get inTransaction(): boolean {
    return this.#dialogue.transaction !== undefined
  }

  /** What is answered next is what came of a commit. */
  get isCommitting(): boolean {
    return this.#dialogue.isCommitting
  }

  /** The client has said its last word. */
  get farewell(): boolean {
    return this.#dialogue.ending === 'quit'
  }

  /** An answer as it goes on the wire; with enhanced status codes where such are offered (RFC 2034). */
  spoken(answer: Answer): string {
    if (!this.settings.extensionsOff.includes('ENHANCEDSTATUSCODES')) return formatAnswer(answer)
    const replies = 'code' in answer ? [answer] : answer
    return formatAnswer(replies.map(({ code, lines }) => ({ code, lines })))
  }

  /** The client has sent something, wanted or not. */
  spoke(): void {
    this.#silence.spoke()
  }

  /** The first reply of the session. */
  greet(): MaybePromise<Answer> {
    return this.#guard(() => {
      const { session, policy, settings } = this.#dialogue
      const silence = this.#silence
      return this.#dialogue.consult(policy.connect({ session, silence }), (ruling) => {
        silence.end()
        if (ruling.ruling === 'pass') return replies.greeting(settings.greeting)
        return this.#dialogue.refuse('connect', { ...ruling, close: true })
      })
    })
  }

  /**
   * @param line latin1, without its CR LF
   * @returns `undefined` where the reply comes when what follows the line is read (RFC 3030 §2)
   */
  line(line: string): MaybePromise<Answer | undefined> {
    const answer = this.#guard(() => this.#dispatch(line))
    return answer instanceof Promise ? answer.then(this.#heard) : this.#heard(answer)
  }

  /** The reply to a line that is none; the rest of it is not heard. */
  spoiltLine({ spoilt }: SpoiltLine): MaybePromise<Answer> {
    if (spoilt === 'bare line end') return this.#heard(replies.bareLineEnd)
    const inLogin = this.#dialogue.login !== undefined
    this.#dialogue.login = undefined
    return this.#heard(inLogin ? replies.loginLineTooLong : replies.lineTooLong)
  }

  /** Bytes of the message, or of the chunk, that is expected. */
  message(chunk: Buffer): Taken {
    const { incoming } = this.#dialogue
    if (incoming === undefined) throw new Error('bytes of a message that nobody expects')
    const { used, pressure } = incoming.take(chunk)
    if (!incoming.complete) return { used, answer: pressure?.then(() => undefined) }
    this.#dialogue.incoming = undefined
    this.#dialogue.expects = 'line'
    const finish = (): MaybePromise<Answer> => this.#guard(() => incoming.finish())
    return { used, answer: this.#dialogue.consult(pressure, finish) }
  }

  /** The handshake is done: the session begins anew, but for the greeting (RFC 3207 §4.2). */
  tlsStarted(state: TlsState): void {
    const { session } = this.#dialogue
    delete session.hello
    session.tls = state
    this.#dialogue.expects = 'line'
  }

  /** The session ends from outside, whatever is going on; only the first end counts. */
  end(reason: SessionEnd): void {
    this.#dialogue.end(reason)
  }

  #dispatch(line: string): MaybePromise<Answer | undefined> {
    const dialogue = this.#dialogue
    if (dialogue.login !== undefined) return continueLogin(dialogue, dialogue.login, line)
    const parsed = parseLine(line)
    if (!parsed.ok) return parsed.reply
    const { verb: name, rest } = parsed.value
    const verb = verbs.get(name)
    if (verb === undefined) return this.#unknown(name)
    if (line.length + 2 > verb.maxLineBytes) return replies.lineTooLong
    if (verb.idles === true && dialogue.idlesTooLong())
      return replies.tooMuchIdling(dialogue.settings.hostname)
    const early = outOfOrder(verb.needs, dialogue)
    if (early !== undefined) return verb.tooEarly?.(dialogue, rest, early) ?? early
    const reply = verb.run(dialogue, rest)
    return dialogue.expects === 'another client' ? this.#replace(dialogue.claimed ?? {}) : reply
  }

  /** The peer speaks for somebody else now: another session, with another id, asked about from the beginning. */
  #replace(claimed: ClaimedClient): MaybePromise<Answer> {
    const before = this.#dialogue
    const { facts, log } = this.#parts
    const own = { ...facts, id: `${facts.id}x${++this.#replaced}` }
    before.end('replaced')
    const next = claimedFacts(own, claimed, before.session.tls)
    this.#dialogue = this.#begin(next, claimed)
    // The proxy has greeted it long ago.
    this.#silence = new ClientSilence(this.#parts.clock)
    this.#silence.end()
    log.info('session.replaced', { session: before.session.id, by: next.id, ...claimed })
    const { hello: name, protocol } = claimed
    if (name === undefined || name === null) return this.greet()
    const usual = protocol === 'SMTP' ? 'HELO' : 'EHLO'
    const verb = this.settings.protocol === 'lmtp' ? 'LHLO' : usual
    return after(this.greet(), (greeting) => {
      if (this.#dialogue.over) return greeting
      const introduced = introduce(this.#dialogue, { verb, name })
      return after(introduced, (reply) => (reply.code === 250 ? greeting : reply))
    })
  }

  #unknown(name: string): Reply {
    if (otherProtocols.has(name)) {
      this.#dialogue.end('errors')
      return replies.notThisProtocol(this.settings.hostname)
    }
    return knownElsewhere.has(name) ? replies.notImplemented : replies.unknownCommand
  }

  /** What is said of a message is no mistake of the client's. */
  readonly #heard = <A extends Answer | undefined>(answer: A): MaybePromise<A | Reply> => {
    if (answer === undefined || !('code' in answer)) return answer
    const reply = this.#count(answer)
    return reply.code < 400 ? reply : this.#dialogue.keepBack(reply)
  }

  /** Sends the client away with the last mistake that is borne. What else is refused has brought no message nearer. */
  #count(reply: Reply): Reply {
    const dialogue = this.#dialogue
    if (reply.code < 400 || dialogue.over) return reply
    const { hostname, maxErrors } = dialogue.settings
    if (!replies.isMistake(reply))
      return dialogue.idlesTooLong() ? replies.tooMuchIdling(hostname) : reply
    if (++dialogue.mistakes < maxErrors) return reply
    dialogue.end('errors')
    return replies.tooManyMistakes(hostname)
  }

  #guard<A extends Answer | undefined>(work: () => MaybePromise<A>): MaybePromise<A | Answer> {
    try {
      const answer = work()
      return answer instanceof Promise ? answer.catch(this.#failed) : answer
    } catch (error) {
      return this.#failed(error)
    }
  }

  readonly #failed = (error: unknown): Answer => {
    const dialogue = this.#dialogue
    dialogue.policyFailed(error)
    const { intake, transaction } = dialogue
    const reply = replies.localError
    if (intake === undefined || transaction === undefined) return reply
    // A message was being judged: it is over, and so is its transaction.
    dialogue.endTransaction({ end: 'refused', reply })
    return toAll(this.settings.protocol, transaction, reply)
  }
}
