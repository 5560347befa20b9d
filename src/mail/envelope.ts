import type { Mailbox } from './address.ts'

/** The envelope's reverse-path: a mailbox, or `null` for the null path `<>` (RFC 5321 §4.5.5). */
export type ReversePath = Mailbox | null

/** One accepted forward-path with its parameters (RFC 5321 §3.3; NOTIFY and ORCPT of RFC 3461 §4). */
export interface Recipient {
  readonly mailbox: Mailbox
  readonly notify?: readonly ('never' | 'success' | 'failure' | 'delay')[]
  /** `addr-type;xtext-decoded address`, as the client gave it. */
  readonly originalRecipient?: string
}

export type BodyType = '7bit' | '8bitmime' | 'binarymime'

/** Everything that travels beside a message: RFC 5321 §2.3.1, with the parameters of the extensions we offer. */
export interface Envelope {
  readonly reversePath: ReversePath
  readonly recipients: readonly Recipient[]
  readonly bodyType: BodyType
  readonly smtputf8: boolean
  readonly requireTls: boolean
  /** RFC 3461 §4.4, already decoded. */
  readonly envelopeId?: string
  /** RFC 3461 §4.3. */
  readonly returnContent?: 'full' | 'headers'
  /** The login that sent it; bounces to it need no further proof. */
  readonly user?: string
  /** The client that sent it; absent where a program of this host did, or we ourselves. */
  readonly origin?: MessageOrigin
}

/** What is known of a client, for next hops that are told of it. */
export interface MessageOrigin {
  readonly address: string
  /** 0: unknown. */
  readonly port: number
  /** By DNS, where it was looked up. */
  readonly name?: string
  readonly protocol: 'SMTP' | 'ESMTP'
  /** What it called itself. */
  readonly hello?: string
}

/** The parameters of MAIL FROM, parsed and checked. Absent keys were not given. */
export interface MailParameters {
  readonly sizeBytes?: number
  readonly bodyType?: BodyType
  readonly smtputf8?: boolean
  readonly requireTls?: boolean
  readonly envelopeId?: string
  readonly returnContent?: 'full' | 'headers'
  /** RFC 4954 §5, decoded; `<>` or a mailbox. */
  readonly auth?: string
  /** draft-hall-prdr §4.2: the client understands a reply for each recipient after the message. */
  readonly prdr?: boolean
  /** The reverse-path was written `list-@host-@[]`: each recipient's copy has one of its own (`mail/verp.ts`). */
  readonly verp?: true
}
