/** What all workers together may begin at one next hop. */
export interface HopLimits {
  /** Deliveries at a time. */
  readonly concurrency: number
  /** Between the starts of two; 0: no limit. */
  readonly intervalMs: number
}

/**
 * The door to turns at next hops whose limits an operator has set: exact across workers, and first come first served
 * among them. What a worker that died had is given back.
 */
export interface HopTurns {
  /** Resolves when a delivery may begin. Whoever got the turn gives it back when the delivery is over. */
  take(key: string, limits: HopLimits): Promise<void>
  give(key: string): void
}
