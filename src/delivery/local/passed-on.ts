/**
 * What goes on with a message that an address forwards, of the envelope it came with. That it must go by TLS (RFC 8689), and
 * that it is internationalised, is true of it wherever it goes. What its sender wants to be told goes on where one other
 * address stands for this one (RFC 3461 §5.2.7): not to a list, which has an `-owner` who is told, nor to several.
 */
import { formatMailbox } from '../../mail/address.ts'
import type { Envelope, Recipient, ReversePath } from '../../mail/envelope.ts'

/** What a message was delivered here with. */
export interface Received {
  readonly envelope: Envelope
  readonly recipient: Recipient
}

export interface PassedOn<E> {
  readonly envelope: E
  /** As `DeliveryResult.relayed`. */
  readonly relayed?: 'with-dsn'
}

type Sent = Omit<Envelope, 'bodyType'>

/** @param sent as the forwarding address wrote it */
export function passOn(sent: Sent, received: Received): PassedOn<Sent> {
  const { requireTls, smtputf8, user, envelopeId, returnContent } = received.envelope
  const bound = {
    ...sent,
    requireTls: sent.requireTls || requireTls,
    smtputf8: sent.smtputf8 || smtputf8,
  }
  if (!isSame(sent.reversePath, received.envelope.reversePath)) return { envelope: bound }
  const fromSender = { ...bound, ...(user === undefined ? {} : { user }) }
  const [only, ...others] = sent.recipients
  if (only === undefined || others.length > 0) return { envelope: fromSender }
  const { notify, originalRecipient } = received.recipient
  const recipient: Recipient = {
    ...only,
    ...(notify === undefined ? {} : { notify }),
    ...(originalRecipient === undefined ? {} : { originalRecipient }),
  }
  const envelope = {
    ...fromSender,
    recipients: [recipient],
    ...(envelopeId === undefined ? {} : { envelopeId }),
    ...(returnContent === undefined ? {} : { returnContent }),
  }
  return { envelope, relayed: 'with-dsn' }
}

function isSame(one: ReversePath, other: ReversePath): boolean {
  if (one === null || other === null) return one === other
  return formatMailbox(one) === formatMailbox(other)
}
