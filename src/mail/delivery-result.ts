import type { PermanentStatus, SuccessStatus, TransientStatus } from './status.ts'

/** The text of a program that ended without a word. */
export const noReason = 'It gave no reason'

/** What came of one try for one recipient. `text` is for people: the next hop's reply or our own words, one line or several. */
export type DeliveryResult =
  | {
      readonly outcome: 'delivered'
      readonly status: SuccessStatus
      readonly text: string
      readonly remote?: string
      /**
       * A next hop has it now, and this is no final delivery. `with-dsn`: what RFC 3461 asks for went on with it, and
       * whoever delivers it reports. `without-dsn`: nobody after us will, so a success that was to be told is told as
       * `relayed` (RFC 3461 §5.2.2). Absent: delivered to where it belongs.
       */
      readonly relayed?: 'with-dsn' | 'without-dsn'
      /** Messages in our own queue that it goes on as: a forward, the copies of an alias. */
      readonly ledTo?: readonly string[]
      /** What an operator may want to know of how it went, in our words. */
      readonly note?: string
    }
  | {
      readonly outcome: 'deferred'
      readonly status: TransientStatus
      readonly text: string
      readonly remote?: string
      /** The sender has been told of the delay, now or before: once is enough. */
      readonly delayTold?: true
    }
  | {
      readonly outcome: 'failed'
      readonly status: PermanentStatus
      readonly text: string
      readonly remote?: string
    }
