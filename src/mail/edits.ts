import type { Recipient, ReversePath } from './envelope.ts'
import type { Mailbox } from './address.ts'

/** One change to the header. Applied once, in order, at commit; the body is never rewritten. Values may fold with CRLF + blank. */
export type HeaderEdit =
  | { readonly edit: 'prepend'; readonly name: string; readonly value: string }
  | { readonly edit: 'append'; readonly name: string; readonly value: string }
  /**
   * Every field of that name, case-insensitive, or only the `nth` (1 = topmost). That counts the fields as they were
   * received: what other edits did cannot change whom it means.
   */
  | { readonly edit: 'remove'; readonly name: string; readonly nth?: number }
  /** The topmost field of that name, or the `nth`, where it stands. Without `nth` the others of that name go. */
  | {
      readonly edit: 'replace'
      readonly name: string
      readonly nth?: number
      readonly value: string
    }

/** One change to the envelope. An added recipient is routed, never vouched for again. */
export type EnvelopeEdit =
  | { readonly edit: 'setReversePath'; readonly reversePath: ReversePath }
  | { readonly edit: 'addRecipient'; readonly recipient: Recipient }
  /**
   * A copy with a reverse-path and header edits of its own, which no other edit changes: whatever becomes of it
   * concerns nobody else. Nobody who is a recipient anyway gets one.
   */
  | {
      readonly edit: 'addCopy'
      readonly recipient: Recipient
      readonly reversePath: ReversePath
      readonly headerEdits: readonly HeaderEdit[]
    }
  | { readonly edit: 'replaceRecipient'; readonly mailbox: Mailbox; readonly by: Recipient }
  | { readonly edit: 'removeRecipient'; readonly mailbox: Mailbox }
