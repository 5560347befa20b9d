/** What the administration remembers, in an SQLite file of its own (WAL, synchronous=FULL), for its owner alone. */
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { PosternError } from '../../mail/errors.ts'
import type {
  AdminRecords,
  AdminSessionRecord,
  AdminUserRecord,
  ApiTokenRecord,
  AuditEntry,
  AuditRange,
  AuditRecord,
  KnownPlace,
} from '../admin-records.ts'
import type { Instant } from '../../mail/instant.ts'
import { accountKey } from '../accounts.ts'
import { updateAdminSchema } from './admin-schema.ts'
import { makeOwnFile } from './own-file.ts'

/** What is asked of one file at a time waits so long for the other. */
const busyMs = 5_000
/** Refusals are what strangers can make as many of as they like: they push out nothing but each other. */
const usualLimits: AuditLimits = { done: 100_000, refused: 20_000, pruneEvery: 500 }
/** What is refused again within this time after the first is counted there, if it is among so many of the newest. */
const sameWithinMs = 15 * 60_000
const sameAmong = 50
const mostPlaces = 50
const mostListed = 10_000

/** @throws PosternError STORE_FAILED where the file cannot be opened */
export function openAdminRecords(path: string): AdminRecords {
  return attempt(path, () => {
    makeOwnFile(path)
    const database = new DatabaseSync(path, { timeout: busyMs })
    try {
      database.exec(
        'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON',
      )
      updateAdminSchema(database)
      return new SqliteAdminRecords(path, database)
    } catch (error) {
      database.close()
      throw error
    }
  })
}

/** The same in memory, for tests. */
export function memoryAdminRecords(limits = usualLimits): AdminRecords {
  const database = new DatabaseSync(':memory:')
  updateAdminSchema(database)
  return new SqliteAdminRecords(':memory:', database, limits)
}

/** How many records stay at least, and how often those beyond are looked for. */
export interface AuditLimits {
  readonly done: number
  readonly refused: number
  readonly pruneEvery: number
}

function attempt<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    throw new PosternError('STORE_FAILED', `${path}: ${String(cause)}`, { cause })
  }
}

type Value = string | number | null
type Row = Readonly<Record<string, unknown>>

class SqliteAdminRecords implements AdminRecords {
  readonly #path: string
  readonly #database: DatabaseSync
  readonly #prepared = new Map<string, StatementSync>()
  readonly #limits: AuditLimits
  #written = 0

  constructor(path: string, database: DatabaseSync, limits = usualLimits) {
    this.#path = path
    this.#database = database
    this.#limits = limits
  }

  users(): readonly AdminUserRecord[] {
    return this.#all('SELECT * FROM users ORDER BY name LIMIT ?', mostListed).map(userOf)
  }

  user(name: string): AdminUserRecord | undefined {
    return this.#all('SELECT * FROM users WHERE name = ?', name).map(userOf)[0]
  }

  putUser(user: AdminUserRecord): void {
    const { name, role, domains, passwordHash, createdAt, changedAt, lastLoginAt } = user
    this.#run(
      `INSERT INTO users (name, role, domains, password_hash, created_at, changed_at, last_login_at)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (name) DO UPDATE SET role = excluded.role, domains = excluded.domains,
          password_hash = excluded.password_hash, changed_at = excluded.changed_at`,
      name,
      role,
      JSON.stringify(domains),
      passwordHash,
      createdAt,
      changedAt,
      lastLoginAt ?? null,
    )
  }

  removeUser(name: string): boolean {
    this.#run('DELETE FROM sessions WHERE user = ? AND kind = ?', name, 'user')
    this.removeTokensOf(name)
    this.#run('DELETE FROM known_places WHERE user = ?', accountKey(name))
    return this.#run('DELETE FROM users WHERE name = ?', name) > 0
  }

  noteLogin(name: string, at: Instant): void {
    this.#run('UPDATE users SET last_login_at = ? WHERE name = ?', at, name)
  }

  addSession(session: AdminSessionRecord): void {
    const { id, hash, user, kind, csrfToken, from, createdAt, seenAt, expiresAt } = session
    this.#run(
      'INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      hash,
      id,
      user,
      kind,
      csrfToken,
      from,
      createdAt,
      seenAt,
      expiresAt,
    )
  }

  session(hash: string): AdminSessionRecord | undefined {
    return this.#all('SELECT * FROM sessions WHERE hash = ?', hash).map(sessionOf)[0]
  }

  noteSeen(hash: string, at: Instant): void {
    this.#run('UPDATE sessions SET seen_at = ? WHERE hash = ?', at, hash)
  }

  sessions(): readonly AdminSessionRecord[] {
    return this.#all('SELECT * FROM sessions ORDER BY created_at DESC LIMIT ?', 1000).map(sessionOf)
  }

  removeSession(id: string): boolean {
    return this.#run('DELETE FROM sessions WHERE id = ?', id) > 0
  }

  removeSessionsOf(user: string, except = ''): void {
    this.#run('DELETE FROM sessions WHERE user = ? AND id <> ?', user, except)
  }

  removeOldSessions(now: Instant, seenBefore: Instant): void {
    this.#run('DELETE FROM sessions WHERE expires_at <= ? OR seen_at < ?', now, seenBefore)
  }

  addToken(token: ApiTokenRecord): void {
    const { id, hash, name, owner, scopes, createdAt, expiresAt } = token
    this.#run(
      'INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, NULL)',
      hash,
      id,
      name,
      owner,
      JSON.stringify(scopes),
      createdAt,
      expiresAt ?? null,
    )
  }

  token(hash: string): ApiTokenRecord | undefined {
    return this.#all('SELECT * FROM tokens WHERE hash = ?', hash).map(tokenOf)[0]
  }

  noteUse(id: string, at: Instant): void {
    this.#run('UPDATE tokens SET last_used_at = ? WHERE id = ?', at, id)
  }

  tokens(): readonly ApiTokenRecord[] {
    return this.#all('SELECT * FROM tokens ORDER BY created_at DESC LIMIT ?', 1000).map(tokenOf)
  }

  removeToken(id: string): boolean {
    return this.#run('DELETE FROM tokens WHERE id = ?', id) > 0
  }

  removeTokensOf(owner: string): void {
    this.#run('DELETE FROM tokens WHERE owner = ?', owner)
  }

  putSetup(hash: string, expiresAt: Instant): void {
    this.#run(
      'INSERT INTO setup VALUES (1, ?, ?) ON CONFLICT (one) DO UPDATE SET hash = excluded.hash, expires_at = excluded.expires_at',
      hash,
      expiresAt,
    )
  }

  takeSetup(hash: string, now: Instant): boolean {
    return this.#run('DELETE FROM setup WHERE hash = ? AND expires_at > ?', hash, now) > 0
  }

  removeSetup(): void {
    this.#run('DELETE FROM setup')
  }

  putKnownPlace({ user, network }: KnownPlace, at: Instant): void {
    this.#run(
      'INSERT INTO known_places VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET at = excluded.at',
      user,
      network,
      at,
    )
    this.#run(
      `DELETE FROM known_places WHERE user = ?1 AND network NOT IN (
        SELECT network FROM known_places WHERE user = ?1 ORDER BY at DESC LIMIT ?2)`,
      user,
      mostPlaces,
    )
  }

  isKnownPlace({ user, network }: KnownPlace): boolean {
    const sql = 'SELECT 1 FROM known_places WHERE user = ? AND network = ?'
    return this.#all(sql, user, network).length > 0
  }

  putUsedLink(hash: string, expiresAt: Instant, now: Instant): void {
    this.#run('DELETE FROM used_links WHERE expires_at <= ?', now)
    this.#run('INSERT OR IGNORE INTO used_links VALUES (?, ?)', hash, expiresAt)
  }

  isUsedLink(hash: string): boolean {
    return this.#all('SELECT 1 FROM used_links WHERE hash = ?', hash).length > 0
  }

  audit(entry: AuditEntry): void {
    const { at, who, from, what, target, details, done } = entry
    if (!done && this.#countedAgain(entry)) return
    this.#run(
      'INSERT INTO audit (at, who, origin, what, target, details, done) VALUES (?, ?, ?, ?, ?, ?, ?)',
      at,
      who,
      from,
      what,
      target,
      details ?? null,
      done ? 1 : 0,
    )
    if (this.#written++ % this.#limits.pruneEvery !== 0) return
    this.#prune(1, this.#limits.done)
    this.#prune(0, this.#limits.refused)
  }

  #countedAgain({ at, who, from, what, target }: AuditEntry): boolean {
    const changes = this.#run(
      `UPDATE audit SET times = times + 1, last_at = ?1 WHERE id = (
        SELECT id FROM (
          SELECT * FROM audit INDEXED BY audit_by_done WHERE done = 0 ORDER BY id DESC LIMIT ?7
        ) WHERE at > ?2 AND who = ?3 AND origin = ?4 AND what = ?5 AND target = ?6 LIMIT 1)`,
      at,
      at - sameWithinMs,
      who,
      from,
      what,
      target,
      sameAmong,
    )
    return changes > 0
  }

  #prune(done: 0 | 1, most: number): void {
    this.#run(
      `DELETE FROM audit WHERE done = ?1 AND id <= (
        SELECT id FROM audit WHERE done = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)`,
      done,
      most,
    )
  }

  audited({ before, who, what, limit }: AuditRange): readonly AuditRecord[] {
    const end = what === undefined ? null : `${what}\u{10ffff}`
    return this.#all(
      `SELECT * FROM audit WHERE id < ?1 AND (?2 IS NULL OR who = ?2)
        AND (?3 IS NULL OR what BETWEEN ?3 AND ?4) ORDER BY id DESC LIMIT ?5`,
      before ?? Number.MAX_SAFE_INTEGER,
      who ?? null,
      what ?? null,
      end,
      limit,
    ).map(auditOf)
  }

  close(): void {
    this.#prepared.clear()
    this.#database.close()
  }

  #run(sql: string, ...values: readonly Value[]): number {
    return attempt(this.#path, () => Number(this.#statement(sql).run(...values).changes))
  }

  #all(sql: string, ...values: readonly Value[]): readonly Row[] {
    return attempt(this.#path, () => this.#statement(sql).all(...values))
  }

  #statement(sql: string): StatementSync {
    const known = this.#prepared.get(sql)
    if (known !== undefined) return known
    const made = this.#database.prepare(sql)
    this.#prepared.set(sql, made)
    return made
  }
}

function userOf(row: Row): AdminUserRecord {
  return {
    name: String(row['name']),
    role: String(row['role']),
    domains: words(row['domains']),
    passwordHash: String(row['password_hash']),
    createdAt: Number(row['created_at']),
    changedAt: Number(row['changed_at']),
    ...(typeof row['last_login_at'] === 'number' ? { lastLoginAt: row['last_login_at'] } : {}),
  }
}

function sessionOf(row: Row): AdminSessionRecord {
  return {
    id: String(row['id']),
    hash: String(row['hash']),
    user: String(row['user']),
    kind: row['kind'] === 'mailbox' ? 'mailbox' : 'user',
    csrfToken: String(row['csrf_token']),
    from: String(row['origin']),
    createdAt: Number(row['created_at']),
    seenAt: Number(row['seen_at']),
    expiresAt: Number(row['expires_at']),
  }
}

function tokenOf(row: Row): ApiTokenRecord {
  return {
    id: String(row['id']),
    hash: String(row['hash']),
    name: String(row['name']),
    owner: String(row['owner']),
    scopes: words(row['scopes']),
    createdAt: Number(row['created_at']),
    ...(typeof row['expires_at'] === 'number' ? { expiresAt: row['expires_at'] } : {}),
    ...(typeof row['last_used_at'] === 'number' ? { lastUsedAt: row['last_used_at'] } : {}),
  }
}

function auditOf(row: Row): AuditRecord {
  return {
    id: Number(row['id']),
    at: Number(row['at']),
    who: String(row['who']),
    from: String(row['origin']),
    what: String(row['what']),
    target: String(row['target']),
    done: row['done'] === 1,
    times: Number(row['times']),
    ...(typeof row['last_at'] === 'number' ? { lastAt: row['last_at'] } : {}),
    ...(typeof row['details'] === 'string' ? { details: row['details'] } : {}),
  }
}

function words(text: unknown): readonly string[] {
  const list: unknown = JSON.parse(String(text))
  return Array.isArray(list) ? list.map(String) : []
}
