/**
 * One session's way through the chain: what the receiver asks becomes questions to the entries, and
 * what they answer becomes one ruling. The chain and its settings were fixed when the session opened;
 * whatever happens inside, the receiver gets a ruling.
 */
import type { Environment } from '../mail/environment.ts'
import type { Recipient } from '../mail/envelope.ts'
import type { LoginGrant, LoginVariables, ScramKeys } from '../mail/login-secret.ts'
import { objectionRuling } from './objection-ruling.ts'
import { after, type MaybePromise } from '../mail/maybe-promise.ts'
import { passRuling, type Ruling } from '../mail/ruling.ts'
import type { Session, Transaction } from '../mail/session.ts'
import type {
  AuthAttempt,
  AuthRuling,
  ConnectEvent,
  MailEvent,
  MailRefusal,
  MessageEvent,
  MessageRuling,
  ReceiverSettings,
  SecretRequest,
  SecretRuling,
  SessionEnd,
  SessionPolicy,
  TransactionOutcome,
} from '../smtp/policy.ts'
import { isUnproven } from './applies.ts'
import type { CrashWatch } from './crash-watch.ts'
import { decideRecipient } from './decision.ts'
import { askInOrder } from './in-order.ts'
import type { Inquiry } from './inquiry.ts'
import {
  askAboutLogin,
  askBackEnds,
  findSecret,
  grantOf,
  loginEnd,
  tellHowLoginEnded,
  type LoginOutcome,
} from './login.ts'
import type { LoginEnd } from '../plugin/plugin.ts'
import { MessageJudge } from './message-judge.ts'
import { recipientOpinions } from './opinions.ts'
import { Passage, type Onward } from './passage.ts'
import { splitOff } from './recipient-class.ts'
import { anotherClass, endsProcesses, noSuchLogin, sessionGone, settingsFault } from './refusals.ts'
import type { SessionRecorder } from './session-recorder.ts'
import type { StandIn } from './stand-in.ts'
import { asObjection, type Objection } from './step.ts'

export interface SessionParts {
  readonly inquiry: Inquiry
  readonly recorder: SessionRecorder
  readonly settings: ReceiverSettings
  /** Refused before any entry is asked: by a tcp.smtp rule, or because a setting of the rule does not parse. */
  readonly refusal: Objection | undefined
  /** What strangers are shown. */
  readonly standIn: StandIn
  readonly afterLogin: (before: Environment, variables?: LoginVariables) => AfterLogin
  readonly crashWatch: CrashWatch | undefined
  readonly ended: () => void
}

/** What a login changes. */
export interface AfterLogin {
  readonly environment: Environment
  readonly settings: ReceiverSettings
  /** Whether every variable parsed. */
  readonly sound: boolean
}

type FoundKeys =
  | { readonly objection?: undefined; readonly keys: ScramKeys }
  | { readonly objection: Objection }

export class FilterSession implements SessionPolicy {
  readonly #inquiry: Inquiry
  readonly #passage: Passage
  readonly #judge: MessageJudge
  readonly #parts: SessionParts
  #settings: ReceiverSettings
  /** Whose secret was found last, and what that login brings, for the proof that follows. */
  #known: { readonly user: string; readonly grant: LoginGrant } | undefined

  constructor(parts: SessionParts) {
    this.#parts = parts
    this.#inquiry = parts.inquiry
    this.#passage = new Passage(parts.inquiry)
    this.#judge = new MessageJudge(parts)
    this.#settings = parts.settings
  }

  get environment(): Environment {
    return this.#inquiry.environment
  }

  get settings(): ReceiverSettings {
    return this.#settings
  }

  connect({ session, silence }: ConnectEvent): MaybePromise<Ruling> {
    this.#inquiry.begin('connect', session)
    this.#passage.beginConnect(silence)
    const { refusal } = this.#parts
    return refusal === undefined ? this.#walk({ stage: 'connect', session }) : this.#ruled(refusal)
  }

  hello({ session }: { readonly session: Session }): MaybePromise<Ruling> {
    const inquiry = this.#inquiry
    inquiry.begin('hello', session)
    inquiry.trail.beginHello()
    inquiry.findings.beginHello()
    this.#parts.recorder.beginHello()
    this.#passage.beginHello()
    return this.#walk({ stage: 'hello', session })
  }

  async secretFor(request: SecretRequest): Promise<SecretRuling> {
    const inquiry = this.#inquiry
    inquiry.begin('auth', request.session)
    this.#known = undefined
    const objection = await askAboutLogin(inquiry, request)
    const found = objection === undefined ? await this.#findSecret(request) : { objection }
    if (found.objection === undefined) return { ruling: 'secret', keys: found.keys }
    const ruling = objectionRuling(found.objection)
    // No proof has been asked for, and none can have been wrong.
    await this.#tell(loginEnd(request, ruling, false), found.objection)
    return ruling
  }

  async auth(attempt: AuthAttempt): Promise<AuthRuling> {
    this.#inquiry.begin('auth', attempt.session)
    const judged = await this.#judgeLogin(attempt)
    const ruling =
      judged.objection === undefined
        ? this.#loggedIn(attempt, judged.grant)
        : objectionRuling(judged.objection)
    const refusal = ruling.ruling === 'accept' ? undefined : (judged.objection ?? settingsFault)
    await this.#tell(loginEnd(attempt, ruling, judged.denied === true), refusal)
    return ruling
  }

  mail(event: MailEvent): MaybePromise<Ruling> {
    const { session, reversePath, parameters } = event
    const inquiry = this.#inquiry
    inquiry.begin('mail', session)
    inquiry.trail.beginTransaction()
    inquiry.findings.beginTransaction()
    this.#parts.recorder.beginTransaction(event)
    if (reversePath !== null) Object.freeze(reversePath)
    this.#passage.beginMail(
      Object.freeze({ session, reversePath, parameters: Object.freeze(parameters) }),
    )
    return this.#walk({ stage: 'mail', session })
  }

  mailRefused(refusal: MailRefusal): void {
    this.#inquiry.begin('mail', refusal.session)
    this.#inquiry.trail.beginTransaction()
    this.#parts.recorder.mailRefused(refusal)
  }

  rcpt({ transaction, recipient }: RecipientEvent): MaybePromise<Ruling> {
    const inquiry = this.#inquiry
    inquiry.begin('rcpt', transaction.session)
    inquiry.round = this.#parts.recorder.beginRecipient()
    inquiry.findings.beginRecipient(inquiry.round, recipient.mailbox)
    inquiry.trail.beginRecipient()
    // What is asked about is what is delivered to: nobody who is asked may change it.
    Object.freeze(recipient.mailbox)
    const event = Object.freeze({ transaction, recipient: Object.freeze(recipient) })
    const round: RecipientRound = { event, recipients: [recipient] }
    return after(this.#walkToRecipient(round), (objection) => {
      if (objection !== undefined) return this.#recipientRuled(round.event, objection)
      return after(this.#askAboutRecipient(round), (decided) => {
        const split = decided ?? splitOff(inquiry, transaction, recipient, this.#settings)
        return this.#recipientRuled(round.event, split)
      })
    })
  }

  /**
   * Behind the last entry that could vouch nobody is asked about a recipient for whom none did: it is refused whatever they
   * say, and what they remember, look up or run is not for whoever tries to relay. A shadow that would vouch is asked.
   */
  #askAboutRecipient({ event, recipients }: RecipientRound): MaybePromise<Objection | undefined> {
    const inquiry = this.#inquiry
    const { rcpt: places, vouching, wouldVouch } = inquiry.generation.places
    const decided = (): Objection | undefined =>
      decideRecipient(
        recipientOpinions(inquiry.trail.recipient),
        event.recipient.mailbox,
        event.transaction.session.hostname,
      )
    const first = askInOrder(inquiry, { places, event, recipients, until: vouching })
    return after(first, (objection) => {
      const refusal = decided()
      // Where one of them objected, the shadows behind it have been asked.
      const areAllAsked = vouching === places.length || objection !== undefined || inquiry.ended
      if (areAllAsked) return refusal
      if (refusal !== undefined) {
        return after(askInOrder(inquiry, { places: wouldVouch, event, recipients }), () => refusal)
      }
      const others = askInOrder(inquiry, { places, event, recipients }, vouching)
      // Somebody has vouched: only an objection changes anything.
      return after(others, (objecting) => (objecting === undefined ? undefined : decided()))
    })
  }

  data({ transaction }: { readonly transaction: Transaction }): MaybePromise<Ruling> {
    this.#inquiry.begin('data', transaction.session)
    const { recipients } = transaction
    const places = this.#inquiry.generation.places.data
    return after(
      askInOrder(this.#inquiry, { places, event: Object.freeze({ transaction }), recipients }),
      (step) => this.#ruled(step === undefined ? undefined : asObjection(step.verdict)),
    )
  }

  message(event: MessageEvent): MaybePromise<MessageRuling> {
    const inquiry = this.#inquiry
    inquiry.begin('message', event.transaction.session)
    this.#parts.recorder.sawMessage(event)
    Object.freeze(event)
    Object.freeze(event.transaction.recipients)
    const { crashWatch } = this.#parts
    // Without entries nobody looks at the message, and no note of it is needed.
    if (crashWatch?.isOn !== true || inquiry.generation.places.message.length === 0) {
      return this.#judge.judge(event)
    }
    return after(crashWatch.enter(event), (leave) =>
      leave === undefined ? objectionRuling(endsProcesses) : this.#judgeNoted(event, leave),
    )
  }

  transactionEnded(transaction: Transaction, outcome: TransactionOutcome): void {
    this.#parts.recorder.transactionEnded(transaction, outcome)
    this.#judge.transactionEnded()
    if (outcome.end === 'committed') {
      this.#inquiry.tellTaken({ transaction, welcome: this.#judge.welcome })
    }
  }

  sessionEnded(reason: SessionEnd): void {
    this.#inquiry.end()
    this.#inquiry.tellEnd()
    this.#parts.recorder.sessionEnded(reason)
    this.#parts.ended()
  }

  /**
   * Those who know whom nothing should be held against are asked first; then come the refusals that were remembered, and
   * the entries behind them. What proves a sender (SPF) may be among these, so that both are asked once more.
   */
  #walkToRecipient(round: RecipientRound): MaybePromise<Objection | undefined> {
    const inquiry = this.#inquiry
    const { event, recipients } = round
    const places = inquiry.generation.places.allowing
    const walk = (): MaybePromise<Objection | undefined> => {
      const [recipient] = recipients
      return this.#passage.walk({ stage: 'rcpt', session: event.transaction.session, recipient })
    }
    if (places.length === 0) return walk()
    const askAndWalk = (): MaybePromise<Objection | undefined> =>
      after(askInOrder(inquiry, { places, ...round }), (step) =>
        step === undefined ? walk() : asObjection(step.verdict),
      )
    inquiry.provesLater = true
    return after(askAndWalk(), (objection) => {
      inquiry.provesLater = false
      return objection !== undefined || !isUnproven(inquiry) ? objection : askAndWalk()
    })
  }

  #walk(onward: Onward): MaybePromise<Ruling> {
    const walked = this.#passage.walk(onward)
    return walked instanceof Promise
      ? walked.then((objection) => this.#ruled(objection))
      : this.#ruled(walked)
  }

  /** At a stage; a refused connection, greeting or MAIL is recorded, for no transaction will be. */
  #ruled(objection: Objection | undefined): Ruling {
    const counts = this.#inquiry.ended ? (objection ?? sessionGone) : objection
    if (counts === undefined) return passRuling
    this.#parts.recorder.refused(this.#inquiry.stage, counts)
    return objectionRuling(counts)
  }

  #recipientRuled(event: RecipientEvent, objection: Objection | undefined): Ruling {
    const { recorder } = this.#parts
    const inquiry = this.#inquiry
    const accepted = objection === undefined && !inquiry.ended
    inquiry.round = 0
    inquiry.findings.endRecipient(accepted)
    inquiry.trail.endRecipient(accepted)
    const ruled = objection === anotherClass ? anotherClass.reason : undefined
    recorder.endRecipient(event.recipient, { accepted, ruled, objection })
    if (!accepted) recorder.recipientRefused(event, objection ?? sessionGone)
    return accepted ? passRuling : objectionRuling(objection ?? sessionGone)
  }

  async #findSecret({ session, user }: SecretRequest): Promise<FoundKeys> {
    const { standIn } = this.#parts
    const places = this.#inquiry.generation.places.secretFor
    const { secret, fault } = await findSecret(this.#inquiry, places, { session, user, standIn })
    if (fault !== undefined) return { objection: fault }
    const keys = await standIn.keysOf(user, secret ?? standIn.secretOf(user))
    this.#known = secret === undefined ? undefined : { user, grant: grantOf(secret) }
    return { keys }
  }

  async #judgeLogin(attempt: AuthAttempt): Promise<LoginOutcome> {
    const inquiry = this.#inquiry
    if (attempt.mechanism !== 'SCRAM-SHA-256') {
      const objection = await askAboutLogin(inquiry, attempt)
      return objection === undefined
        ? askBackEnds(inquiry, attempt, this.#parts.standIn)
        : { objection, denied: false }
    }
    // About this login everybody has been asked, when its secret was.
    const known = this.#known
    this.#known = undefined
    if (attempt.proven && known?.user === attempt.user) return known
    return { objection: noSuchLogin, denied: true }
  }

  #tell(end: LoginEnd, refusal: Objection | undefined): Promise<void> {
    this.#parts.recorder.loginEnded(end, refusal)
    return tellHowLoginEnded(this.#inquiry, end)
  }

  #loggedIn({ user: given, mechanism }: AuthAttempt, grant: LoginGrant): AuthRuling {
    const { variables, user = given } = grant
    const { afterLogin } = this.#parts
    const { environment, settings, sound } = afterLogin(this.#inquiry.environment, variables)
    if (!sound) return objectionRuling(settingsFault)
    this.#inquiry.environment = environment
    this.#settings = settings
    this.#parts.recorder.loggedIn({ mechanism, variables: variables ?? new Map() })
    return { ruling: 'accept', user }
  }

  /** However it ends, the note goes: an innocent message must not be suspected when this process dies later. */
  async #judgeNoted(event: MessageEvent, leave: () => void): Promise<MessageRuling> {
    try {
      return await this.#judge.judge(event)
    } finally {
      leave()
    }
  }
}

interface RecipientRound {
  readonly event: RecipientEvent
  readonly recipients: readonly [Recipient]
}

interface RecipientEvent {
  readonly transaction: Transaction
  readonly recipient: Recipient
}
