/** Whose mail lies where: implemented beside the router that delivers it. */
export interface Mailboxes {
  /**
   * @param user the login, as the back end knows it: `bob@example.org`, `bob%example.org`, `bob`
   * @returns undefined where this process keeps no Maildir for them
   * @throws PosternError where it cannot be found out
   */
  find(user: string): Promise<MailboxPlace | undefined>
}

export interface MailboxPlace {
  /** The Maildir. */
  readonly path: string
  /** It is made with the first message: who has none has no mail. */
  readonly comesWithMail: boolean
}
