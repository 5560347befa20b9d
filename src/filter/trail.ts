import { stageOf } from './entry.ts'
import type { Step } from './step.ts'
import { isPlainPass } from '../plugin/verdict.ts'

/** What a client can make us remember of one session by greeting and logging in over and over. */
const mostOfSession = 400
/** Beyond it, what happened to a refused recipient is forgotten, and that nothing happened to an accepted one. */
const mostOfTransaction = 4000

/** The steps of a session and of the transaction in it, bounded. */
export class Trail {
  /** Connect, greeting, logins. */
  session: Step[] = []
  transaction: Step[] = []
  /** Steps that did not fit. */
  lost = 0
  #recipientFrom = 0

  add(step: Step): void {
    if (!belongsToSession(step)) {
      this.transaction.push(step)
      return
    }
    this.session.push(step)
    if (this.session.length <= mostOfSession) return
    const old = this.session.findIndex(({ stage }) => stage === 'auth')
    this.session.splice(Math.max(old, 0), 1)
    this.lost += 1
  }

  /** A new greeting replaces the one before. */
  beginHello(): void {
    this.session = this.session.filter(
      ({ kind, place, stage }) =>
        place.question !== 'hello' && (kind === 'asked' || stage !== 'hello'),
    )
  }

  beginTransaction(): void {
    this.transaction = []
    this.lost = 0
  }

  beginRecipient(): void {
    this.#recipientFrom = this.transaction.length
  }

  /** Those of the session before those of the transaction. */
  get all(): readonly Step[] {
    return [...this.session, ...this.transaction]
  }

  /** The steps of the recipient that is being asked about. */
  get recipient(): readonly Step[] {
    return this.transaction.slice(this.#recipientFrom)
  }

  endRecipient(accepted: boolean): void {
    if (this.transaction.length <= mostOfTransaction) return
    const steps = this.transaction.splice(this.#recipientFrom)
    const kept = accepted ? steps.filter(({ verdict }) => !isPlainPass(verdict)) : []
    this.transaction.push(...kept)
    this.lost += steps.length - kept.length
  }
}

function belongsToSession({ kind, place, stage }: Step): boolean {
  if (kind !== 'asked') return stage === 'connect' || stage === 'hello'
  const { question } = place
  const at = stageOf(question)
  return at === 'connect' || at === 'hello' || at === 'auth'
}
