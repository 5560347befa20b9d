/**
 * Who hears what after a message. SMTP says one thing to all; LMTP answers for every recipient that RCPT accepted, in
 * their order (RFC 2033 §4.2), and QMTP for those that were taken among its own; so does PRDR where they differ, between a 353 and what is said of the whole
 * (draft-hall-prdr §4.5).
 */
import type { Answer, Reply } from '../mail/reply.ts'
import type { Transaction } from '../mail/session.ts'
import type { MessageEvent, ReceiverSettings } from './policy.ts'
import { eachFollows } from './replies.ts'

type Protocol = ReceiverSettings['protocol']

/** Whether each recipient is answered, whatever the client asks for. */
function answersEach(protocol: Protocol): boolean {
  return protocol === 'lmtp' || protocol === 'qmtp'
}

/** Whether recipients of this transaction can be told different things. */
export function answersIn(protocol: Protocol, transaction: Transaction): MessageEvent['answers'] {
  return answersEach(protocol) || transaction.parameters.prdr === true ? 'each' : 'one'
}

/** One reply for all, said as often as the protocol wants it. */
export function toAll(protocol: Protocol, transaction: Transaction, reply: Reply): Answer {
  return answersEach(protocol) ? transaction.recipients.map(() => reply) : reply
}

/** @param replies one for each recipient; `whole`: what is said of the message as a whole */
export function toEach(protocol: Protocol, replies: readonly Reply[], whole: Reply): Answer {
  return answersEach(protocol) ? replies : [eachFollows, ...replies, whole]
}
