/** Whether an entry's `when` and `unless` let it be asked, as far as that can be known yet. */
import { mailboxKey, type Mailbox } from '../mail/address.ts'
import type { Recipient } from '../mail/envelope.ts'
import type { Stage } from '../mail/status.ts'
import { allowed, relayClient, type Findings } from '../plugin/finding.ts'
import type { Judgement } from './condition.ts'
import { stageOf, type Place } from './entry.ts'
import type { Inquiry } from './inquiry.ts'

export interface Judging {
  /** A refusal is about to be spoken: what is not known now counts as not so. */
  readonly decided?: boolean
  /** At `message`: what the entries before this one have found there. */
  readonly findings?: Findings
}

const plainly: Judging = Object.freeze({})
export const decidedly: Judging = Object.freeze({ decided: true })

/**
 * Whether an entry applies. While asking at `connect` … `auth` a login may still come, so "not logged in"
 * cannot be said yet; when a refusal is about to be spoken (`decided`) it counts as it is.
 *
 * @returns undefined where that is not known yet
 */
export function applies(
  inquiry: Inquiry,
  { entry, question }: Place,
  recipient?: Recipient,
  { decided = false, findings }: Judging = plainly,
): Judgement {
  if (entry.condition === undefined) return true
  const { session } = inquiry
  if (session === undefined) return undefined
  const early = isEarly(stageOf(question)) && !decided
  const authenticated = session.user !== undefined || (early ? undefined : false)
  const relays = inquiry.findings.enforced.get(relayClient) !== undefined
  return entry.condition.judge({
    listener: session.listener,
    address: session.remote.address,
    environment: inquiry.environment,
    authenticated,
    relayClient: relays || (early ? undefined : false),
    allowed: isAllowed(inquiry, recipient, { early, findings }),
    recipient,
  })
}

/** Whether somebody could not say yet that this recipient's sender is allowed. */
export function isUnproven({ findings }: Inquiry): boolean {
  return findings.enforced.get(allowed)?.holds === 'unproven'
}

function isAllowed(
  inquiry: Inquiry,
  recipient: Recipient | undefined,
  { early, findings }: { readonly early: boolean; readonly findings: Findings | undefined },
): Judgement {
  const mailbox = recipient?.mailbox
  const late = findings?.get(allowed)
  if (late?.holds === 'yes' && isMeant(late.recipients, mailbox)) return true
  const holds = inquiry.findings.about(allowed, mailbox)?.holds
  // Of one recipient it says nothing about the next.
  if (holds === 'yes') return mailbox === undefined ? undefined : true
  return early || (holds === 'unproven' && inquiry.provesLater) ? undefined : false
}

function isMeant(recipients: readonly string[] | undefined, mailbox: Mailbox | undefined): boolean {
  return (
    recipients === undefined || (mailbox !== undefined && recipients.includes(mailboxKey(mailbox)))
  )
}

function isEarly(stage: Stage): boolean {
  return stage === 'connect' || stage === 'hello' || stage === 'auth'
}
