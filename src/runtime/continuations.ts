import type { Message } from '../mail/message.ts'

/** An envelope as qmail-queue reads it: `local-part@domain` without quotes, one character for each byte; no sender is empty. */
export interface OfferedEnvelope {
  readonly sender: string
  readonly recipients: readonly string[]
}

/** What a program made of the message, handed back by the qmail-queue that it ran. */
export interface HandedBack {
  /** With CRLF line ends. Readable until `drop`. */
  readonly message: Message
  /** Whose copy it is: indexes into the recipients that were offered, ascending. */
  readonly recipients: readonly number[]
}

/** One message's way back from a program that runs in place of qmail-queue. */
export interface Continuation {
  /** What the program must see: where its next qmail-queue is, and by what that one knows whose message it brings. */
  readonly variables: ReadonlyMap<string, string>
  /**
   * Ends the offer: whoever comes later is told that it was not taken. Once.
   * @returns undefined where nobody came
   * @throws PosternError PROGRAM_FAILED where somebody was stopped halfway; DISK_FAILED
   */
  take(): Promise<HandedBack | undefined>
  /** Forgets all of it. Harmless twice, and never fails. */
  drop(): Promise<void>
}

/**
 * The door by which a message comes back that was given to a program. What comes back is no promise: a crash forgets it,
 * as the client does not know of one either.
 */
export interface Continuations {
  /** @throws PosternError DISK_FULL, DISK_FAILED, NOT_FOUND (there is no spool) */
  offer(envelope: OfferedEnvelope): Promise<Continuation>
}
