/**
 * The door to the one process of root's that a gateway has which is not root itself: it delivers to users of this host as
 * these users, and runs checkpassword programs. It looks up for itself whose mail it is; who asks names neither a user id
 * nor a path.
 */
import type { ProgramCall, ProgramEnd } from './programs.ts'

/** Whom a message is for; text is one character for each byte. */
export interface UserAddress {
  /** The local part, as `users/assign` or an account has it: `joe-list`, or of a virtual domain `joe-virt-sales`. */
  readonly local: string
  readonly host: string
  /** The reverse-path without quotes and brackets; empty: none. */
  readonly sender: string
}

/** How `postern local` ended that ran as the user. */
export interface UserDelivery {
  readonly end: ProgramEnd
  /** What it and the user's programs wrote, as far as anybody reads it. */
  readonly text: Uint8Array
  /** What is to be sent on, in qmail-queue's form; empty: nothing. */
  readonly forward: Uint8Array
}

/** The mail of somebody who has logged in, by the dialogue of qmail-pop3d: the first answer is that to PASS. */
export interface MaildropTalk {
  /** What the client says. @returns false where that is enough for now: wait for `onRoom` */
  write(bytes: Uint8Array): boolean
  /** Calls back each time there is room again. */
  onRoom(callback: () => void): void
  /** The client says no more. */
  end(): void
  /** To be read once. @throws PosternError PROGRAM_FAILED, ABORTED where it breaks off, or never began */
  readonly answers: AsyncIterable<Uint8Array>
}

/** @throws PosternError PROGRAM_FAILED where it is not there, ends meanwhile, or refuses; ABORTED */
export interface Deliverer {
  /** @param message with LF line ends */
  deliver(
    to: UserAddress,
    message: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<UserDelivery>
  /** A checkpassword program of the chain; of the call its command, descriptor 3, and the variables of tcpserver count. */
  checkpassword(
    call: Pick<ProgramCall, 'command' | 'environment' | 'inputs'>,
    signal: AbortSignal,
  ): Promise<ProgramEnd>
  /**
   * The Maildir of a user of this host, as that user. For whom a checkpassword program has just taken: anybody else is refused.
   * @param user the name, as that program was told it
   */
  maildrop(user: string, signal: AbortSignal): MaildropTalk
}
