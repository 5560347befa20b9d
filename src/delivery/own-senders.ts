/**
 * VERP: a reverse-path `list-@host-@[]` is expanded for each recipient, whatever carries his copy, as qmail-send does for
 * qmail-local and qmail-remote alike. Transports that speak SMTP or QMTP do it themselves: all copies go by one connection.
 */
import { latin1Bytes, readable } from '../formats/octets.ts'
import type { Mailbox } from '../mail/address.ts'
import type { DeliveryResult } from '../mail/delivery-result.ts'
import type { Recipient } from '../mail/envelope.ts'
import type { Route } from '../mail/route.ts'
import { reversePathFor, verpBase } from '../mail/verp.ts'
import type { Transport } from './transport.ts'

export function withOwnSenders<R extends Route>(transport: Transport<R>): Transport<R> {
  return {
    ...transport,
    async deliver(delivery, signal) {
      const { envelope, recipients, route } = delivery
      if (verpBase(envelope.reversePath) === undefined) return transport.deliver(delivery, signal)
      const { yields, ...rest } = delivery
      const results: DeliveryResult[] = []
      for (const recipient of recipients) {
        const reversePath = reversePathFor(envelope.reversePath, namedIn(route, recipient))
        const own = {
          ...rest,
          envelope: { ...envelope, reversePath },
          recipients: [recipient],
          // The slot is needed until the last copy has gone.
          ...(yields !== undefined && recipient === recipients.at(-1) ? { yields } : {}),
        }
        // oxlint-disable-next-line no-await-in-loop -- the same hop, one copy after the other
        results.push(...(await transport.deliver(own, signal)))
      }
      return results
    },
  }
}

/** As qmail names him: a recipient of a virtual domain by the user who has it. */
function namedIn(route: Route, { mailbox }: Recipient): Mailbox {
  if (route.transport !== 'local') return mailbox
  return { localPart: readable(latin1Bytes(route.local)), domain: route.domain }
}
