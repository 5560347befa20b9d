import type { MaybePromise } from '../../mail/maybe-promise.ts'
import type { Answer, Reply } from '../../mail/reply.ts'
import type { Dialogue } from '../dialogue.ts'

/**
 * What must be so before a verb may come:
 * `hello`, `ehlo`: the client introduced itself, by EHLO; `tls`: TLS is active where the settings require it;
 * `login`: the client logged in where the settings require it; `no transaction`, `transaction`, `recipients`: what is open;
 * `no chunks`: no message has begun (RFC 3030 §2).
 */
export type Need =
  | ('hello' | 'ehlo' | 'tls' | 'login')
  | ('no transaction' | 'transaction' | 'recipients' | 'no chunks')

/** One SMTP command: check, consult, proceed. A new one is a file beside this and a row in the table. */
export interface Verb {
  readonly needs: readonly Need[]
  /** The longest line, CR LF included. */
  readonly maxLineBytes: number
  /** It brings no message nearer: `max_idle_commands` of these are borne between two messages. */
  readonly idles?: true
  /**
   * @param rest what follows the verb, without blanks around it
   * @returns `undefined` where octets follow the line at once, and the reply follows them
   */
  run(dialogue: Dialogue, rest: string): MaybePromise<Answer | undefined>
  /** It came where it may not, and this is said. @returns what is said in the end */
  tooEarly?(dialogue: Dialogue, rest: string, refusal: Reply): Reply
}

/** RFC 5321 §4.5.3.1.4. Extensions add to it. */
export const commandLineBytes = 512
