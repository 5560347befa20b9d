import type { Mailbox } from './address.ts'
import { asciiDomain } from './domain.ts'
import type { Quota } from './quota.ts'

/** What becomes of mail for an address that nobody has: an object names the address that gets it. */
export type CatchAll = 'bounce' | 'delete' | { readonly to: string }

/** A domain whose users are accounts: `alice@example.org` has a mailbox where `example.org` is one of these. */
export interface MailDomain {
  /** Lower case, A-labels. */
  readonly name: string
  readonly catchAll: CatchAll
  /** What a client hears of a mailbox that is full. */
  readonly overQuota: 'reject' | 'defer'
  readonly maxUsers?: number
  readonly maxAliases?: number
  /** What the quotas of all users may come to together. */
  readonly quota?: Quota
  /** Of a user who has none of their own. */
  readonly defaultQuota?: Quota
}

/** Another name of a mail domain: `amy@alias.test` is `amy@here.test`, as recipient and as login. */
export interface DomainAlias {
  /** Lower case, A-labels; no mail domain. */
  readonly name: string
  /** The mail domain that it means. */
  readonly domain: string
}

/** An address whose mail goes to others. */
export interface MailAlias {
  /** In lower case, and its domain is a mail domain. */
  readonly address: string
  /** Addresses. The address itself among them: its own mailbox keeps a copy. */
  readonly targets: readonly string[]
}

/** The most that one address may lead to. */
export const mostTargets = 1000

/** An address as users and aliases are named: lower case, its domain in A-labels. */
export function addressKey({ localPart, domain }: Mailbox): string {
  return `${localPart}@${asciiDomain(domain)}`.normalize('NFC').toLowerCase()
}
