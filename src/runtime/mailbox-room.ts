import type { Quota } from '../mail/quota.ts'

/** The door to what lies in mailboxes here, for those who only ask. */
export interface MailboxRoom {
  /**
   * Whether a message of that size, and what is written above it on its way, would be too much. An estimate: mail comes
   * and goes meanwhile.
   * @param user `alice@example.org`
   * @throws PosternError DISK_FAILED
   */
  isFull(user: string, quota: Quota, sizeBytes: number): Promise<boolean>
}
