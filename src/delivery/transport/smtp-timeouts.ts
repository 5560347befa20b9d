/** How long to wait for a next hop, step by step: RFC 5321 §4.5.3.2 where it says so. */
export interface SmtpTimeouts {
  readonly connectMs: number
  readonly greetingMs: number
  readonly helloMs: number
  /** The TLS handshake. */
  readonly tlsMs: number
  readonly mailMs: number
  readonly rcptMs: number
  /** From DATA to 354. */
  readonly dataMs: number
  /** For the peer to take the next piece of the message. */
  readonly blockMs: number
  /** From the final dot to its reply. */
  readonly acceptMs: number
  /** Nobody waits for it: the connection lingers so long at most. */
  readonly quitMs: number
}

export const defaultSmtpTimeouts: SmtpTimeouts = {
  connectMs: 60_000,
  greetingMs: 300_000,
  helloMs: 300_000,
  tlsMs: 60_000,
  mailMs: 300_000,
  rcptMs: 300_000,
  dataMs: 120_000,
  blockMs: 180_000,
  acceptMs: 600_000,
  quitMs: 5_000,
}

/** qmail's control/timeoutremote: one time for every answer and every piece, whatever the step. */
export function sameForEachStep(stepMs: number): Partial<SmtpTimeouts> {
  return {
    greetingMs: stepMs,
    helloMs: stepMs,
    tlsMs: stepMs,
    mailMs: stepMs,
    rcptMs: stepMs,
    dataMs: stepMs,
    blockMs: stepMs,
    acceptMs: stepMs,
  }
}
