/**
 * One session's way through the chain: what the receiver asks becomes questions to the entries, and
 * what they answer becomes one ruling. The chain and its settings were fixed when the session opened;
 * whatever happens inside, the receiver gets a ruling.
 */
import type { Environment } from '../mail/environment.ts'
import type { Recipient } from '../mail/envelope.ts'
import { after, type MaybePromise } from '../mail/maybe-promise.ts'
import { passRuling, type ObjectionRuling, type Ruling } from '../mail/ruling.ts'
import type { Session, Transaction } from '../mail/session.ts'
import type {
  AuthAttempt,
  AuthRuling,
  MailEvent,
  MessageEvent,
  MessageRuling,
  ReceiverSettings,
  SecretRequest,
  SecretRuling,
  SessionEnd,
  SessionPolicy,
  TransactionOutcome,
  WholeRuling,
} from '../smtp/policy.ts'
import type { CrashWatch } from './crash-watch.ts'
import {
  decideMessage,
  decideRecipient,
  type Decision,
  type Opinion,
  type WholeDecision,
} from './decision.ts'
import { askInOrder } from './in-order.ts'
import type { Inquiry } from './inquiry.ts'
import { askAboutLogin, askBackEnds, findSecret, noSuchLogin } from './login.ts'
import { MessageRound } from './message-round.ts'
import { countsAtMessage, messageOpinions, recipientOpinions, scopesOf } from './opinions.ts'
import { Passage, type Onward } from './passage.ts'
import { copiesOf, placementsFor, type PlacementRequest } from './placements.ts'
import { splitOff } from './recipient-class.ts'
import { anotherClass, endsProcesses, sessionGone, settingsFault } from './refusals.ts'
import type { SessionRecorder } from './session-recorder.ts'
import { askSigners } from './signing.ts'
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
  readonly afterLogin: (before: Environment) => AfterLogin
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

export class FilterSession implements SessionPolicy {
  readonly #inquiry: Inquiry
  readonly #passage: Passage
  readonly #parts: SessionParts
  #settings: ReceiverSettings
  /** Whose secret was found last, for the proof that follows. */
  #knownUser: string | undefined

  constructor(parts: SessionParts) {
    this.#parts = parts
    this.#inquiry = parts.inquiry
    this.#passage = new Passage(parts.inquiry)
    this.#settings = parts.settings
  }

  get environment(): Environment {
    return this.#inquiry.environment
  }

  get settings(): ReceiverSettings {
    return this.#settings
  }

  connect({ session }: { readonly session: Session }): MaybePromise<Ruling> {
    this.#inquiry.begin('connect', session)
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

  secretFor(request: SecretRequest): MaybePromise<SecretRuling> {
    const inquiry = this.#inquiry
    inquiry.begin('auth', request.session)
    this.#knownUser = undefined
    return after(askAboutLogin(inquiry, request), (objection) =>
      objection === undefined ? this.#findSecret(request) : objectionRuling(objection),
    )
  }

  auth(attempt: AuthAttempt): MaybePromise<AuthRuling> {
    const inquiry = this.#inquiry
    inquiry.begin('auth', attempt.session)
    // About this login everybody has been asked, when its secret was.
    if (attempt.mechanism === 'SCRAM-SHA-256') {
      const known = attempt.proven && attempt.user === this.#knownUser
      this.#knownUser = undefined
      return known ? this.#loggedIn(attempt.user) : objectionRuling(noSuchLogin)
    }
    const asked = after(askAboutLogin(inquiry, attempt), (objection) =>
      objection === undefined ? askBackEnds(inquiry, attempt, this.#parts.standIn) : objection,
    )
    return after(asked, (objection) =>
      objection === undefined ? this.#loggedIn(attempt.user) : objectionRuling(objection),
    )
  }

  mail(event: MailEvent): MaybePromise<Ruling> {
    const { session, reversePath, parameters } = event
    const inquiry = this.#inquiry
    inquiry.begin('mail', session)
    inquiry.trail.beginTransaction()
    inquiry.findings.beginTransaction()
    this.#parts.recorder.beginTransaction(event)
    this.#passage.beginMail({ session, reversePath, parameters })
    return this.#walk({ stage: 'mail', session })
  }

  rcpt({ transaction, recipient }: RecipientEvent): MaybePromise<Ruling> {
    const inquiry = this.#inquiry
    const { session } = transaction
    inquiry.begin('rcpt', session)
    inquiry.round = this.#parts.recorder.beginRecipient()
    inquiry.findings.beginRecipient(inquiry.round)
    inquiry.trail.beginRecipient()
    const walked = this.#passage.walk({ stage: 'rcpt', session, recipient })
    const places = inquiry.generation.places.rcpt
    return after(walked, (objection) => {
      if (objection !== undefined) return this.#recipientRuled(recipient, objection)
      const round = { places, event: { transaction, recipient }, recipients: [recipient] }
      return after(askInOrder(inquiry, round), () => {
        const opinions = recipientOpinions(inquiry.trail.recipient)
        const decided = decideRecipient(opinions, recipient.mailbox, session.hostname)
        const split = decided ?? splitOff(inquiry, transaction, recipient, this.#settings)
        return this.#recipientRuled(recipient, split)
      })
    })
  }

  data({ transaction }: { readonly transaction: Transaction }): MaybePromise<Ruling> {
    this.#inquiry.begin('data', transaction.session)
    const { recipients } = transaction
    const places = this.#inquiry.generation.places.data
    return after(
      askInOrder(this.#inquiry, { places, event: { transaction }, recipients }),
      (step) => this.#ruled(step === undefined ? undefined : asObjection(step.verdict)),
    )
  }

  message(event: MessageEvent): MaybePromise<MessageRuling> {
    const inquiry = this.#inquiry
    inquiry.begin('message', event.transaction.session)
    this.#parts.recorder.sawMessage(event)
    const { crashWatch } = this.#parts
    // Without entries nobody looks at the message, and no note of it is needed.
    if (crashWatch === undefined || inquiry.generation.places.message.length === 0) {
      return this.#judge(event)
    }
    return after(crashWatch.enter(event), (leave) =>
      leave === undefined ? objectionRuling(endsProcesses) : this.#judge(event, leave),
    )
  }

  transactionEnded(transaction: Transaction, outcome: TransactionOutcome): void {
    this.#parts.recorder.transactionEnded(transaction, outcome)
  }

  sessionEnded(reason: SessionEnd): void {
    this.#inquiry.end()
    this.#parts.recorder.sessionEnded(reason)
    this.#parts.ended()
  }

  #walk(onward: Onward): MaybePromise<Ruling> {
    const walked = this.#passage.walk(onward)
    return walked instanceof Promise
      ? walked.then((objection) => this.#ruled(objection))
      : this.#ruled(walked)
  }

  /** The ruling at a stage; a refused connection, greeting or MAIL is recorded, for no transaction will be. */
  #ruled(objection: Objection | undefined): Ruling {
    const counts = this.#inquiry.ended ? (objection ?? sessionGone) : objection
    if (counts === undefined) return passRuling
    this.#parts.recorder.refused(this.#inquiry.stage, counts)
    return objectionRuling(counts)
  }

  #recipientRuled(recipient: Recipient, objection: Objection | undefined): Ruling {
    const inquiry = this.#inquiry
    const accepted = objection === undefined && !inquiry.ended
    inquiry.round = 0
    inquiry.findings.endRecipient(accepted)
    inquiry.trail.endRecipient(accepted)
    const ruled = objection === anotherClass ? anotherClass.reason : undefined
    this.#parts.recorder.endRecipient(recipient, { accepted, ruled })
    return accepted ? passRuling : objectionRuling(objection ?? sessionGone)
  }

  async #findSecret({ session, user }: SecretRequest): Promise<SecretRuling> {
    const { standIn } = this.#parts
    const places = this.#inquiry.generation.places.secretFor
    const { secret, fault } = await findSecret(this.#inquiry, places, { session, user, standIn })
    if (fault !== undefined) return objectionRuling(fault)
    const keys = await standIn.keysOf(user, secret ?? standIn.secretOf(user))
    this.#knownUser = secret === undefined ? undefined : user
    return { ruling: 'secret', keys }
  }

  #loggedIn(user: string): AuthRuling {
    const { environment, settings, sound } = this.#parts.afterLogin(this.#inquiry.environment)
    if (!sound) return objectionRuling(settingsFault)
    this.#inquiry.environment = environment
    this.#settings = settings
    return { ruling: 'accept', user }
  }

  #judge(event: MessageEvent, over: () => void = () => undefined): MaybePromise<MessageRuling> {
    const { transaction, message } = event
    const round = new MessageRound(this.#inquiry, { transaction, message })
    const signed = after(round.run(), () => this.#sign(event, round))
    return after(signed, () => {
      over()
      return this.#decide(event, round)
    })
  }

  /** Shows what would be committed now to those who sign; what they add, or fail to, is decided upon with the rest. */
  #sign(event: MessageEvent, round: MessageRound): MaybePromise<void> {
    const inquiry = this.#inquiry
    if (inquiry.generation.places.sign.length === 0 || inquiry.ended) return undefined
    const { transaction, message } = event
    const { decided, requestFor } = this.#weigh(event, round)
    const whole = decided.decision === 'each' ? decided.whole : decided
    if (whole.decision === 'refuse') return undefined
    const copies = copiesOf(requestFor(whole))
    const entering = event.entering()
    return askSigners(inquiry, { transaction, message, entering, copies }).then((scopes) => {
      for (const [step, scope] of scopes) round.scopes.set(step, scope)
    })
  }

  #weigh({ transaction, answers }: MessageEvent, round: MessageRound): Weighed {
    const inquiry = this.#inquiry
    const { thresholds } = inquiry.generation
    const { recorder } = this.#parts
    const steps = inquiry.trail.all.filter(countsAtMessage)
    const scopes = scopesOf(inquiry, transaction, {
      steps,
      indexOfRound: recorder.indexOfRound(transaction),
      known: round.scopes,
    })
    recorder.scoped(scopes)
    const opinions = messageOpinions(steps, scopes)
    const recipients = transaction.recipients.length
    const decided = decideMessage(opinions, { recipients, thresholds, answers })
    const applied = opinions.filter(counts).toSorted((a, b) => a.number - b.number)
    const requestFor = (whole: Taken): PlacementRequest => ({
      transaction,
      decided: whole,
      opinions: applied,
      thresholds,
    })
    return { decided, requestFor }
  }

  #decide(event: MessageEvent, round: MessageRound): MessageRuling {
    if (this.#inquiry.ended) return objectionRuling(sessionGone)
    const { decided, requestFor } = this.#weigh(event, round)
    const ruled = (whole: WholeDecision): WholeRuling => {
      if (whole.decision === 'refuse') return objectionRuling(whole.objection)
      const placements = placementsFor(requestFor(whole))
      this.#parts.recorder.placed(placements)
      return { ruling: 'commit', placements }
    }
    if (decided.decision !== 'each') return ruled(decided)
    const rulings = decided.objections.map((objection) =>
      objection === undefined ? passRuling : objectionRuling(objection),
    )
    return { ruling: 'each', recipients: rulings, whole: ruled(decided.whole) }
  }
}

type Taken = Extract<WholeDecision, { readonly decision: 'commit' }>

/** What all opinions together come to. */
interface Weighed {
  readonly decided: Decision
  readonly requestFor: (whole: Taken) => PlacementRequest
}

interface RecipientEvent {
  readonly transaction: Transaction
  readonly recipient: Recipient
}

function counts({ kind, shadow }: Opinion): boolean {
  return kind === 'asked' && !shadow
}

function objectionRuling({ verdict, status, text, close }: Objection): ObjectionRuling {
  return verdict === 'defer'
    ? { ruling: 'defer', status, text, close }
    : { ruling: 'reject', status, text, close }
}
