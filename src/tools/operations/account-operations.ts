/** Domains, users and aliases as the API has them: by the functions of the commands, on accounts.db. */
import type { AccountOperations, PageRequest } from '../../admin/operations.ts'
import type { Passwords } from '../../admin/passwords.ts'
import type { Scope } from '../../admin/permissions.ts'
import { Refusal } from '../../admin/refusal.ts'
import type {
  Alias,
  AliasPage,
  Domain,
  DomainChange,
  DomainPage,
  MailUser,
  MailUserChange,
  MailUserPage,
  NewDomain,
  NewMailUser,
} from '../../admin/schemas/accounts.ts'
import { readMailAlias } from '../../formats/mail-domain-lines.ts'
import { parseMailbox } from '../../mail/address.ts'
import { asciiDomain } from '../../mail/domain.ts'
import { addressKey, type MailDomain } from '../../mail/mail-domain.ts'
import { formatQuota, parseQuota, type Quota } from '../../mail/quota.ts'
import {
  accountDomain,
  accountKey,
  type Account,
  type AccountEntry,
  type Accounts,
} from '../../runtime/accounts.ts'
import type { Clock } from '../../runtime/clock.ts'
import {
  addAlias,
  addDomain,
  aliasDomain,
  allAliases,
  allDomainAliases,
  checkRoomForUser,
  removeAlias,
  setDomain,
  unaliasDomain,
} from '../mail-domains.ts'
import { allAccounts, checkName, passwordKept, passwordProblem } from '../user-accounts.ts'
import { paged, pagedIn } from './name-pages.ts'

const mostCounted = 100_000

export interface AccountParts {
  /** Of the configuration as it is now. */
  readonly accounts: () => Accounts
  readonly passwords: Passwords
  readonly clock: Pick<Clock, 'now'>
}

export class KeptAccounts implements AccountOperations {
  readonly #parts: AccountParts

  constructor(parts: AccountParts) {
    this.#parts = parts
  }

  get #accounts(): Accounts {
    return this.#parts.accounts()
  }

  async domains(page: PageRequest, scope: Scope): Promise<DomainPage> {
    if (scope.what === 'mailbox') return { items: [] }
    if (scope.what === 'domains') {
      const found = await Promise.all(scope.domains.map((name) => this.domain(name)))
      return { items: found.filter((domain) => domain !== undefined) }
    }
    const { items, next } = await paged(
      page,
      (range) => this.#accounts.listDomains(range),
      ({ name }) => name,
    )
    const views = await Promise.all(items.map((domain) => this.#viewOf(domain)))
    return next === undefined ? { items: views } : { items: views, next }
  }

  async domain(name: string): Promise<Domain | undefined> {
    const domain = await this.#accounts.findDomain(domainKey(name))
    return domain && this.#viewOf(domain)
  }

  async addDomain({ name, ...settings }: NewDomain): Promise<Domain> {
    const key = domainKey(name)
    if ((await this.#accounts.findDomain(key)) !== undefined) {
      throw new Refusal('conflict', `There is a domain ${key}`)
    }
    await addDomain(this.#accounts, name, wordsOf(settings))
    await this.#rename(key, settings.otherNames)
    return this.#must(this.domain(key))
  }

  async changeDomain(name: string, change: DomainChange): Promise<Domain | undefined> {
    const key = domainKey(name)
    if ((await this.#accounts.findDomain(key)) === undefined) return undefined
    await setDomain(this.#accounts, key, wordsOf(change))
    await this.#rename(key, change.otherNames)
    return this.domain(key)
  }

  removeDomain(name: string): Promise<boolean> {
    return this.#accounts.removeDomain(domainKey(name))
  }

  async users(
    { domain, ...page }: PageRequest & { readonly domain?: string },
    scope: Scope,
  ): Promise<MailUserPage> {
    const { items, next } = await pagedIn(
      domainsIn(domain, scope),
      page,
      (range) => this.#accounts.list(range),
      ({ user }) => user,
    )
    return next === undefined
      ? { items: items.map(userView) }
      : { items: items.map(userView), next }
  }

  async user(user: string): Promise<MailUser | undefined> {
    const account = await this.#accounts.find(user)
    return account && userView(account)
  }

  async addUser({ user, password, ...settings }: NewMailUser): Promise<MailUser> {
    checkName(user)
    const kept = await this.#kept(password)
    const account = withSettings({ user: userKey(user), ...kept, variables: new Map() }, settings)
    await checkRoomForUser(this.#accounts, account)
    if (!(await this.#accounts.add(account)))
      throw new Refusal('conflict', `There is a user ${user}`)
    return this.#must(this.user(account.user))
  }

  async changeUser(
    user: string,
    { password, ...settings }: MailUserChange,
  ): Promise<MailUser | undefined> {
    const kept = password === undefined ? {} : await this.#kept(password)
    const before = await this.#accounts.find(user)
    if (before === undefined) return undefined
    const account = withSettings({ ...before, ...kept }, settings)
    await checkRoomForUser(this.#accounts, account)
    return (await this.#accounts.change(account)) ? this.user(user) : undefined
  }

  removeUser(user: string): Promise<boolean> {
    return this.#accounts.remove(user)
  }

  async aliases(
    { domain, ...page }: PageRequest & { readonly domain?: string },
    scope: Scope,
  ): Promise<AliasPage> {
    return pagedIn(
      domainsIn(domain, scope),
      page,
      (range) => this.#accounts.listAliases(range),
      ({ address }) => address,
    )
  }

  async alias(address: string): Promise<Alias | undefined> {
    return this.#accounts.findAlias(aliasKey(address))
  }

  async addAlias({ address, targets }: Alias): Promise<Alias> {
    await addAlias(this.#accounts, address, targets)
    return this.#must(this.alias(address))
  }

  async changeAlias({ address, targets }: Alias): Promise<Alias | undefined> {
    if ((await this.alias(address)) === undefined) return undefined
    const alias = readMailAlias(address, targets)
    if (typeof alias === 'string') throw new Refusal('invalid', alias)
    await this.#accounts.putAlias(alias)
    return alias
  }

  removeAlias(address: string): Promise<boolean> {
    return removeAlias(this.#accounts, address)
  }

  async verify(user: string, password: string, signal: AbortSignal): Promise<boolean> {
    const account = await this.#accounts.find(user)
    const right = await this.#parts.passwords.isRight(password, account?.passwordHash, signal)
    return right && account !== undefined && this.#mayLogIn(account)
  }

  async isAsOf(user: string, instant: number): Promise<boolean> {
    const account = await this.#accounts.find(user)
    return account !== undefined && account.changedAt <= instant && this.#mayLogIn(account)
  }

  /** @param names what it is called besides; `undefined`: as before */
  async #rename(domain: string, names: readonly string[] | undefined): Promise<void> {
    if (names === undefined) return
    const wanted = new Set(names.map((name) => domainKey(name)))
    // oxlint-disable no-await-in-loop -- a handful of rows, one after the other
    for (const name of wanted) {
      const before = await this.#accounts.findDomainAlias(name)
      if (before !== undefined && before.domain !== domain) {
        throw new Refusal('conflict', `${name} means ${before.domain}`)
      }
      await aliasDomain(this.#accounts, name, domain)
    }
    for (const name of await this.#namesOf(domain)) {
      if (!wanted.has(name)) await unaliasDomain(this.#accounts, name)
    }
    // oxlint-enable no-await-in-loop
  }

  async #namesOf(domain: string): Promise<readonly string[]> {
    return Array.fromAsync(allDomainAliases(this.#accounts, domain), ({ name }) => name)
  }

  #mayLogIn({ expiresAt = Infinity, flags }: Account): boolean {
    return expiresAt > this.#parts.clock.now() && flags?.has('no-login') !== true
  }

  #kept(password: string): ReturnType<typeof passwordKept> {
    const problem = passwordProblem(password)
    if (problem === undefined) return passwordKept(password)
    throw new Refusal('invalid', undefined, { errors: [{ pointer: '/password', detail: problem }] })
  }

  async #viewOf(domain: MailDomain): Promise<Domain> {
    const { name, catchAll, overQuota, maxUsers, maxAliases, quota, defaultQuota } = domain
    return {
      name,
      catchAll: typeof catchAll === 'string' ? catchAll : catchAll.to,
      overQuota,
      ...(maxUsers === undefined ? {} : { maxUsers }),
      ...(maxAliases === undefined ? {} : { maxAliases }),
      ...(quota === undefined ? {} : { quota: formatQuota(quota) }),
      ...(defaultQuota === undefined ? {} : { defaultQuota: formatQuota(defaultQuota) }),
      otherNames: await this.#namesOf(name),
      users: await countOf(allAccounts(this.#accounts, name)),
      aliases: await countOf(allAliases(this.#accounts, name)),
    }
  }

  /** Just written; somebody may have taken it away since. */
  async #must<T>(made: Promise<T | undefined>): Promise<T> {
    const value = await made
    if (value === undefined) throw new Refusal('conflict', 'It was removed meanwhile')
    return value
  }
}

/** Those that are asked for and may be seen. @returns undefined for all there are, and those without a domain */
function domainsIn(domain: string | undefined, scope: Scope): readonly string[] | undefined {
  const asked = domain === undefined ? undefined : [domainKey(domain)]
  if (scope.what === 'all') return asked
  if (scope.what === 'mailbox') return []
  return scope.domains.filter((name) => asked?.includes(name) ?? true)
}

function domainKey(name: string): string {
  return asciiDomain(name).toLowerCase() || accountKey(name)
}

function aliasKey(address: string): string {
  const mailbox = parseMailbox(address, { smtputf8: true })
  return mailbox === undefined ? accountKey(address) : addressKey(mailbox)
}

function userKey(user: string): string {
  return accountDomain(user) === undefined ? accountKey(user) : aliasKey(user)
}

function wordsOf(settings: DomainChange): readonly string[] {
  const { catchAll, overQuota, maxUsers, maxAliases, quota, defaultQuota } = settings
  const word = (name: string, value: string | number | null | undefined): readonly string[] =>
    value === undefined ? [] : [`${name}=${value ?? ''}`]
  return [
    ...word('catch-all', catchAll),
    ...word('over-quota', overQuota),
    ...word('max-users', maxUsers),
    ...word('max-aliases', maxAliases),
    ...word('quota', quota),
    ...word('default-quota', defaultQuota),
  ]
}

function withSettings(
  account: Account,
  { quota, flags, expiresAt }: Omit<MailUserChange, 'password'>,
): Account {
  const { quota: quotaBefore, flags: flagsBefore, expiresAt: expiryBefore, ...rest } = account
  const limit = quota === undefined ? quotaBefore : quota === null ? undefined : quotaIn(quota)
  const marks = flags === undefined ? flagsBefore : new Set(flags)
  const expiry = expiresAt === undefined ? expiryBefore : (expiresAt ?? undefined)
  return {
    ...rest,
    ...(limit === undefined ? {} : { quota: limit }),
    ...(marks === undefined || marks.size === 0 ? {} : { flags: marks }),
    ...(expiry === undefined ? {} : { expiresAt: expiry }),
  }
}

function quotaIn(text: string): Quota {
  const quota = parseQuota(text)
  if (quota !== undefined) return quota
  const detail = 'write 100MB, 100MB,5000C or none'
  throw new Refusal('invalid', undefined, { errors: [{ pointer: '/quota', detail }] })
}

function userView({ user, quota, flags, expiresAt, createdAt, changedAt }: AccountEntry): MailUser {
  const domain = accountDomain(user)
  return {
    user,
    ...(domain === undefined ? {} : { domain }),
    ...(quota === undefined ? {} : { quota: formatQuota(quota) }),
    flags: [...(flags ?? [])],
    ...(expiresAt === undefined ? {} : { expiresAt }),
    createdAt,
    changedAt,
  }
}

async function countOf(items: AsyncIterable<unknown>): Promise<number> {
  let count = 0
  for await (const _ of items) if (++count >= mostCounted) break
  return count
}
