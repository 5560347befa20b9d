/** What the administration remembers, in an SQLite file of its own (WAL, synchronous=FULL), for its owner alone. */
import { DatabaseSync } from 'node:sqlite'
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
import { KeptAudit, type AuditLimits } from './admin-audit.ts'
import { sessionOf, tokenOf, userOf } from './admin-rows.ts'
import { adminSchema } from './admin-schema.ts'
import { AdminStatements, storeAttempt } from './admin-statements.ts'
import { makeOwnFile } from './own-file.ts'
import { takeSteps } from './schema-steps.ts'

/** What is asked of one file at a time waits so long for the other. */
const busyMs = 5_000
/** Refusals are what strangers can make as many of as they like: they push out nothing but each other. */
const usualLimits: AuditLimits = { done: 100_000, refused: 20_000, pruneEvery: 500 }
const mostPlaces = 50
const mostListed = 10_000

/** @throws PosternError STORE_FAILED where the file cannot be opened */
export function openAdminRecords(path: string): AdminRecords {
  return storeAttempt(path, () => {
    makeOwnFile(path)
    const database = new DatabaseSync(path, { timeout: busyMs })
    try {
      database.exec(
        'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON',
      )
      takeSteps(database, adminSchema)
      return new SqliteAdminRecords(new AdminStatements(path, database))
    } catch (error) {
      database.close()
      throw error
    }
  })
}

/** The same in memory, for tests. */
export function memoryAdminRecords(limits = usualLimits): AdminRecords {
  const database = new DatabaseSync(':memory:')
  takeSteps(database, adminSchema)
  return new SqliteAdminRecords(new AdminStatements(':memory:', database), limits)
}

class SqliteAdminRecords implements AdminRecords {
  readonly #statements: AdminStatements
  readonly #audit: KeptAudit

  constructor(statements: AdminStatements, limits = usualLimits) {
    this.#statements = statements
    this.#audit = new KeptAudit(statements, limits)
  }

  users(): readonly AdminUserRecord[] {
    return this.#statements.all('SELECT * FROM users ORDER BY name LIMIT ?', mostListed).map(userOf)
  }

  user(name: string): AdminUserRecord | undefined {
    return this.#statements.all('SELECT * FROM users WHERE name = ?', name).map(userOf)[0]
  }

  putUser(user: AdminUserRecord): void {
    const { name, role, domains, passwordHash, createdAt, changedAt, lastLoginAt } = user
    this.#statements.run(
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
    this.#statements.run('DELETE FROM sessions WHERE user = ? AND kind = ?', name, 'user')
    this.removeTokensOf(name)
    this.#statements.run('DELETE FROM known_places WHERE user = ?', accountKey(name))
    return this.#statements.run('DELETE FROM users WHERE name = ?', name) > 0
  }

  noteLogin(name: string, at: Instant): void {
    this.#statements.run('UPDATE users SET last_login_at = ? WHERE name = ?', at, name)
  }

  addSession(session: AdminSessionRecord): void {
    const { id, hash, user, kind, csrfToken, from, createdAt, seenAt, expiresAt } = session
    this.#statements.run(
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
    return this.#statements.all('SELECT * FROM sessions WHERE hash = ?', hash).map(sessionOf)[0]
  }

  noteSeen(hash: string, at: Instant): void {
    this.#statements.run('UPDATE sessions SET seen_at = ? WHERE hash = ?', at, hash)
  }

  sessions(): readonly AdminSessionRecord[] {
    return this.#statements
      .all('SELECT * FROM sessions ORDER BY created_at DESC LIMIT ?', 1000)
      .map(sessionOf)
  }

  removeSession(id: string): boolean {
    return this.#statements.run('DELETE FROM sessions WHERE id = ?', id) > 0
  }

  removeSessionsOf(user: string, except = ''): void {
    this.#statements.run('DELETE FROM sessions WHERE user = ? AND id <> ?', user, except)
  }

  removeOldSessions(now: Instant, seenBefore: Instant): void {
    this.#statements.run(
      'DELETE FROM sessions WHERE expires_at <= ? OR seen_at < ?',
      now,
      seenBefore,
    )
  }

  addToken(token: ApiTokenRecord): void {
    const { id, hash, name, owner, scopes, createdAt, expiresAt } = token
    this.#statements.run(
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
    return this.#statements.all('SELECT * FROM tokens WHERE hash = ?', hash).map(tokenOf)[0]
  }

  noteUse(id: string, at: Instant): void {
    this.#statements.run('UPDATE tokens SET last_used_at = ? WHERE id = ?', at, id)
  }

  tokens(): readonly ApiTokenRecord[] {
    return this.#statements
      .all('SELECT * FROM tokens ORDER BY created_at DESC LIMIT ?', 1000)
      .map(tokenOf)
  }

  removeToken(id: string): boolean {
    return this.#statements.run('DELETE FROM tokens WHERE id = ?', id) > 0
  }

  removeTokensOf(owner: string): void {
    this.#statements.run('DELETE FROM tokens WHERE owner = ?', owner)
  }

  putSetup(hash: string, expiresAt: Instant): void {
    this.#statements.run(
      'INSERT INTO setup VALUES (1, ?, ?) ON CONFLICT (one) DO UPDATE SET hash = excluded.hash, expires_at = excluded.expires_at',
      hash,
      expiresAt,
    )
  }

  takeSetup(hash: string, now: Instant): boolean {
    return (
      this.#statements.run('DELETE FROM setup WHERE hash = ? AND expires_at > ?', hash, now) > 0
    )
  }

  removeSetup(): void {
    this.#statements.run('DELETE FROM setup')
  }

  putKnownPlace({ user, network }: KnownPlace, at: Instant): void {
    this.#statements.run(
      'INSERT INTO known_places VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET at = excluded.at',
      user,
      network,
      at,
    )
    this.#statements.run(
      `DELETE FROM known_places WHERE user = ?1 AND network NOT IN (
        SELECT network FROM known_places WHERE user = ?1 ORDER BY at DESC LIMIT ?2)`,
      user,
      mostPlaces,
    )
  }

  isKnownPlace({ user, network }: KnownPlace): boolean {
    const sql = 'SELECT 1 FROM known_places WHERE user = ? AND network = ?'
    return this.#statements.all(sql, user, network).length > 0
  }

  putUsedLink(hash: string, expiresAt: Instant, now: Instant): void {
    this.#statements.run('DELETE FROM used_links WHERE expires_at <= ?', now)
    this.#statements.run('INSERT OR IGNORE INTO used_links VALUES (?, ?)', hash, expiresAt)
  }

  isUsedLink(hash: string): boolean {
    return this.#statements.all('SELECT 1 FROM used_links WHERE hash = ?', hash).length > 0
  }

  audit(entry: AuditEntry): void {
    this.#audit.add(entry)
  }

  audited(range: AuditRange): readonly AuditRecord[] {
    return this.#audit.list(range)
  }

  close(): void {
    this.#statements.close()
  }
}
