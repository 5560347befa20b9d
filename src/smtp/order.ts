import type { Reply } from '../mail/reply.ts'
import type { Dialogue } from './dialogue.ts'
import {
  ehloFirst,
  helloFirst,
  mailFirst,
  midMessage,
  nestedMail,
  noRecipients,
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
      return session.hello === undefined ? helloFirst : undefined
    case 'ehlo':
      return session.hello === undefined || session.hello.verb === 'HELO' ? ehloFirst : undefined
    case 'tls':
      return settings.starttls === 'required' && session.tls === undefined ? tlsFirst : undefined
    case 'no transaction':
      return transaction === undefined ? undefined : nestedMail
    case 'transaction':
      return transaction === undefined ? mailFirst : undefined
    case 'recipients':
      return transaction?.recipients.length === 0 ? noRecipients : undefined
    case 'no chunks':
      return intake === undefined ? undefined : midMessage
  }
}
