/** Domains and aliases in the file of the accounts. Read where it is asked: one row by its key. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { formatQuota, parseQuota } from '../../mail/quota.ts'
import { accountDomain, accountKey } from '../accounts.ts'
import type { CatchAll, DomainAlias, MailAlias, MailDomain } from '../../mail/mail-domain.ts'
import type { NameRange } from '../mail-domains.ts'

type Row = ReturnType<StatementSync['get']> & object

/** All methods throw what SQLite throws. */
export class MailDomainTables {
  readonly #database: DatabaseSync
  readonly #find: StatementSync
  readonly #list: StatementSync
  readonly #put: StatementSync
  readonly #findDomainAlias: StatementSync
  readonly #listDomainAliases: StatementSync
  readonly #listDomainAliasesOf: StatementSync
  readonly #putDomainAlias: StatementSync
  readonly #removeDomainAlias: StatementSync
  readonly #findAlias: StatementSync
  readonly #listAliases: StatementSync
  readonly #listAliasesOf: StatementSync
  readonly #putAlias: StatementSync
  readonly #removeAlias: StatementSync

  constructor(database: DatabaseSync) {
    this.#database = database
    const prepared = (sql: string): StatementSync => database.prepare(sql)
    this.#find = prepared('SELECT * FROM domains WHERE name = ?')
    this.#list = prepared('SELECT * FROM domains WHERE name > ? ORDER BY name LIMIT ?')
    this.#put = prepared(`INSERT OR REPLACE INTO domains
      (name, catch_all, over_quota, max_users, max_aliases, quota, default_quota)
      VALUES (?, ?, ?, ?, ?, ?, ?)`)
    this.#findDomainAlias = prepared('SELECT * FROM domain_aliases WHERE name = ?')
    this.#listDomainAliases = prepared(
      'SELECT * FROM domain_aliases WHERE name > ? ORDER BY name LIMIT ?',
    )
    this.#listDomainAliasesOf = prepared(
      'SELECT * FROM domain_aliases WHERE domain = ? AND name > ? ORDER BY name LIMIT ?',
    )
    this.#putDomainAlias = prepared(
      'INSERT OR REPLACE INTO domain_aliases (name, domain) VALUES (?, ?)',
    )
    this.#removeDomainAlias = prepared('DELETE FROM domain_aliases WHERE name = ?')
    this.#findAlias = prepared('SELECT * FROM aliases WHERE address = ?')
    this.#listAliases = prepared('SELECT * FROM aliases WHERE address > ? ORDER BY address LIMIT ?')
    this.#listAliasesOf = prepared(
      'SELECT * FROM aliases WHERE domain = ? AND address > ? ORDER BY address LIMIT ?',
    )
    this.#putAlias = prepared(
      'INSERT OR REPLACE INTO aliases (address, domain, targets) VALUES (?, ?, ?)',
    )
    this.#removeAlias = prepared('DELETE FROM aliases WHERE address = ?')
  }

  find(name: string): MailDomain | undefined {
    const row = this.#find.get(accountKey(name))
    return row === undefined ? undefined : domainOf(row)
  }

  list({ after = '', limit }: NameRange): readonly MailDomain[] {
    return this.#list.all(accountKey(after), limit).map((row) => domainOf(row))
  }

  put(domain: MailDomain): void {
    const { name, catchAll, overQuota, maxUsers, maxAliases, quota, defaultQuota } = domain
    this.#put.run(
      accountKey(name),
      typeof catchAll === 'string' ? catchAll : catchAll.to,
      overQuota,
      maxUsers ?? null,
      maxAliases ?? null,
      quota === undefined ? null : formatQuota(quota),
      defaultQuota === undefined ? null : formatQuota(defaultQuota),
    )
  }

  /** All of it or nothing. */
  remove(name: string): boolean {
    const key = accountKey(name)
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      const [domains] = ownRows.map(
        (rows) => this.#database.prepare(`DELETE FROM ${rows} = ?`).run(key).changes,
      )
      // Without the domain its users are logins of another kind, and stay.
      this.#database.exec(domains === 1 ? 'COMMIT' : 'ROLLBACK')
      return domains === 1
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }

  findDomainAlias(name: string): DomainAlias | undefined {
    const row = this.#findDomainAlias.get(accountKey(name))
    return row === undefined ? undefined : domainAliasOf(row)
  }

  listDomainAliases({ after = '', limit, domain }: NameRange & { readonly domain?: string }) {
    const rows =
      domain === undefined
        ? this.#listDomainAliases.all(accountKey(after), limit)
        : this.#listDomainAliasesOf.all(accountKey(domain), accountKey(after), limit)
    return rows.map((row) => domainAliasOf(row))
  }

  putDomainAlias({ name, domain }: DomainAlias): void {
    this.#putDomainAlias.run(accountKey(name), accountKey(domain))
  }

  removeDomainAlias(name: string): boolean {
    return this.#removeDomainAlias.run(accountKey(name)).changes === 1
  }

  findAlias(address: string): MailAlias | undefined {
    const row = this.#findAlias.get(accountKey(address))
    return row === undefined ? undefined : aliasOf(row)
  }

  listAliases({ after = '', limit, domain }: NameRange & { readonly domain?: string }) {
    const rows =
      domain === undefined
        ? this.#listAliases.all(accountKey(after), limit)
        : this.#listAliasesOf.all(accountKey(domain), accountKey(after), limit)
    return rows.map((row) => aliasOf(row))
  }

  putAlias({ address, targets }: MailAlias): void {
    const key = accountKey(address)
    this.#putAlias.run(key, accountDomain(key) ?? '', JSON.stringify(targets))
  }

  removeAlias(address: string): boolean {
    return this.#removeAlias.run(accountKey(address)).changes === 1
  }
}

/** What belongs to a domain and goes with it; the first is the domain itself. */
const ownRows = [
  'domains WHERE name',
  'aliases WHERE domain',
  'accounts WHERE domain',
  'domain_aliases WHERE domain',
] as const

function domainAliasOf(row: Row): DomainAlias {
  return { name: String(row['name']), domain: String(row['domain']) }
}

function domainOf(row: Row): MailDomain {
  const { max_users: maxUsers, max_aliases: maxAliases } = row
  const quota = parseQuota(String(row['quota'] ?? ''))
  const defaultQuota = parseQuota(String(row['default_quota'] ?? ''))
  return {
    name: String(row['name']),
    catchAll: catchAllOf(String(row['catch_all'])),
    overQuota: row['over_quota'] === 'defer' ? 'defer' : 'reject',
    ...(typeof maxUsers === 'number' ? { maxUsers } : {}),
    ...(typeof maxAliases === 'number' ? { maxAliases } : {}),
    ...(quota === undefined ? {} : { quota }),
    ...(defaultQuota === undefined ? {} : { defaultQuota }),
  }
}

/** An address holds an at sign, the other two do not. */
function catchAllOf(text: string): CatchAll {
  return text === 'bounce' || text === 'delete' ? text : { to: text }
}

function aliasOf(row: Row): MailAlias {
  const targets: unknown = JSON.parse(String(row['targets']))
  return {
    address: String(row['address']),
    targets: Array.isArray(targets) ? targets.map((target: unknown) => String(target)) : [],
  }
}
