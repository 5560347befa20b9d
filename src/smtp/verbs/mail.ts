import { formatPath, parsePath } from '../../mail/address.ts'
import { lenientPath } from '../../mail/lenient-path.ts'
import type { Reply } from '../../mail/reply.ts'
import { parseMail } from '../command.ts'
import type { Dialogue } from '../dialogue.ts'
import { meantAddress } from '../meant-address.ts'
import { identified, loginFirst, messageTooBig, reversePathOk, tlsFirst } from '../replies.ts'
import type { MailRefusal } from '../policy.ts'
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
    if (!parsed.ok) return turnAway(dialogue, { rest, reason: 'BAD_MAIL', refusal: parsed.reply })
    const { reversePath: written, parameters } = parsed.value
    const reversePath = written && meantAddress(written, dialogue)
    if (maxMessageBytes > 0 && (parameters.sizeBytes ?? 0) > maxMessageBytes) {
      return turnAway(dialogue, { rest, reason: 'MESSAGE_TOO_BIG', refusal: messageTooBig })
    }
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
  tooEarly(dialogue, rest, refusal) {
    const reason = early.get(refusal)
    return reason === undefined ? refusal : turnAway(dialogue, { rest, reason, refusal })
  },
}

/** What somebody may want to know the reason of; whoever greets nobody first knows it. */
const early: ReadonlyMap<Reply, MailRefusal['reason']> = new Map([
  [loginFirst, 'LOGIN_FIRST'],
  [tlsFirst, 'TLS_FIRST'],
])

interface TurnedAway {
  readonly rest: string
  readonly reason: MailRefusal['reason']
  readonly refusal: Reply
}

/** The chain is not asked, and no transaction begins; that it was said is recorded all the same. */
function turnAway(dialogue: Dialogue, { rest, reason, refusal }: TurnedAway): Reply {
  const { session, nextTransactionId: transactionId } = dialogue
  const path = rest.slice(rest.indexOf(':') + 1).trimStart()
  const [reversePath = ''] = path.split(' ', 1)
  const said = identified(refusal, dialogue.shownId)
  dialogue.refusedMail({ transactionId, session, reversePath, reason, reply: said })
  return said
}
