/** What counts of an envelope that a file of another user brings: who sends to whom and how safely, nothing that only we may say. */
import { formatMailbox, parseMailbox, type Mailbox } from '../mail/address.ts'
import type { Envelope } from '../mail/envelope.ts'

/** @returns undefined where an address is none: it would end a line of SMTP, for instance */
export function foreignEnvelope(
  { reversePath, recipients, bodyType, smtputf8, requireTls }: Envelope,
  uid: number,
): Envelope | undefined {
  const mailboxes = recipients.map(({ mailbox }) => mailbox)
  if (reversePath !== null && !isSender(reversePath)) return undefined
  if (!mailboxes.every(isMailbox)) return undefined
  return {
    reversePath,
    recipients: mailboxes.map((mailbox) => ({ mailbox })),
    bodyType,
    smtputf8,
    requireTls,
    user: `uid ${uid}`,
  }
}

/** Also what only programs of qmail's know: lists with a reverse-path for each recipient. */
function isSender(mailbox: Mailbox): boolean {
  return isMailbox(mailbox) || (mailbox.domain === '[]' && /^[!-~]+-$/.test(mailbox.localPart))
}

function isMailbox(mailbox: Mailbox): boolean {
  const parsed = parseMailbox(formatMailbox(mailbox), { smtputf8: true })
  return parsed?.localPart === mailbox.localPart && parsed.domain === mailbox.domain
}
