/** From what a request brings (a session's cookie, an API token) to who asks. */
import { createHash } from 'node:crypto'
import { accountDomain } from '../../runtime/accounts.ts'
import type { AdminRecords, AdminUserRecord } from '../../runtime/admin-records.ts'
import type { Clock } from '../../runtime/clock.ts'
import {
  isPermission,
  isRole,
  permissionsOf,
  type Permission,
  type Role,
  type Scope,
} from '../permissions.ts'
import type { Caller } from '../route.ts'

/** What is written down of a secret that opens something. */
export function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

/** How exactly it is noted when somebody was last seen: not each request is a write. */
const noteEveryMs = 60_000

export interface SessionTimes {
  /** Without a request for so long, it is over. */
  readonly idleMs: number
  /** In any case over by then. */
  readonly lifetimeMs: number
}

export interface Seen {
  /** Nobody did anything: the session grows idle all the same. */
  readonly idle?: boolean
}

export class Callers {
  readonly #records: AdminRecords
  readonly #clock: Pick<Clock, 'now'>
  readonly #times: SessionTimes

  constructor(records: AdminRecords, clock: Pick<Clock, 'now'>, times: SessionTimes) {
    this.#records = records
    this.#clock = clock
    this.#times = times
  }

  /** @returns undefined for a session that is over, or never was */
  bySession(token: string, from: string, { idle = false }: Seen = {}): Caller | undefined {
    const now = this.#clock.now()
    const session = this.#records.session(hashOf(token))
    if (session === undefined) return undefined
    if (session.expiresAt <= now || session.seenAt + this.#times.idleMs <= now) {
      this.#records.removeSession(session.id)
      return undefined
    }
    if (!idle && now - session.seenAt >= noteEveryMs) this.#records.noteSeen(session.hash, now)
    const who =
      session.kind === 'mailbox' ? mailboxCaller(session.user) : this.#userCaller(session.user)
    const { id, csrfToken, expiresAt, createdAt: since } = session
    return who && { ...who, from, by: 'session', session: id, since, csrfToken, expiresAt }
  }

  /** @returns undefined for a token that is over, or never was, or whose owner is gone */
  byToken(token: string, from: string): Caller | undefined {
    const now = this.#clock.now()
    const record = this.#records.token(hashOf(token))
    if (record === undefined || (record.expiresAt ?? Infinity) <= now) return undefined
    const owner = this.#userCaller(record.owner)
    if (owner === undefined) return undefined
    if (now - (record.lastUsedAt ?? 0) >= noteEveryMs) this.#records.noteUse(record.id, now)
    const scopes = record.scopes.filter(isPermission)
    const permissions = new Set(scopes.filter((scope) => owner.permissions.has(scope)))
    const { expiresAt } = record
    return {
      ...owner,
      permissions,
      from,
      by: 'token',
      ...(expiresAt === undefined ? {} : { expiresAt }),
    }
  }

  /** Whoever had it must log in again. */
  end(session: string): void {
    this.#records.removeSession(session)
  }

  #userCaller(name: string): Who | undefined {
    const user = this.#records.user(name)
    return user === undefined ? undefined : userCaller(user)
  }
}

type Who = Pick<Caller, 'name' | 'role' | 'domains' | 'scope' | 'permissions'>

export function userCaller({ name, role: word, domains }: AdminUserRecord): Who | undefined {
  return isRole(word) ? who(name, word, domains) : undefined
}

/** Somebody with an account in accounts.db: their own quarantine and nothing else. */
export function mailboxCaller(address: string): Who {
  return who(address, 'mailbox', [])
}

export function nobody(from: string): Caller {
  const permissions = new Set<Permission>()
  const scope = { what: 'domains', domains: [] } as const
  return { name: '', role: 'mailbox', domains: [], scope, permissions, from, by: 'nobody' }
}

function who(name: string, role: Role, domains: readonly string[]): Who {
  return {
    name,
    role,
    domains,
    scope: scopeOf(name, role, domains),
    permissions: permissionsOf(role),
  }
}

function scopeOf(name: string, role: Role, domains: readonly string[]): Scope {
  if (role === 'mailbox') {
    return accountDomain(name) === undefined
      ? { what: 'domains', domains: [] }
      : { what: 'mailbox', address: name }
  }
  return role === 'domain-admin' ? { what: 'domains', domains } : { what: 'all' }
}
