import type { Reply } from '../mail/reply.ts'
import type { Dialogue } from './dialogue.ts'
import {
  ehloFirst,
  helloFirst,
  lhloFirst,
  loginFirst,
  mailFirst,
  midMessage,
  nestedMail,
  noRecipients,
  noRecipientsLmtp,
  rcptFirst,
  tlsFirst,
} from './replies.ts'
import type { Need } from './verbs/verb.ts'

/** May a verb with these needs come now (RFC 5321 §4.1.4)? @returns what to answer if not */
export function outOfOrder(needs: readonly Need[], dialogue: Dialogue): Reply | undefined {
  for (const need of needs) {
    const reply = missing(need, dialogue)
    if (reply !== undefined) return reply
  }
  return undefined
}

function missing(
  need: Need,
  { session, settings, transaction, intake }: Dialogue,
): Reply | undefined {
  switch (need) {
    case 'hello':
      if (session.hello !== undefined) return undefined
      return settings.protocol === 'lmtp' ? lhloFirst : helloFirst
    case 'ehlo':
      if (session.hello !== undefined && session.hello.verb !== 'HELO') return undefined
      return settings.protocol === 'lmtp' ? lhloFirst : ehloFirst
    case 'login':
      return settings.authRequired && session.user === undefined ? loginFirst : undefined
    case 'tls':
      return settings.starttls === 'required' && session.tls === undefined ? tlsFirst : undefined
    case 'no transaction':
      return transaction === undefined ? undefined : nestedMail
    case 'transaction':
      return transaction === undefined ? mailFirst : undefined
    case 'recipients':
      if (transaction?.recipients.length !== 0) return undefined
      if (settings.protocol === 'lmtp') return noRecipientsLmtp
      return transaction.asked ? noRecipients : rcptFirst
    case 'no chunks':
      return intake === undefined ? undefined : midMessage
  }
}
