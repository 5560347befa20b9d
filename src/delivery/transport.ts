import type { DeliveryResult } from '../mail/delivery-result.ts'
import type { Envelope, Recipient } from '../mail/envelope.ts'
import type { Message } from '../mail/message.ts'
import type { Route } from '../mail/route.ts'

/** One try: this message, to these recipients of its envelope, by this route. */
export interface Delivery<R extends Route = Route> {
  readonly queueId: string
  readonly message: Message
  readonly envelope: Envelope
  readonly recipients: readonly Recipient[]
  readonly route: R
  /** Says that all that is left is to wait for our own disk, so that the slot may go to another delivery. */
  readonly yields?: () => void
}

/** What carries mail. Never throws for what a peer or a disk did: that is a result. One result per recipient, in order. */
export interface Transport<R extends Route = Route> {
  deliver(delivery: Delivery<R>, signal: AbortSignal): Promise<readonly DeliveryResult[]>
  /** Lets go of what it kept for the next delivery, such as connections; none follows. */
  close?(): void
}

/** Where a recipient goes. */
export interface Router {
  route(recipient: Recipient, envelope: Envelope): Promise<Route>
}
