import { formatPath, parsePath } from '../../mail/address.ts'
import { lenientPath } from '../../mail/lenient-path.ts'
import { parseMail } from '../command.ts'
import { meantAddress } from '../meant-address.ts'
import { messageTooBig, reversePathOk } from '../replies.ts'
import { commandLineBytes, type Verb } from './verb.ts'

/**
 * What SIZE (RFC 1870 §3), BODY (RFC 6152 §2), SMTPUTF8 (RFC 6531 §3.4), AUTH (RFC 4954 §3), RET and ENVID
 * (RFC 3461 §4), REQUIRETLS (RFC 8689 §2) and PRDR add to the line.
 */
const parameterBytes = 26 + 18 + 10 + 500 + 107 + 11 + 5

/** MAIL FROM (RFC 5321 §4.1.1.2): a transaction begins. */
export const mail: Verb = {
  needs: ['tls', 'hello', 'login', 'no transaction'],
  maxLineBytes: commandLineBytes + parameterBytes,
  run(dialogue, rest) {
    const { maxMessageBytes, lenientAddresses } = dialogue.settings
    const parsed = parseMail(rest, dialogue.offers, lenientAddresses ? lenientPath : parsePath)
    if (!parsed.ok) return parsed.reply
    const { reversePath: written, parameters } = parsed.value
    const reversePath = written && meantAddress(written, dialogue)
    if (maxMessageBytes > 0 && (parameters.sizeBytes ?? 0) > maxMessageBytes) return messageTooBig
    const { session, policy, forwarded, nextTransactionId: transactionId } = dialogue
    const source = forwarded === undefined ? {} : { forwarded }
    return dialogue.consult(
      policy.mail({ transactionId, session, reversePath, parameters, ...source }),
      (ruling) => {
        if (ruling.ruling !== 'pass') return dialogue.refuse('mail', ruling)
        if (dialogue.settings.logsMail) {
          const { id, remote } = session
          const path = formatPath(reversePath)
          const fields = { session: id, transaction: transactionId, remote: remote.address, path }
          dialogue.log.info('mail.taken', fields)
        }
        dialogue.openTransaction(reversePath, parameters)
        return reversePathOk
      },
    )
  },
}
