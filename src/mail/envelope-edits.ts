import { sameMailbox } from './address.ts'
import type { EnvelopeEdit } from './edits.ts'
import type { Envelope, Recipient } from './envelope.ts'

/**
 * The envelope with the edits applied in order. A mailbox that is a recipient already is not added again. A copy with an
 * envelope of its own changes nothing here.
 * It may end with no recipients: then nothing is left to deliver.
 */
export function applyEnvelopeEdits(envelope: Envelope, edits: readonly EnvelopeEdit[]): Envelope {
  return edits.reduce(applyEnvelopeEdit, envelope)
}

function applyEnvelopeEdit(envelope: Envelope, edit: EnvelopeEdit): Envelope {
  const { recipients } = envelope
  switch (edit.edit) {
    case 'setReversePath':
      return { ...envelope, reversePath: edit.reversePath }
    case 'addRecipient':
      return { ...envelope, recipients: distinct([...recipients, edit.recipient]) }
    case 'addCopy':
      return envelope
    case 'removeRecipient':
      return {
        ...envelope,
        recipients: recipients.filter(({ mailbox }) => !sameMailbox(mailbox, edit.mailbox)),
      }
    case 'replaceRecipient':
      return {
        ...envelope,
        recipients: distinct(
          recipients.map((each) => (sameMailbox(each.mailbox, edit.mailbox) ? edit.by : each)),
        ),
      }
  }
}

/** The first of each mailbox, in order. */
function distinct(recipients: readonly Recipient[]): readonly Recipient[] {
  const first = new Map<string, Recipient>()
  for (const recipient of recipients) {
    const { localPart, domain } = recipient.mailbox
    const key = `${localPart}@${domain.toLowerCase()}`
    if (!first.has(key)) first.set(key, recipient)
  }
  return [...first.values()]
}
