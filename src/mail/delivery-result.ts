import type { PermanentStatus, SuccessStatus, TransientStatus } from './status.ts'

/** What came of one try for one recipient. `text` is for people: the next hop's reply or our own words, one line or several. */
export type DeliveryResult =
  | {
      readonly outcome: 'delivered'
      readonly status: SuccessStatus
      readonly text: string
      readonly remote?: string
    }
  | {
      readonly outcome: 'deferred'
      readonly status: TransientStatus
      readonly text: string
      readonly remote?: string
    }
  | {
      readonly outcome: 'failed'
      readonly status: PermanentStatus
      readonly text: string
      readonly remote?: string
    }
