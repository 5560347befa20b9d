/** Who delivers, as far as the receiver has to do with it: for ETRN (RFC 1985), and for clients that leave. */
export interface QueueFlush {
  /** Has everything tried now that waits for these mailboxes. */
  flush(node: EtrnNode): Promise<FlushOutcome>
  /** A session of the client at this address is over: it may take what waits for it (AutoTURN). */
  left?(address: string): void
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
