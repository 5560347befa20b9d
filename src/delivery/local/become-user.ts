/** What comes of a delivery that a process of the user's makes; what it wants to be sent on, we send on. */
import { latin1Bytes, readable } from '../../formats/octets.ts'
import { parseQmailEnvelope } from '../../formats/qmail-queue-protocol.ts'
import { isPosternError } from '../../mail/errors.ts'
import type { DeliveryResult } from '../../mail/delivery-result.ts'
import type { UserDelivery } from '../../runtime/deliverer.ts'
import type { Owner } from './as-user.ts'
import type { LocalDelivery, LocalDoors } from './local-delivery.ts'
import { localResult } from './local-result.ts'

export interface BecomeUserOptions {
  /** As `deliverAsUser`, or somebody who does it for us. */
  readonly deliver: (
    delivery: LocalDelivery,
    owner: Owner,
    signal: AbortSignal,
  ) => Promise<UserDelivery>
  readonly forward: LocalDoors['forward']
}

export type Becoming = (
  delivery: LocalDelivery,
  owner: Owner,
  signal: AbortSignal,
) => Promise<DeliveryResult>

export function becomeUser({ deliver, forward }: BecomeUserOptions): Becoming {
  return async (delivery, owner, signal) => {
    try {
      const { end, text: said, forward: asked } = await deliver(delivery, owner, signal)
      const text = readable(said)
      if ('signal' in end) return localResult(111, 'Aack, child crashed. (#4.3.0)')
      // `postern local` says 0, 100 or 111: whatever else is a process that could not do its work.
      if (end.exit !== 0) return localResult(end.exit === 100 ? 100 : 111, text)
      return await sendOn(delivery, { forward, asked, text })
    } catch (error) {
      if (isPosternError(error)) return localResult(111, `${error.message}. (#4.3.0)`)
      throw error
    }
  }
}

interface SendingOn {
  readonly forward: LocalDoors['forward']
  /** Empty: nothing is to be forwarded. */
  readonly asked: Uint8Array
  readonly text: string
}

async function sendOn(
  delivery: LocalDelivery,
  { forward, asked, text }: SendingOn,
): Promise<DeliveryResult> {
  if (asked.length === 0) return localResult(0, text)
  const { local, host } = delivery.address
  const parsed = parseQmailEnvelope(asked)
  if (!parsed.ok)
    return localResult(111, 'Unable to forward message: too many recipients. (#4.3.0)')
  const sent = await forward({
    ...parsed.envelope,
    message: withDeliveredTo(`Delivered-To: ${local}@${host}\n`, delivery.message()),
    received: delivery.received,
  })
  if ('queued' in sent) return localResult(0, `${text}qp ${sent.queued}\n`, sent)
  return localResult(sent.exit, sent.text)
}

async function* withDeliveredTo(
  line: string,
  message: AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  yield latin1Bytes(line)
  yield* message
}
