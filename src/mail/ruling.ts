import type { PermanentStatus, TransientStatus } from './status.ts'

/** The chain's answer at one stage, merged from all verdicts. The receiver turns it into a reply by `mail/status`. */
export type Ruling =
  | { readonly ruling: 'pass' }
  | {
      readonly ruling: 'defer'
      readonly status: TransientStatus
      readonly text: string
      readonly close: boolean
    }
  | {
      readonly ruling: 'reject'
      readonly status: PermanentStatus
      readonly text: string
      readonly close: boolean
    }

export type ObjectionRuling = Exclude<Ruling, { readonly ruling: 'pass' }>

export const passRuling: Ruling = Object.freeze({ ruling: 'pass' })
