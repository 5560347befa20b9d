import { isLimited, type Quota } from '../../mail/quota.ts'
import type { MailboxRoom } from '../../runtime/mailbox-room.ts'
import { maildirRoute } from '../router.ts'
import { MaildirQuotas, type MaildirQuotasParts } from '../transport/maildir-quotas.ts'

/**
 * What we write above a message before it lies in its mailbox: Received, Authentication-Results, X-Spam, Return-Path,
 * Delivered-To. Asked for beside what a client declares, or what just fits would be accepted, and bounce. No more than a tenth of
 * a small quota, or nothing would fit into that.
 */
function traceBytes({ bytes = Infinity }: Quota): number {
  return Math.min(4096, Math.ceil(bytes / 10))
}

/** What `maildirsize` says of the Maildirs that we deliver into. */
export function mailboxRoom(parts: MaildirQuotasParts, mailRoot: string): MailboxRoom {
  const quotas = new MaildirQuotas(parts)
  return {
    async isFull(user, quota, sizeBytes) {
      if (!isLimited(quota)) return false
      const at = user.lastIndexOf('@')
      const mailbox = { localPart: user.slice(0, at), domain: user.slice(at + 1) }
      const { path } = maildirRoute(mailRoot, mailbox)
      return quotas.isFull({ path, quota, sizeBytes: sizeBytes + traceBytes(quota) })
    },
  }
}
