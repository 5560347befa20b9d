import type { DomainAlias, MailAlias, MailDomain } from '../mail/mail-domain.ts'
import type { MaybePromise } from '../mail/maybe-promise.ts'

export interface NameRange {
  /** After a name; those behind it. */
  readonly after?: string
  readonly limit: number
}

/** Domains, and the aliases in them; names are compared as `accountKey` has it. */
export interface MailDomainReader {
  findDomain(name: string): MaybePromise<MailDomain | undefined>
  /** In the order of their names. */
  listDomains(range: NameRange): MaybePromise<readonly MailDomain[]>
  /** Of a name that means another domain; a mail domain of the same name comes first. */
  findDomainAlias(name: string): MaybePromise<DomainAlias | undefined>
  /** In the order of their names. @param range.domain only those that mean this domain */
  listDomainAliases(
    range: NameRange & { readonly domain?: string },
  ): MaybePromise<readonly DomainAlias[]>
  findAlias(address: string): MaybePromise<MailAlias | undefined>
  /** In the order of their addresses. @param range.domain only those of this domain */
  listAliases(range: NameRange & { readonly domain?: string }): MaybePromise<readonly MailAlias[]>
}

/** The same, for those who change them. */
export interface MailDomains extends MailDomainReader {
  /** In place of the one that bears the name. */
  putDomain(domain: MailDomain): Promise<void>
  /** With its users, its aliases and its other names. @returns false where there is no such domain */
  removeDomain(name: string): Promise<boolean>
  /** In place of the one that bears the name. */
  putDomainAlias(alias: DomainAlias): Promise<void>
  removeDomainAlias(name: string): Promise<boolean>
  /** In place of the one that bears the address. */
  putAlias(alias: MailAlias): Promise<void>
  removeAlias(address: string): Promise<boolean>
}
