/** What the commands of one session share. */
import type { Session } from '../mail/session.ts'
import type { LoginEvidence, SessionPolicy } from '../smtp/policy.ts'
import type { DropMessage, Maildrop } from './maildrop.ts'
import type { Answer } from './replies.ts'

/** What the commands of the TRANSACTION state share. */
export interface MailDialogue {
  /** There from the login on: the TRANSACTION state. */
  drop: Maildrop | undefined
  readonly deleted: Set<DropMessage>
}

export interface Dialogue extends MailDialogue {
  readonly session: Session
  readonly policy: SessionPolicy
  /** Whether STLS may be said. */
  readonly canStartTls: boolean
  /** By USER, for the PASS that follows. */
  userName: string | undefined
  /** The next line is a SASL response. */
  inSasl: boolean
  /** Whether somebody may log in now: a back end takes passwords, and nobody else hears them. */
  readonly mayLogIn: 'yes' | 'after STLS' | 'no'
  /** Of the greeting; `undefined`: APOP is not offered. */
  readonly timestamp: string | undefined
  logIn(user: string, evidence: LoginEvidence): Promise<Answer>
}

export interface Verb<D = Dialogue> {
  readonly state: 'authorization' | 'transaction' | 'any'
  run(dialogue: D, rest: string): Answer | Promise<Answer>
}
