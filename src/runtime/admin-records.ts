/**
 * The door to what the administration remembers: who may log in, who is logged in, what was done. What identifies a session,
 * a token or a setup link is kept as a hash. Small, asked where it is needed, durable when a method returns; all methods
 * @throws PosternError STORE_FAILED.
 */
import type { Instant } from '../mail/instant.ts'

export interface AdminUserRecord {
  readonly name: string
  readonly role: string
  /** Whose administrator they are, where they are of some alone. */
  readonly domains: readonly string[]
  /** As crypt(3) writes it. */
  readonly passwordHash: string
  readonly createdAt: Instant
  readonly changedAt: Instant
  readonly lastLoginAt?: Instant
}

export interface AdminSessionRecord {
  /** For people to name it; opens nothing. */
  readonly id: string
  readonly hash: string
  readonly user: string
  /** Of a mailbox user there is no `AdminUserRecord`. */
  readonly kind: 'user' | 'mailbox'
  readonly csrfToken: string
  /** The client's address. */
  readonly from: string
  readonly createdAt: Instant
  readonly seenAt: Instant
  readonly expiresAt: Instant
}

export interface ApiTokenRecord {
  readonly id: string
  readonly hash: string
  readonly name: string
  readonly owner: string
  readonly scopes: readonly string[]
  readonly createdAt: Instant
  readonly expiresAt?: Instant
  readonly lastUsedAt?: Instant
}

export interface AuditEntry {
  readonly at: Instant
  readonly who: string
  readonly from: string
  readonly what: string
  readonly target: string
  /** JSON. */
  readonly details?: string
  readonly done: boolean
}

export interface AuditRecord extends AuditEntry {
  /** Rises. */
  readonly id: number
  /** How often it was refused since `at`. */
  readonly times: number
  /** The last time, where it was more than once. */
  readonly lastAt?: Instant
}

/** From where somebody logs in. */
export interface KnownPlace {
  readonly user: string
  readonly network: string
}

export interface AuditRange {
  /** Older than this one. */
  readonly before?: number
  readonly who?: string
  /** What it begins with. */
  readonly what?: string
  readonly limit: number
}

export interface AdminRecords {
  users(): readonly AdminUserRecord[]
  user(name: string): AdminUserRecord | undefined
  /** In place of the one that bears the name. */
  putUser(user: AdminUserRecord): void
  /** With their sessions and tokens. @returns false where there is none */
  removeUser(name: string): boolean
  noteLogin(name: string, at: Instant): void

  addSession(session: AdminSessionRecord): void
  session(hash: string): AdminSessionRecord | undefined
  noteSeen(hash: string, at: Instant): void
  sessions(): readonly AdminSessionRecord[]
  removeSession(id: string): boolean
  /** @param except the id of one that stays */
  removeSessionsOf(user: string, except?: string): void
  /** Those that are over, or were not seen since then. */
  removeOldSessions(now: Instant, seenBefore: Instant): void

  addToken(token: ApiTokenRecord): void
  token(hash: string): ApiTokenRecord | undefined
  noteUse(id: string, at: Instant): void
  tokens(): readonly ApiTokenRecord[]
  removeToken(id: string): boolean
  removeTokensOf(owner: string): void

  /** The one setup link that opens, in place of the one before. */
  putSetup(hash: string, expiresAt: Instant): void
  /** Uses it up. @returns whether it was the one, and in time */
  takeSetup(hash: string, now: Instant): boolean
  /** None opens any more. */
  removeSetup(): void

  /** Somebody was let in from there. Of each user the places of last time stay. */
  putKnownPlace(place: KnownPlace, at: Instant): void
  isKnownPlace(place: KnownPlace): boolean

  /** Until then the link opens nothing any more: later it is too old in any case. */
  putUsedLink(hash: string, expiresAt: Instant, now: Instant): void
  isUsedLink(hash: string): boolean

  /**
   * Of what was done and of what was refused the oldest go, each by themselves, where there are too many; the same that is
   * refused again and again is one record that counts.
   */
  audit(entry: AuditEntry): void
  /** Newest first. */
  audited(range: AuditRange): readonly AuditRecord[]
  close(): void
}
