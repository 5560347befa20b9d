/** The courier, as far as ETRN needs it (RFC 1985). */
export interface QueueFlush {
  /** Has everything tried now that waits for these mailboxes. */
  flush(node: EtrnNode): Promise<FlushOutcome>
}

export interface EtrnNode {
  /** In lower case, as A-labels. */
  readonly domain: string
  /** With all domains below it. */
  readonly below: boolean
}

/** How many messages; `busy` while another flush is under way. */
export type FlushOutcome =
  | { readonly outcome: 'started'; readonly messages: number }
  | { readonly outcome: 'busy' }
