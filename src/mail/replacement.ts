import type { Message } from './message.ts'

/** A message that stands in the place of the one received: what a QMAILQUEUE program has made of it. */
export interface Replacement {
  readonly message: Message
  /** SHA-256 of the message as received, and of this one: 64 hexadecimal digits each, for the trace. */
  readonly receivedDigest: string
  readonly digest: string
  /** It is committed, or it is not needed: nobody reads it any more. Called once. */
  release(): void
}
