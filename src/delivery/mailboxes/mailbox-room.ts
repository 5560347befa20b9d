import { isLimited } from '../../mail/quota.ts'
import type { MailboxRoom } from '../../runtime/mailbox-room.ts'
import { maildirRoute } from '../router.ts'
import { MaildirQuotas, type MaildirQuotasParts } from '../transport/maildir-quotas.ts'

/** What `maildirsize` says of the Maildirs that we deliver into. */
export function mailboxRoom(parts: MaildirQuotasParts, mailRoot: string): MailboxRoom {
  const quotas = new MaildirQuotas(parts)
  return {
    async isFull(user, quota, sizeBytes) {
      if (!isLimited(quota)) return false
      const at = user.lastIndexOf('@')
      const mailbox = { localPart: user.slice(0, at), domain: user.slice(at + 1) }
      return quotas.isFull({ path: maildirRoute(mailRoot, mailbox).path, quota, sizeBytes })
    },
  }
}
