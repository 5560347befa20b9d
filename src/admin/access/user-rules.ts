/** What an administrator's user may be named, and whose they may be. */
import { asciiDomain } from '../../mail/domain.ts'
import { isAccountName } from '../../runtime/accounts.ts'
import type { AdminUserRecord } from '../../runtime/admin-records.ts'
import type { Role } from '../permissions.ts'
import { Refusal } from '../refusal.ts'
import type { AdminUser } from '../schemas/access.ts'
import { userCaller } from './callers.ts'

/** @throws Refusal 422 */
export function checkUserName(name: string): void {
  if (isAccountName(name)) return
  throw new Refusal('invalid', 'That cannot be a user', {
    errors: [{ pointer: '/name', detail: 'no blanks, no control characters' }],
  })
}

/** @returns the domains as they are kept @throws Refusal 422 where the role and its domains do not fit */
export function checkDomains(role: Role, domains: readonly string[]): readonly string[] {
  if (role === 'mailbox') throw new Refusal('invalid', 'Mailbox users log in with their account')
  if ((role === 'domain-admin') === domains.length > 0) {
    return domains.map((domain) => asciiDomain(domain).toLowerCase() || domain.toLowerCase())
  }
  const detail =
    role === 'domain-admin' ? 'name at least one domain' : 'only a domain-admin has domains'
  throw new Refusal('invalid', undefined, { errors: [{ pointer: '/domains', detail }] })
}

/** @returns undefined for one whose role there is no more */
export function userView(user: AdminUserRecord): AdminUser | undefined {
  const { name, domains, createdAt, changedAt, lastLoginAt } = user
  const role = userCaller(user)?.role
  return (
    role && {
      name,
      role,
      domains,
      createdAt,
      changedAt,
      ...(lastLoginAt === undefined ? {} : { lastLoginAt }),
    }
  )
}
