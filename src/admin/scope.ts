/** What somebody may see of the mail: their domains', their own, or all. What is not theirs is as if it were not there. */
import { accountDomain, accountKey } from '../runtime/accounts.ts'
import type { Scope } from './permissions.ts'
import type { MessageSummary } from './schemas/messages.ts'

/** @param address with or without brackets */
export function isWithin(address: string, scope: Scope): boolean {
  const bare = address.replace(/^<(.*)>$/, '$1')
  switch (scope.what) {
    case 'all':
      return true
    case 'domains': {
      const domain = accountDomain(bare)
      return domain !== undefined && scope.domains.includes(domain)
    }
    case 'mailbox': {
      const key = accountKey(bare)
      return key === scope.address || scope.aliases?.includes(key) === true
    }
  }
}

/** With those recipients alone that are theirs. @returns undefined where none is */
export function seesMessage(message: MessageSummary, scope: Scope): MessageSummary | undefined {
  if (scope.what === 'all') return message
  const recipients = message.recipients.filter((each) => isWithin(each, scope))
  return recipients.length === 0 ? undefined : { ...message, recipients }
}
