/**
 * Mail for an address that stands for others: a copy for its own mailbox, then one message in our own queue for all the
 * rest, with the reverse-path it came with, or for strangers with one of ours (SRS). `delivered` means that the queue has promised it. The mailbox comes first, so
 * that a retry does not send the rest twice. A message that came by here before fails.
 */
import { formatMailbox } from '../../mail/address.ts'
import type { DeliveryResult } from '../../mail/delivery-result.ts'
import type { Envelope, Recipient } from '../../mail/envelope.ts'
import { isPosternError } from '../../mail/errors.ts'
import type { AliasRoute, MaildirRoute } from '../../mail/route.ts'
import { deliveredToField } from '../../mail/trace-fields.ts'
import type { Placement, Queue } from '../../queue/queue.ts'
import type { SenderRewriting, Share } from '../sender-rewriting.ts'
import type { Delivery, Transport } from '../transport.ts'
import { comesBack, looping } from './maildir.ts'

export interface AliasOptions {
  readonly queue: Pick<Queue, 'begin'>
  readonly maildir: Transport<MaildirRoute>
  /** Absent: reverse-paths stay. */
  readonly rewriting?: Pick<SenderRewriting, 'shares'>
}

/** No honest message has come by more aliases. */
const mostDeliveries = 50

export function aliasTransport({ queue, maildir, rewriting }: AliasOptions): Transport<AliasRoute> {
  async function deliverTo(
    delivery: Delivery<AliasRoute>,
    recipient: Recipient,
    signal: AbortSignal,
  ): Promise<DeliveryResult> {
    const { message, route } = delivery
    const { to, keep } = route
    const passed = message.header.all('Delivered-To').length
    if (comesBack({ message, recipient }) || passed >= mostDeliveries) return looping
    let kept: DeliveryResult | undefined
    if (keep !== undefined) {
      // The slot stays ours: what is sent on comes after it.
      const { queueId, envelope } = delivery
      const own = { queueId, message, envelope, recipients: [recipient], route: keep }
      kept = (await maildir.deliver(own, signal))[0]
      if (kept?.outcome === 'deferred') return kept
    }
    if (to.length === 0) return kept ?? thrownAway
    const sent = await sendOn(delivery, recipient)
    return sent.outcome === 'delivered' && kept?.outcome === 'failed' ? kept : sent
  }

  async function sendOn(
    { message, envelope, route }: Delivery<AliasRoute>,
    recipient: Recipient,
  ): Promise<DeliveryResult> {
    const draft = queue.begin()
    try {
      await draft.write(Buffer.from(deliveredToField(recipient.mailbox)))
      for await (const chunk of message.read()) await draft.write(chunk)
      await draft.end()
      const sent = envelopeFor(envelope, recipient, route)
      const [first = sent, ...others] = (await rewriting?.shares(sent)) ?? []
      const placed = (share: Share): Placement => ({
        disposition: 'deliver',
        headerEdits: [],
        envelope: { ...sent, ...share },
      })
      const { ids: ledTo } = await draft.commit([placed(first), ...others.map(placed)])
      const text = `Sent on to ${route.to.length === 1 ? 'one address' : `${route.to.length} addresses`}`
      return { outcome: 'delivered', status: '2.0.0', text, relayed: 'with-dsn', ledTo }
    } catch (error) {
      if (!isPosternError(error)) throw error
      const status = error.code === 'DISK_FULL' ? '4.3.1' : '4.3.0'
      return { outcome: 'deferred', status, text: `It cannot be sent on: ${error.message}` }
    } finally {
      draft.abort()
    }
  }

  return {
    async deliver(delivery, signal) {
      const results: DeliveryResult[] = []
      for (const recipient of delivery.recipients) {
        results.push(signal.aborted ? calledOff : await deliverTo(delivery, recipient, signal))
      }
      return results
    },
  }
}

const thrownAway: DeliveryResult = {
  outcome: 'delivered',
  status: '2.0.0',
  text: 'Thrown away: nobody has this address, and its domain wants no bounces',
}

const calledOff: DeliveryResult = {
  outcome: 'deferred',
  status: '4.3.2',
  text: 'The delivery was called off',
}

/** What the sender asked to be told goes on, about the address that he knows (RFC 3461 §5.2.7). */
function envelopeFor(envelope: Envelope, recipient: Recipient, { to }: AliasRoute): Envelope {
  const { notify, originalRecipient = `rfc822;${formatMailbox(recipient.mailbox)}` } = recipient
  const asked = { ...(notify === undefined ? {} : { notify }), originalRecipient }
  const international = to.some((mailbox) => /[^\0-\x7F]/.test(formatMailbox(mailbox)))
  return {
    ...envelope,
    recipients: to.map((mailbox) => ({ mailbox, ...asked })),
    smtputf8: envelope.smtputf8 || international,
  }
}
