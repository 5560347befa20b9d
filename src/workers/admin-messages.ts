/** What the supervisor and the process of the administration say to each other. All of it is JSON. */
export type ToAdmin =
  | { readonly say: 'open'; readonly folder: string; readonly startedAt: number }
  | { readonly say: 'ping' }
  | { readonly say: 'stop' }

export type FromAdmin =
  | { readonly say: 'opened'; readonly report: AdminReport }
  | { readonly say: 'refused'; readonly problem: string }
  | { readonly say: 'alive' }

export interface AdminReport {
  /** Where it listens: `http://127.0.0.1:8025`. */
  readonly url: string
  /** A link that makes the first administrator, once; where there is none yet. */
  readonly setupUrl?: string
}
