import { asciiDomain } from '../mail/domain.ts'
import type { Instant } from '../mail/instant.ts'
import type { MaybePromise } from '../mail/maybe-promise.ts'
import type { Quota } from '../mail/quota.ts'
import type { MailDomainReader, MailDomains, NameRange } from './mail-domains.ts'

/** What an account may not: log in at all, by SMTP, by POP3; get mail. */
export const accountFlags = ['no-login', 'no-smtp', 'no-pop', 'no-mail'] as const
export type AccountFlag = (typeof accountFlags)[number]

/** Somebody who may log in. */
export interface Account {
  /** In lower case: whoever logs in may write it as they like. */
  readonly user: string
  /** As crypt(3) writes it. */
  readonly passwordHash: string
  /** `SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>`; absent: not by SCRAM. */
  readonly scram?: string
  /** What a login brings: variables above those of tcp.smtp. */
  readonly variables: ReadonlyMap<string, string>
  /** From then on the password is refused. */
  readonly expiresAt?: Instant
  /** Of the mailbox; absent: the default of its domain. */
  readonly quota?: Quota
  /** Absent: it may everything. */
  readonly flags?: ReadonlySet<AccountFlag>
}

/** What is known of an account besides. */
export interface AccountEntry extends Account {
  readonly createdAt: Instant
  readonly changedAt: Instant
}

/**
 * The door to accounts, for those who ask. They are configuration: what was written stays, and a change is seen by the next
 * question, in every process. All methods @throws PosternError ACCOUNTS_FAILED.
 */
export interface AccountReader extends MailDomainReader {
  find(user: string): MaybePromise<AccountEntry | undefined>
  /** In the order of their names. @param range.domain only users of this domain */
  list(range: NameRange & { readonly domain?: string }): MaybePromise<readonly AccountEntry[]>
}

/** The same, for those who change them. A change is durable when its promise resolves. */
export interface Accounts extends AccountReader, MailDomains {
  /** @returns false where there is such a user already */
  add(account: Account): Promise<boolean>
  /** @returns false where there is no such user */
  change(account: Account): Promise<boolean>
  remove(user: string): Promise<boolean>
  close(): Promise<void>
}

/** Users are compared without regard to case, and their domains in A-labels, as domains and aliases have them. */
export function accountKey(user: string): string {
  const key = user.normalize('NFC').toLowerCase()
  const domain = key.slice(key.lastIndexOf('@') + 1)
  if (domain === key || !/[^\0-\x7f]/.test(domain)) return key
  return `${key.slice(0, -domain.length)}${asciiDomain(domain) || domain}`
}

/** What can be a user: something without blanks that fits into a login and into one line. */
export function isAccountName(user: string): boolean {
  return /^[^\s\p{C}]+$/u.test(user) && Buffer.byteLength(user) <= 320
}

/** The domain of a user, or undefined for one without. */
export function accountDomain(user: string): string | undefined {
  const key = accountKey(user)
  const at = key.lastIndexOf('@')
  return at < 0 ? undefined : key.slice(at + 1)
}
