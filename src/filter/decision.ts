/**
 * From opinions to one decision, as a pure function: the same steps always decide the same. At `rcpt`
 * objections win and silence is not consent; at `message` scores become verdicts by the operator's
 * thresholds, and verdicts that differ by recipient become what one reply can say.
 */
import type { Mailbox } from '../mail/address.ts'
import { reject, type AnyVerdict } from '../plugin/verdict.ts'
import type { Question } from './entry.ts'
import { asObjection, type Objection } from './step.ts'

/** Of the summed scores of one message for one recipient; absent: never. */
export interface Thresholds {
  /** The score is written into the header. */
  readonly tag?: number
  readonly quarantine?: number
  readonly reject?: number
  readonly discard?: number
}

/** A step, as far as decisions depend on it. */
export interface Opinion {
  readonly kind: 'asked' | 'spoken' | 'lifted'
  /** The place's number: opinions count in this order. */
  readonly number: number
  /** The entry's name. */
  readonly entry: string
  readonly question: Question
  readonly shadow: boolean
  readonly verdict: AnyVerdict
  /** Indexes of the recipients it speaks of; absent: all of them. */
  readonly recipients?: readonly number[]
}

/** What becomes of the message for one recipient. */
export interface Outcome {
  readonly disposition: 'deliver' | 'hold' | 'discard'
  /** Why it is held or discarded. */
  readonly reason?: string
  /** The opinion that held or discarded it; absent where the thresholds did. */
  readonly opinion?: Opinion
  readonly score: number
}

/** What becomes of the message as a whole. */
export type WholeDecision =
  | { readonly decision: 'refuse'; readonly objection: Objection }
  | {
      readonly decision: 'commit'
      /** One for each recipient; none for one that is refused. */
      readonly outcomes: readonly (Outcome | undefined)[]
      /** For a recipient that the opinions do not know, as envelope edits add them. */
      readonly other: Outcome
    }

export type Decision =
  | WholeDecision
  /** Only where each recipient is answered, and not all alike. */
  | {
      readonly decision: 'each'
      /** One for each recipient; none for one that is taken. */
      readonly objections: readonly (Objection | undefined)[]
      readonly whole: WholeDecision
    }

/** At `rcpt`: the objection to this recipient, or that nobody vouched, or nothing. */
export function decideRecipient(
  opinions: readonly Opinion[],
  mailbox: Mailbox,
  hostname: string,
): Objection | undefined {
  let vouched = false
  for (const { kind, question, shadow, verdict } of opinions) {
    if (kind === 'lifted' || shadow) continue
    if (kind === 'asked' && question !== 'rcpt') continue
    const objection = asObjection(verdict)
    if (objection !== undefined) return objection
    vouched ||= verdict.verdict === 'accept'
  }
  return vouched ? undefined : nobodyVouched(mailbox, hostname)
}

const relayDenied = Object.freeze(reject('5.7.1', 'Relaying denied', { reason: 'NOT_VOUCHED' }))
const noRecipient = Object.freeze(reject('5.1.1', 'No such recipient', { reason: 'NOT_VOUCHED' }))

/** Under our own name, or none, it is a recipient that we do not have; elsewhere it would be relaying. */
function nobodyVouched({ domain }: Mailbox, hostname: string): Objection {
  const ours = domain === '' || domain.toLowerCase() === hostname.toLowerCase()
  return ours ? noRecipient : relayDenied
}

export interface MessageQuestion {
  readonly recipients: number
  /** For everybody. */
  readonly thresholds: Thresholds
  /** One for each recipient, where somebody has thresholds of their own. */
  readonly own?: readonly Thresholds[] | undefined
  /** Whether one reply speaks for all recipients, or each hears its own: LMTP, PRDR. */
  readonly answers: 'one' | 'each'
}

/** Nobody has an opinion on most mail: then all are alike, and nobody is counted one by one. */
function talliesOf(recipients: number, alike: Tally | undefined): readonly Tally[] {
  const tallies: Tally[] = []
  for (let index = 0; index < recipients; index++) tallies.push(alike ?? new Tally())
  return tallies
}

/** At `message`: all opinions of the session and the transaction. */
export function decideMessage(
  opinions: readonly Opinion[],
  { recipients, thresholds, own, answers }: MessageQuestion,
): Decision {
  const other = new Tally()
  const tallies = talliesOf(
    recipients,
    opinions.length === 0 && own === undefined ? other : undefined,
  )
  const counting = opinions
    .filter(({ kind, shadow }) => kind === 'asked' && !shadow)
    .toSorted((a, b) => a.number - b.number)
  for (const opinion of counting) {
    if (opinion.recipients === undefined) other.add(opinion, undefined)
    const spoken = speakOf(tallies, opinion)
    if (answers === 'one' && spoken !== undefined) return { decision: 'refuse', objection: spoken }
  }
  for (const [index, tally] of tallies.entries()) tally.close(own?.[index] ?? thresholds)
  other.close(thresholds)
  if (answers === 'each') return decideEach(tallies, other)
  const objection = common(tallies)
  return objection === undefined
    ? {
        decision: 'commit',
        outcomes: tallies.map((tally) => tally.outcome),
        other: other.outcome,
      }
    : { decision: 'refuse', objection }
}

/** Who is refused hears it, and gets nothing; who is not is served as if alone. */
function decideEach(tallies: readonly Tally[], other: Tally): Decision {
  const objections = tallies.map(({ objection }) => objection)
  const refused = objections.filter((objection) => objection !== undefined)
  const [first] = refused
  const taken = tallies.map((tally) => (tally.objection === undefined ? tally.outcome : undefined))
  const commit = { decision: 'commit', outcomes: taken, other: other.outcome } as const
  if (first === undefined) return commit
  if (refused.length < tallies.length) return { decision: 'each', objections, whole: commit }
  if (refused.every((objection) => saysTheSame(objection, first))) {
    return { decision: 'refuse', objection: first }
  }
  // What is said of the whole must not make an end of what should be tried again.
  const objection = refused.find(({ verdict }) => verdict === 'defer') ?? first
  return { decision: 'each', objections, whole: { decision: 'refuse', objection } }
}

function saysTheSame(a: Objection, b: Objection): boolean {
  return a.status === b.status && a.text === b.text && a.close === b.close
}

/** Adds an opinion to everybody it speaks of. @returns the objection that it makes of the whole. */
function speakOf(tallies: readonly Tally[], opinion: Opinion): Objection | undefined {
  let deferred: Objection | undefined
  for (const [index, tally] of tallies.entries()) {
    if (opinion.recipients?.includes(index) === false) continue
    const objected = tally.add(opinion, index)
    // What is deferred for one is deferred for all: the client sends the message again as a whole.
    if (objected?.verdict === 'defer') deferred ??= objected
  }
  return deferred ?? common(tallies)
}

/** The objection where everybody has one: the first recipient's. */
function common(tallies: readonly Tally[]): Objection | undefined {
  return tallies.every(({ objection }) => objection !== undefined)
    ? tallies[0]?.objection
    : undefined
}

/** What the opinions come to for one recipient. */
class Tally {
  objection: Objection | undefined
  #set: Pick<Outcome, 'disposition' | 'reason' | 'opinion'> | undefined
  /** Whose the objection is. */
  #objector: Opinion | undefined
  #score = 0

  /** @returns the objection, if this opinion is the first to object. */
  add(opinion: Opinion, recipient: number | undefined): Objection | undefined {
    const { question, verdict } = opinion
    this.#score += verdict.score ?? 0
    if (recipient !== undefined) this.#score += verdict.recipientScores?.[recipient] ?? 0
    if (question !== 'message' && question !== 'sign') return undefined
    if (verdict.verdict !== 'per-recipient') return this.#hear(verdict, opinion)
    const own = recipient === undefined ? undefined : verdict.verdicts[recipient]
    if (own === undefined) return undefined
    this.#score += own.score ?? 0
    return this.#hear(own, opinion)
  }

  close(thresholds: Thresholds): void {
    const verdict = byScore(this.#score, thresholds)
    if (verdict !== undefined) this.#hear(verdict)
  }

  get outcome(): Outcome {
    const score = Math.round(this.#score * 1000) / 1000
    // A refusal that one reply cannot speak becomes a quarantine, never a bounce.
    if (this.objection !== undefined) {
      return { disposition: 'hold', reason: why(this.objection), ...by(this.#objector), score }
    }
    return { disposition: 'deliver', ...this.#set, score }
  }

  #hear(verdict: AnyVerdict, opinion?: Opinion): Objection | undefined {
    if (this.objection !== undefined) return undefined
    this.objection = asObjection(verdict)
    if (this.objection !== undefined) this.#objector = opinion
    if (verdict.verdict === 'quarantine' || verdict.verdict === 'discard') {
      const disposition = verdict.verdict === 'discard' ? 'discard' : 'hold'
      const why = verdict.reason ?? verdict.verdict.toUpperCase()
      this.#set ??= { disposition, reason: why, ...by(opinion) }
    }
    return this.objection
  }
}

function by(opinion: Opinion | undefined): Pick<Outcome, 'opinion'> {
  return opinion === undefined ? {} : { opinion }
}

function why({ status, text, reason }: Objection): string {
  return reason ?? `${status} ${text}`
}

const reason = 'SCORE'
const refusedByScore = Object.freeze(reject('5.7.1', 'Message refused by policy', { reason }))

/**
 * What the thresholds that the score has reached come to: a milder one never undoes a severer one, in whatever order a
 * recipient's own and everybody's have come to stand. Reject and discard both are the end of a message, so of these two
 * the higher counts: it was written for what is worse.
 */
function byScore(score: number, thresholds: Thresholds): AnyVerdict | undefined {
  const { quarantine = Infinity, reject: refuse = Infinity, discard = Infinity } = thresholds
  if (score >= discard && (score < refuse || discard > refuse))
    return { verdict: 'discard', reason }
  if (score >= refuse) return refusedByScore
  return score >= quarantine ? { verdict: 'quarantine', reason } : undefined
}
