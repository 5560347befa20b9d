/**
 * What one SMTP dialogue has come to: session, transaction, what is expected next, and how it ended.
 * The verbs change it and nobody else. It tells the policy each end exactly once, a transaction's before its session's,
 * and lets no answer through that comes after the end.
 */
import type { MailParameters, Recipient, ReversePath } from '../mail/envelope.ts'
import { errorStack } from '../mail/errors.ts'
import type { Extension } from '../mail/extensions.ts'
import type { MaybePromise } from '../mail/maybe-promise.ts'
import type { Answer, Reply } from '../mail/reply.ts'
import type { ObjectionRuling } from '../mail/ruling.ts'
import type { Session, Transaction } from '../mail/session.ts'
import type { Stage } from '../mail/status.ts'
import type { Queue } from '../queue/queue.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { Random } from '../runtime/random.ts'
import { offers } from './capabilities.ts'
import type { Chunks, Intake } from './intake.ts'
import type {
  MailRefusal,
  ReceiverSettings,
  SessionEnd,
  SessionPolicy,
  TransactionOutcome,
} from './policy.ts'
import type { QueueFlush } from './queue-flush.ts'
import { localError, objection } from './replies.ts'
import type { ClaimedClient, ForwardedClient } from './xclient.ts'
import type { SaslExchange } from './sasl/exchange.ts'

/**
 * What the client is to send next; `packet`: bytes like a message's, whenever it likes; `another client`: nothing, another
 * session begins; `end`: nothing, the connection is closed when the reply is out.
 */
export type Expects = 'line' | 'packet' | 'message' | 'handshake' | 'another client' | 'end'

/** Bytes on their way that are no lines: what takes them, and what is said when all of them are there. */
export interface Incoming {
  /** @returns how many bytes were its own, and what to wait for before the next ones */
  take(chunk: Buffer): { readonly used: number; readonly pressure: Promise<void> | undefined }
  readonly complete: boolean
  finish(): MaybePromise<Answer>
}

/** The session while it is being written; everybody else holds it as a `Session`. */
export type OpenSession = { -readonly [K in keyof Session]: Session[K] }

export interface OpenTransaction extends Transaction {
  readonly recipients: Recipient[]
  /** A recipient was named, whatever came of it. */
  asked: boolean
}

export interface DialogueParts {
  readonly session: OpenSession
  readonly policy: SessionPolicy
  readonly queue: Pick<Queue, 'begin'>
  readonly clock: Clock
  readonly log: Log
  readonly random: Random
  /** There is a certificate. */
  readonly canStartTls: boolean
  /** The address at the other end of the connection, for whomever it speaks. */
  readonly peer: string
  /** For whom it speaks. */
  readonly claimed: ClaimedClient | undefined
  /** For ETRN; there may be no courier. */
  readonly queueFlush?: QueueFlush | undefined
}

export class Dialogue {
  readonly session: OpenSession
  readonly policy: SessionPolicy
  readonly queue: Pick<Queue, 'begin'>
  readonly clock: Clock
  readonly log: Log
  readonly random: Random
  readonly canStartTls: boolean
  readonly peer: string
  readonly queueFlush: QueueFlush | undefined
  expects: Expects = 'line'
  /** A login on its way: lines are responses, not commands. */
  login: SaslExchange | undefined
  /** For whom the peer says it speaks (XCLIENT). */
  claimed: ClaimedClient | undefined
  /** Whom the peer has the next message from (XFORWARD). */
  forwarded: ForwardedClient | undefined
  /** What is coming in while a `message` is expected. */
  incoming: Incoming | undefined
  /** A message on its way; between two chunks of it (BDAT) lines are expected. */
  intake: Intake | undefined
  /** The same, where it comes by BDAT. */
  chunks: Chunks | undefined
  /** A chunk was refused, with these words: those that the client had sent behind it hear the same (RFC 3030 §2). */
  refusedChunk: Reply | undefined
  /** Wrong commands since the last message that was taken. */
  mistakes = 0
  /** Commands since then that brought no message nearer. */
  idled = 0
  /** Logins that were refused. */
  failedLogins = 0
  /** Recipients that the policy rejected. */
  refusedRecipients = 0
  #transaction: OpenTransaction | undefined
  #sequence = 0
  #committing = false
  /** Keeps a refusal back. */
  #tarpit: Timer | undefined
  #end: SessionEnd | undefined

  constructor(parts: DialogueParts) {
    this.session = parts.session
    this.policy = parts.policy
    this.queue = parts.queue
    this.clock = parts.clock
    this.log = parts.log
    this.random = parts.random
    this.canStartTls = parts.canStartTls
    this.peer = parts.peer
    this.claimed = parts.claimed
    this.queueFlush = parts.queueFlush
  }

  get settings(): ReceiverSettings {
    return this.policy.settings
  }

  /** Whether an extension is offered to this client now. */
  readonly offers = (extension: Extension): boolean =>
    offers(extension, {
      session: this.session,
      settings: this.settings,
      canStartTls: this.canStartTls,
      peer: this.peer,
    })

  get transaction(): OpenTransaction | undefined {
    return this.#transaction
  }

  get over(): boolean {
    return this.#end !== undefined
  }

  /** The id that the next transaction will have. */
  get nextTransactionId(): string {
    return `${this.session.id}.${this.#sequence + 1}`
  }

  /** Goes on with an answer of the policy: at once where it is there, and not at all where nobody is left to hear it. */
  consult<T, A extends Answer | undefined>(
    answer: MaybePromise<T>,
    proceed: (answer: T) => MaybePromise<A>,
  ): MaybePromise<A | Reply> {
    if (!(answer instanceof Promise)) return proceed(answer)
    return answer.then((value) => (this.over ? localError : proceed(value)))
  }

  /** The reply for an objection; ends the session where the ruling says so. */
  refuse(stage: Stage, ruling: ObjectionRuling): Reply {
    // No transaction begins, and the next one has another id than that which was refused.
    if (stage === 'mail') this.#sequence++
    if (ruling.close) this.end('refused')
    return objection(stage, ruling, this.shownId)
  }

  /** Where replies carry one: the transaction's, or the session's before there is one. */
  get shownId(): string | undefined {
    if (!this.settings.replyIds) return undefined
    return this.#transaction?.id ?? this.session.id
  }

  openTransaction(reversePath: ReversePath, parameters: MailParameters): void {
    const id = this.nextTransactionId
    this.#sequence++
    this.refusedChunk = undefined
    this.#transaction = {
      id,
      session: this.session,
      startedAt: this.clock.now(),
      reversePath,
      parameters,
      recipients: [],
      asked: false,
    }
  }

  /** From here bytes come in that are no lines. */
  receive(incoming: Incoming): void {
    this.incoming = incoming
    this.expects = 'message'
  }

  /** Ends the open transaction, if there is one. */
  endTransaction(outcome: TransactionOutcome): void {
    const transaction = this.#transaction
    this.intake?.abort()
    this.intake = undefined
    this.chunks = undefined
    this.refusedChunk = undefined
    this.#committing = false
    this.#transaction = undefined
    if (transaction === undefined) return
    this.forwarded = undefined
    this.#tell(() => this.policy.transactionEnded(transaction, outcome))
    if (this.#end !== undefined) this.#tellEnd(this.#end)
  }

  /** Without asking the policy. */
  refusedMail(refusal: MailRefusal): void {
    this.#sequence++
    this.#tell(() => this.policy.mailRefused(refusal))
  }

  /** From here the message may be promised, whoever hangs up: the transaction ends when the commit has. */
  startCommit(): void {
    this.#committing = true
  }

  get isCommitting(): boolean {
    return this.#committing
  }

  /** Why the session is over, once it is. */
  get ending(): SessionEnd | undefined {
    return this.#end
  }

  /** A refusal, sooner or later: a client that is refused again and again waits for each of them. */
  keepBack(refusal: Reply): MaybePromise<Reply> {
    const { after, delayMs } = this.settings.tarpit
    if (delayMs === 0 || this.over || this.mistakes + this.refusedRecipients <= after)
      return refusal
    return new Promise((resolve) => {
      this.#tarpit = this.clock.after(delayMs, () => resolve(refusal))
    })
  }

  /** The session is over; only the first reason counts. */
  end(reason: SessionEnd): void {
    this.expects = 'end'
    if (this.#end !== undefined) return
    this.login = undefined
    this.#tarpit?.cancel()
    if (this.#transaction !== undefined && !this.#committing) {
      this.endTransaction({ end: 'aborted' })
    }
    this.#end = reason
    if (this.#transaction === undefined) this.#tellEnd(reason)
  }

  /**
   * One more command brought no message nearer. Each transaction, refusal and chunk is work, and most are a line in the
   * log: without an end a client could fill the disk. Ends the session where it was one too many.
   */
  idlesTooLong(): boolean {
    if (++this.idled <= this.settings.maxIdleCommands) return false
    this.end('errors')
    return true
  }

  /** A bug in the policy: logged, and nothing follows from it but the caller's 451. */
  policyFailed(error: unknown): void {
    this.log.error('policy.failed', {
      session: this.session.id,
      transaction: this.#transaction?.id,
      error: errorStack(error),
    })
  }

  #tellEnd(reason: SessionEnd): void {
    this.#tell(() => this.policy.sessionEnded(reason))
    if (reason !== 'replaced')
      this.#tell(() => this.queueFlush?.left?.(this.session.remote.address))
  }

  /** What is only told must not change what was said. */
  #tell(news: () => void): void {
    try {
      news()
    } catch (error) {
      this.policyFailed(error)
    }
  }
}
