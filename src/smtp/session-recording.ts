/** What is written down of a session, where an operator wants to see its dialogue. It only listens. */
export interface SessionRecording {
  /** A line of the client, without its end. @param inLogin it answers a challenge */
  line(text: string, inLogin: boolean): void
  /** A line that was too long, or that had no proper end. */
  spoilt(): void
  /** Bytes of a message. */
  message(bytes: Uint8Array): void
  /** Replies, as they go on the wire. */
  said(text: string): void
  /** A handshake has succeeded. */
  secured(): void
  /** @param byUs we have closed the connection */
  ended(byUs: boolean): void
}
