/** Whose mail lies where: implemented beside the router that delivers it. */
import type { MaildropTalk } from '../runtime/deliverer.ts'

export interface Mailboxes {
  /**
   * @param user the login, as the back end knows it: `bob@example.org`, `bob%example.org`, `bob`
   * @returns undefined where this process keeps no Maildir for them
   * @throws PosternError where it cannot be found out
   */
  find(user: string): Promise<MailboxPlace | undefined>
}

export type MailboxPlace = OurMailbox | TheirMailbox

/** We may not open it, and need not: a process of theirs does. */
export interface TheirMailbox {
  /** Begins the dialogue. */
  readonly talk: (signal: AbortSignal) => MaildropTalk
}

export interface OurMailbox {
  /** The Maildir. */
  readonly path: string
  /** It is made with the first message: who has none has no mail. */
  readonly comesWithMail: boolean
}
