/**
 * The time before the greeting, in which a client has nothing to say (RFC 5321 §3.1: it waits for the 220). Whoever speaks
 * nevertheless does not read what it is told.
 */
export interface Silence {
  /** The client has spoken before it was greeted. */
  readonly broken: boolean
  /**
   * Keeps the greeting back. Answers whether the client was silent for so long: at once where it speaks, and where it has
   * been greeted already. Nothing but a timer is held meanwhile.
   * @throws PosternError ABORTED
   */
  lasts(durationMs: number, signal: AbortSignal): Promise<boolean>
}
