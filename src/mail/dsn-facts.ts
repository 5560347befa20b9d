import type { Mailbox } from './address.ts'
import type { DeliveryResult } from './delivery-result.ts'
import type { Envelope, Recipient } from './envelope.ts'
import type { Instant } from './instant.ts'

/** What became of one recipient. */
export interface DsnRecipient {
  readonly recipient: Recipient
  readonly result: DeliveryResult
  /** Where `delivered` says too much: the next hop takes no DSN requests (RFC 3464 §2.3.3), or a list was expanded. */
  readonly action?: 'relayed' | 'expanded'
  readonly lastAttemptAt?: Instant
  /** Only for a recipient that is deferred. */
  readonly retryUntil?: Instant
}

/** All that a delivery status notification says. */
export interface DsnFacts {
  /** Unique for ever on this host: the Message-ID and the boundary are made of it. */
  readonly id: string
  readonly at: Instant
  /** Our own name. */
  readonly hostname: string
  /** Usually MAILER-DAEMON at our own name. */
  readonly from: Mailbox
  readonly to: Mailbox
  /** Of the message that is reported on. A null reverse-path makes this a double bounce. */
  readonly envelope: Envelope
  readonly arrivedAt?: Instant
  readonly recipients: readonly [DsnRecipient, ...DsnRecipient[]]
  readonly original: {
    /** With its empty line. */
    readonly header: Uint8Array
    /** Without it only the header is returned: ask `returnsBody` whether to read it. */
    readonly body?: readonly Uint8Array[]
  }
}
