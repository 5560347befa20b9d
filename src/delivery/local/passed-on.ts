/**
 * What goes on with a message that an address forwards, of the envelope it came with. That it must go by TLS (RFC 8689), and
 * that it is internationalised, is true of it wherever it goes. What its sender wants to be told goes on where other
 * addresses stand for this one (RFC 3461 §5.2.7), but not to a list, which has an `-owner` who is told. Of several addresses
 * he hears what fails; that they stand for this one is the success that he is told of.
 */
import { formatMailbox } from '../../mail/address.ts'
import type { Envelope, Recipient, ReversePath } from '../../mail/envelope.ts'

/** What a message was delivered here with. */
export interface Received {
  readonly envelope: Envelope
  readonly recipient: Recipient
}

export interface PassedOn {
  readonly envelope: Sent
  /** As `DeliveryResult.relayed`. */
  readonly relayed?: 'with-dsn'
}

type Sent = Omit<Envelope, 'bodyType'>

/** @param sent as the forwarding address wrote it */
export function passOn(sent: Sent, received: Received): PassedOn {
  const { requireTls, smtputf8, user, envelopeId, returnContent } = received.envelope
  const bound = {
    ...sent,
    requireTls: sent.requireTls || requireTls,
    smtputf8: sent.smtputf8 || smtputf8,
  }
  if (!isSame(sent.reversePath, received.envelope.reversePath)) return { envelope: bound }
  const isAlone = sent.recipients.length === 1
  const { originalRecipient } = received.recipient
  const notify = isAlone ? received.recipient.notify : withoutSuccess(received.recipient)
  const asked = {
    ...(notify === undefined ? {} : { notify }),
    ...(originalRecipient === undefined ? {} : { originalRecipient }),
  }
  const envelope = {
    ...bound,
    recipients: sent.recipients.map((recipient) => ({ ...recipient, ...asked })),
    ...(user === undefined ? {} : { user }),
    ...(envelopeId === undefined ? {} : { envelopeId }),
    ...(returnContent === undefined ? {} : { returnContent }),
  }
  return isAlone ? { envelope, relayed: 'with-dsn' } : { envelope }
}

function withoutSuccess({ notify }: Recipient): Recipient['notify'] {
  const others = notify?.filter((word) => word !== 'success')
  return others?.length === 0 ? ['never'] : others
}

function isSame(one: ReversePath, other: ReversePath): boolean {
  if (one === null || other === null) return one === other
  return formatMailbox(one) === formatMailbox(other)
}
