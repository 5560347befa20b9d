/** Milliseconds since the Unix epoch, by the clock door. */
export type Instant = number
