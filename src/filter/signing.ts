/**
 * The last question of all: each copy of a message that is taken is shown to those who sign, with every edit of its header
 * applied, so that what they sign is what is committed. Each sees what those before it added.
 */
import { withHead } from '../mail/edited-message.ts'
import type { HeaderEdit } from '../mail/edits.ts'
import { applyHeaderEdits } from '../mail/header-edits.ts'
import type { Message } from '../mail/message.ts'
import type { Transaction } from '../mail/session.ts'
import type { AskedPlace } from './entry.ts'
import type { Inquiry } from './inquiry.ts'
import type { Copy } from './placements.ts'
import type { Step } from './step.ts'

export interface SigningRequest {
  readonly transaction: Transaction
  readonly message: Message
  /** What is done to the header before all other edits. */
  readonly entering: readonly HeaderEdit[]
  readonly copies: readonly Copy[]
}

/** @returns the recipients that each step speaks of, where these are not all; a signer that failed is in the step */
export async function askSigners(
  inquiry: Inquiry,
  { transaction, message, entering, copies }: SigningRequest,
): Promise<ReadonlyMap<Step, readonly number[]>> {
  const scopes = new Map<Step, readonly number[]>()
  const received = await headOf(message)
  for (const { outcome, headerEdits, recipients } of copies) {
    if (outcome.disposition === 'discard') continue
    const places = inquiry.generation.places.sign.filter((place) =>
      applies(inquiry, place, transaction, recipients),
    )
    if (places.length === 0) continue
    let head = applyHeaderEdits(received, [...entering, ...headerEdits])
    for (const place of places) {
      const step = await inquiry.ask(place, { transaction, message: withHead(message, head) })
      if (recipients.length < transaction.recipients.length) scopes.set(step, recipients)
      if (!place.entry.shadow) head = applyHeaderEdits(head, step.verdict.headerEdits ?? [])
    }
  }
  return scopes
}

/** A copy is signed where the entry applies to everybody who gets it. */
function applies(
  inquiry: Inquiry,
  { entry, question }: AskedPlace<'sign'>,
  transaction: Transaction,
  recipients: readonly number[],
): boolean {
  return recipients.every(
    (index) => inquiry.judge(entry, question, transaction.recipients[index], true) === true,
  )
}

async function headOf(message: Message): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  const range = { offset: 0, length: message.bodyOffset }
  for await (const chunk of message.read(range)) chunks.push(chunk)
  return Buffer.concat(chunks)
}
