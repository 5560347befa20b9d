/**
 * Who comes in. A session is a random cookie of which a hash is kept; it ends when it is idle, when it is old, when its user
 * is changed, and when somebody ends it. Nobody hears whether a name or a password was wrong, and both take as long.
 */
import type { Static } from 'typebox'
import { clientNetwork } from '../../mail/client-network.ts'
import { accountKey } from '../../runtime/accounts.ts'
import type { AdminRecords } from '../../runtime/admin-records.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Random } from '../../runtime/random.ts'
import type { AccessOperations, MadeSession } from '../access-operations.ts'
import type { AccountOperations, PageRequest } from '../operations.ts'
import type { Passwords } from '../passwords.ts'
import { permissionsOf } from '../permissions.ts'
import { Refusal } from '../refusal.ts'
import type { Caller } from '../route.ts'
import type {
  AdminUser,
  AdminUserChange,
  ApiToken,
  AuditPage,
  LiveSession,
  Login,
  NewAdminUser,
  NewApiToken,
  PasswordChange,
  Setup,
} from '../schemas/access.ts'
import { hashOf, mailboxCaller, userCaller, type SessionTimes } from './callers.ts'
import { WrongTries } from './tries.ts'
import { checkDomains, checkUserName, userView } from './user-rules.ts'

export interface AccessParts {
  readonly records: AdminRecords
  readonly clock: Pick<Clock, 'now' | 'monotonicMs'>
  readonly random: Random
  readonly passwords: Pick<Passwords, 'hash' | 'isRight'>
  readonly accounts: Pick<AccountOperations, 'verify'>
  readonly times: SessionTimes
}

const secretBytes = 32
const idBytes = 9
const mostSessions = 1_000
const mostTokens = 1_000
const mostUsers = 1_000
const setupLifetimeMs = 24 * 3_600_000
const auditPage = 100

export class Access implements AccessOperations {
  readonly #parts: AccessParts
  /** From one network at one name, and at one name from everywhere; neither stops who logged in from there before. */
  readonly #near: WrongTries
  readonly #far: WrongTries

  constructor(parts: AccessParts) {
    this.#parts = parts
    const withinMs = 15 * 60_000
    this.#near = new WrongTries(parts.clock, { most: 5, withinMs })
    this.#far = new WrongTries(parts.clock, { most: 100, withinMs })
  }

  /** A new link, in place of the one before. @returns the secret that belongs into it */
  makeSetup(): string {
    const { records, clock } = this.#parts
    const token = this.#secret(secretBytes)
    records.putSetup(hashOf(token), clock.now() + setupLifetimeMs)
    return token
  }

  async setup(
    { token, user, password }: Static<typeof Setup>,
    caller: Caller,
    signal: AbortSignal,
  ): Promise<MadeSession> {
    const { records, clock } = this.#parts
    this.#mustWait(`setup ${networkOf(caller)}`)
    checkUserName(user)
    const passwordHash = await this.#parts.passwords.hash(password, signal)
    if (!records.takeSetup(hashOf(token), clock.now())) {
      this.#near.wrong(`setup ${networkOf(caller)}`)
      throw new Refusal('forbidden', 'This setup link is no longer good: postern admin setup-link')
    }
    const now = clock.now()
    const made = { name: user, role: 'admin', domains: [], passwordHash, createdAt: now }
    records.putUser({ ...made, changedAt: now })
    records.noteLogin(user, now)
    records.removeSessionsOf(user)
    records.removeTokensOf(user)
    records.putKnownPlace({ user: accountKey(user), network: networkOf(caller) }, now)
    return this.#begin(user, 'user', caller)
  }

  async login(
    { user, password }: Static<typeof Login>,
    caller: Caller,
    signal: AbortSignal,
  ): Promise<MadeSession> {
    const { records, passwords, accounts, clock } = this.#parts
    const key = `${networkOf(caller)} ${accountKey(user)}`
    const place = { user: accountKey(user), network: networkOf(caller) }
    const isKnownPlace = records.isKnownPlace(place)
    // Guesses of others lock nobody out who has been let in from there; the limit of logins a minute holds all the same.
    if (!isKnownPlace) this.#mustWait(key, accountKey(user))
    const known = records.user(user)
    // A name of both is the administrator's. Each name costs one hash, known or not.
    const isAddress = known === undefined && user.includes('@')
    const asMailbox = isAddress && (await accounts.verify(user, password, signal))
    const right = !isAddress && (await passwords.isRight(password, known?.passwordHash, signal))
    if (!right && !asMailbox) {
      this.#near.wrong(key)
      this.#far.wrong(accountKey(user))
      throw new Refusal('wrong-login')
    }
    this.#near.right(key)
    records.putKnownPlace(place, clock.now())
    if (right) records.noteLogin(user, clock.now())
    return asMailbox
      ? this.#begin(accountKey(user), 'mailbox', caller)
      : this.#begin(user, 'user', caller)
  }

  async logout({ session }: Caller): Promise<boolean> {
    return session !== undefined && this.#parts.records.removeSession(session)
  }

  async changeOwnPassword(
    { current, password }: Static<typeof PasswordChange>,
    caller: Caller,
    signal: AbortSignal,
  ): Promise<void> {
    const { records, passwords, clock } = this.#parts
    const user = records.user(caller.name)
    if (user === undefined || caller.by !== 'session') throw new Refusal('forbidden')
    const key = `${networkOf(caller)} ${accountKey(user.name)}`
    this.#mustWait(key)
    if (!(await passwords.isRight(current, user.passwordHash, signal))) {
      this.#near.wrong(key)
      throw new Refusal('forbidden', 'That is not the password you have')
    }
    const passwordHash = await passwords.hash(password, signal)
    records.putUser({ ...user, passwordHash, changedAt: clock.now() })
    records.removeSessionsOf(user.name, caller.session)
  }

  async sessions(caller: Caller): Promise<readonly LiveSession[]> {
    this.#sweep()
    return this.#parts.records.sessions().map((session) => {
      const { id, user, from, createdAt, seenAt, expiresAt } = session
      return { id, user, from, createdAt, seenAt, expiresAt, current: id === caller.session }
    })
  }

  async endSession(id: string): Promise<boolean> {
    return this.#parts.records.removeSession(id)
  }

  async users(): Promise<readonly AdminUser[]> {
    return this.#parts.records.users().flatMap((user) => userView(user) ?? [])
  }

  async addUser(
    { name, role, password, domains = [] }: Static<typeof NewAdminUser>,
    signal: AbortSignal,
  ): Promise<AdminUser> {
    const { records, passwords, clock } = this.#parts
    checkUserName(name)
    const asked = checkDomains(role, domains)
    if (records.user(name) !== undefined) throw new Refusal('conflict', `There is a user ${name}`)
    if (records.users().length >= mostUsers) throw new Refusal('invalid', 'That are too many users')
    const passwordHash = await passwords.hash(password, signal)
    const now = clock.now()
    records.putUser({ name, role, domains: asked, passwordHash, createdAt: now, changedAt: now })
    // A link that makes the first administrator has nothing left to do.
    if (role === 'admin') records.removeSetup()
    return { name, role, domains: asked, createdAt: now, changedAt: now }
  }

  async changeUser(
    name: string,
    { role, domains, password }: Static<typeof AdminUserChange>,
    signal: AbortSignal,
  ): Promise<AdminUser | undefined> {
    const { records, passwords, clock } = this.#parts
    const passwordHash =
      password === undefined ? {} : { passwordHash: await passwords.hash(password, signal) }
    const before = records.user(name)
    const view = before && userView(before)
    if (before === undefined || view === undefined) return undefined
    const as = role ?? view.role
    if (as !== 'admin') this.#mustStay(name)
    const asked = checkDomains(as, domains ?? (as === 'domain-admin' ? before.domains : []))
    const after = { ...before, role: as, domains: asked, ...passwordHash, changedAt: clock.now() }
    records.putUser(after)
    // Whoever had the password, or the role, may have made tokens to come back by.
    records.removeSessionsOf(name)
    records.removeTokensOf(name)
    if (as === 'admin') records.removeSetup()
    return userView(after)
  }

  async removeUser(name: string): Promise<boolean> {
    this.#mustStay(name)
    return this.#parts.records.removeUser(name)
  }

  async tokens(caller: Caller): Promise<readonly ApiToken[]> {
    const all = caller.permissions.has('access:manage')
    return this.#parts.records
      .tokens()
      .filter(({ owner }) => all || owner === caller.name)
      .map(({ id, name, owner, scopes, createdAt, expiresAt, lastUsedAt }) => ({
        id,
        name,
        owner,
        scopes: permissionsIn(scopes),
        createdAt,
        ...optional({ expiresAt, lastUsedAt }),
      }))
  }

  async addToken({ name, scopes, expiresAt }: Static<typeof NewApiToken>, caller: Caller) {
    const { records, clock } = this.#parts
    const beyond = scopes.find((scope) => !caller.permissions.has(scope))
    if (beyond !== undefined) throw new Refusal('forbidden', `You may not ${beyond} yourself`)
    // A token that ends must not make one that stays.
    if (caller.by === 'token' && (expiresAt ?? Infinity) > (caller.expiresAt ?? Infinity)) {
      throw new Refusal('forbidden', 'A token makes none that outlives it')
    }
    if (records.tokens().length >= mostTokens)
      throw new Refusal('invalid', 'That are too many tokens')
    const token = `postern_${this.#secret(secretBytes)}`
    const id = this.#secret(idBytes)
    const made = {
      id,
      name,
      owner: caller.name,
      createdAt: clock.now(),
      ...optional({ expiresAt }),
    }
    records.addToken({ ...made, scopes, hash: hashOf(token) })
    return { ...made, scopes, token }
  }

  async removeToken(id: string, caller: Caller): Promise<boolean> {
    const mine = (await this.tokens(caller)).some((token) => token.id === id)
    return mine && this.#parts.records.removeToken(id)
  }

  async audit({
    cursor,
    limit = auditPage,
    ...range
  }: PageRequest & { readonly who?: string; readonly what?: string }): Promise<AuditPage> {
    const before = cursor === undefined ? undefined : Number(cursor)
    if (before !== undefined && !Number.isSafeInteger(before)) throw new Refusal('bad-request')
    const items = this.#parts.records.audited({ ...range, ...optional({ before }), limit })
    const last = items.at(-1)
    return last === undefined || items.length < limit ? { items } : { items, next: String(last.id) }
  }

  #begin(user: string, kind: 'user' | 'mailbox', caller: Caller): MadeSession {
    const { records, clock, times } = this.#parts
    this.#sweep()
    if (caller.session !== undefined) records.removeSession(caller.session)
    const live = records.sessions()
    for (const { id } of live.slice(mostSessions - 1)) records.removeSession(id)
    const token = this.#secret(secretBytes)
    const csrfToken = this.#secret(secretBytes)
    const id = this.#secret(idBytes)
    const now = clock.now()
    const expiresAt = now + times.lifetimeMs
    const { from } = caller
    const hash = hashOf(token)
    records.addSession({
      id,
      hash,
      user,
      kind,
      csrfToken,
      from,
      createdAt: now,
      seenAt: now,
      expiresAt,
    })
    const known = records.user(user)
    const who = kind === 'mailbox' ? mailboxCaller(user) : known && userCaller(known)
    if (who === undefined) throw new Refusal('wrong-login')
    const made = { ...who, from, by: 'session', session: id, csrfToken, expiresAt } as const
    return { token, expiresAt, caller: made }
  }

  #sweep(): void {
    const now = this.#parts.clock.now()
    this.#parts.records.removeOldSessions(now, now - this.#parts.times.idleMs)
  }

  #secret(bytes: number): string {
    return Buffer.from(this.#parts.random.bytes(bytes)).toString('base64url')
  }

  #mustWait(near: string, far?: string): void {
    const waitMs = Math.max(this.#near.waitMs(near), far === undefined ? 0 : this.#far.waitMs(far))
    if (waitMs <= 0) return
    throw new Refusal('too-many-requests', 'Too many wrong tries: wait a while', {
      retryAfter: Math.ceil(waitMs / 1000),
    })
  }

  /** The last administrator may neither go nor become anything else. */
  #mustStay(name: string): void {
    const admins = this.#parts.records.users().filter(({ role }) => role === 'admin')
    if (admins.length === 1 && admins[0]?.name === name) {
      throw new Refusal('conflict', `${name} is the only administrator there is`)
    }
  }
}

/** Who has one address of a network of IPv6 has all of them. */
function networkOf({ from }: Caller): string {
  return clientNetwork(from, { ipv4: 32, ipv6: 64 }) ?? from
}

function permissionsIn(words: readonly string[]) {
  return [...permissionsOf('admin')].filter((permission) => words.includes(permission))
}

/** Without what is undefined. */
function optional<K extends string, T>(
  value: Readonly<Record<K, T | undefined>>,
): Partial<Record<K, T>> {
  const made: Partial<Record<K, T>> = {}
  for (const key in value) {
    const given = value[key]
    if (given !== undefined) made[key] = given
  }
  return made
}
