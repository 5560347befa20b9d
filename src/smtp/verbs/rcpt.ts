import { formatPath, parsePath } from '../../mail/address.ts'
import { lenientPath } from '../../mail/lenient-path.ts'
import type { Reply } from '../../mail/reply.ts'
import type { ObjectionRuling } from '../../mail/ruling.ts'
import { parseRcpt } from '../command.ts'
import type { Dialogue } from '../dialogue.ts'
import { meantRecipient } from '../meant-address.ts'
import { mailFirst, recipientOk, tooManyRecipients, tooManyRefusals } from '../replies.ts'
import { commandLineBytes, type Verb } from './verb.ts'

/** What NOTIFY and ORCPT add to the line (RFC 3461 §4), and an address in UTF-8 (RFC 6531 §3.4). */
const parameterBytes = 500 + 10

/** RCPT TO (RFC 5321 §4.1.1.3): a recipient, if the policy has it. */
export const rcpt: Verb = {
  needs: ['transaction', 'no chunks'],
  maxLineBytes: commandLineBytes + parameterBytes,
  run(dialogue, rest) {
    const { transaction, policy, settings } = dialogue
    if (transaction === undefined) return mailFirst
    transaction.asked = true
    const parsed = parseRcpt(
      rest,
      { smtputf8: transaction.parameters.smtputf8 === true, offers: dialogue.offers },
      settings.lenientAddresses ? lenientPath : parsePath,
    )
    if (!parsed.ok) return parsed.reply
    const mailbox = meantRecipient(parsed.value.mailbox, dialogue)
    const recipient = mailbox === parsed.value.mailbox ? parsed.value : { ...parsed.value, mailbox }
    if (settings.logsRecipients) {
      const { id, session } = transaction
      const path = formatPath(recipient.mailbox)
      const { id: sessionId, remote } = session
      const fields = { session: sessionId, transaction: id, remote: remote.address, path }
      dialogue.log.info('rcpt.asked', fields)
    }
    if (transaction.recipients.length >= settings.maxRecipients) return tooManyRecipients
    return dialogue.consult(policy.rcpt({ transaction, recipient }), (ruling) => {
      if (ruling.ruling !== 'pass') return refuseRecipient(dialogue, ruling)
      transaction.recipients.push(recipient)
      return recipientOk
    })
  },
}

/** Who tries one address after the other is sent away in the end; who is deferred is to come back. */
function refuseRecipient(dialogue: Dialogue, ruling: ObjectionRuling): Reply {
  const { hostname, maxRefusedRecipients } = dialogue.settings
  if (ruling.ruling === 'reject' && ++dialogue.refusedRecipients >= maxRefusedRecipients) {
    dialogue.end('errors')
    return tooManyRefusals(hostname)
  }
  return dialogue.refuse('rcpt', ruling)
}
