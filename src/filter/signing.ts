/**
 * The last question of all: each version of a message that is taken is shown to those who sign, with every edit of its header
 * applied, so that what they sign is what is committed. Each sees what those before it added.
 */
import { withHead } from '../mail/edited-message.ts'
import { applyHeaderEdits } from '../mail/header-edits.ts'
import type { Message } from '../mail/message.ts'
import type { Transaction } from '../mail/session.ts'
import type { MessageEvent } from '../smtp/policy.ts'
import type { AskedPlace } from './entry.ts'
import type { Inquiry } from './inquiry.ts'
import { applies, decidedly } from './applies.ts'
import type { MessageRound } from './message-round.ts'
import type { Replaced, Version } from './placements.ts'

export interface SigningRequest {
  readonly transaction: Transaction
  readonly message: Message
  readonly replaced?: Replaced | undefined
  /** Knows what is done to the header before all other edits. */
  readonly event: Pick<MessageEvent, 'entering'>
  readonly versions: readonly Version[]
  /** Knows what was found, and is told whom each signature is for. */
  readonly round: Pick<MessageRound, 'findings' | 'scopes'>
}

/** What they add, or that they failed, is in their steps. */
export async function askSigners(
  inquiry: Inquiry,
  { transaction, message: received, replaced, event, versions, round }: SigningRequest,
): Promise<void> {
  for (const { outcome, headerEdits, recipients, asReceived } of versions) {
    if (outcome.disposition === 'discard') continue
    const places = inquiry.generation.places.sign.filter((place) =>
      appliesToAll(inquiry, place, transaction, recipients),
    )
    if (places.length === 0) continue
    const message = asReceived ? received : (replaced?.message ?? received)
    const entering = await event.entering(message)
    let head = applyHeaderEdits(await headOf(message), [...entering, ...headerEdits])
    for (const place of places) {
      const asked = { transaction, message: withHead(message, head) }
      const step = await inquiry.ask(place, asked, { findings: round.findings(place.entry.shadow) })
      if (recipients.length < transaction.recipients.length) round.scopes.set(step, recipients)
      if (!place.entry.shadow) head = applyHeaderEdits(head, step.verdict.headerEdits ?? [])
    }
  }
}

/** A version is signed where the entry applies to everybody who gets it. */
function appliesToAll(
  inquiry: Inquiry,
  place: AskedPlace<'sign'>,
  transaction: Transaction,
  recipients: readonly number[],
): boolean {
  return recipients.every(
    (index) => applies(inquiry, place, transaction.recipients[index], decidedly) === true,
  )
}

async function headOf(message: Message): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  const range = { offset: 0, length: message.bodyOffset }
  for await (const chunk of message.read(range)) chunks.push(chunk)
  return Buffer.concat(chunks)
}
