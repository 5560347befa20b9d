/** Who may come in, and what was done. */
import { Type, type Static } from 'typebox'
import { permissions, roles } from '../permissions.ts'
import { Instant, Line, listOf, Name, next, oneOf, pageQuery, record } from './shapes.ts'

const Role = oneOf(roles)
const Permission = oneOf(permissions)
const Secret = Type.String({ minLength: 1, maxLength: 512 })
const NewPassword = Type.String({ minLength: 10, maxLength: 512 })
const Domains = listOf(Type.String({ minLength: 1, maxLength: 255 }), { maxItems: 1000 })

export const Login = record({ user: Name, password: Secret })
export const SessionView = record(
  {
    user: Type.String(),
    role: Role,
    domains: listOf(Type.String()),
    permissions: listOf(Permission),
    csrfToken: Type.Optional(
      Type.String({ description: 'To be sent as x-csrf-token with every change' }),
    ),
    expiresAt: Type.Optional(Instant),
  },
  'Session',
)
export const Setup = record({ token: Secret, user: Name, password: NewPassword })
export const PasswordChange = record({ current: Secret, password: NewPassword })

export const AdminUser = record(
  {
    name: Type.String(),
    role: Role,
    domains: listOf(Type.String()),
    createdAt: Instant,
    changedAt: Instant,
    lastLoginAt: Type.Optional(Instant),
  },
  'AdminUser',
)
export const AdminUsers = record({ users: listOf(AdminUser) }, 'AdminUsers')
export const NewAdminUser = record({
  name: Name,
  role: Role,
  password: NewPassword,
  domains: Type.Optional(Domains),
})
export const AdminUserChange = record({
  role: Type.Optional(Role),
  password: Type.Optional(NewPassword),
  domains: Type.Optional(Domains),
})

export const ApiToken = record(
  {
    id: Type.String(),
    name: Type.String(),
    owner: Type.String(),
    scopes: listOf(Permission),
    createdAt: Instant,
    expiresAt: Type.Optional(Instant),
    lastUsedAt: Type.Optional(Instant),
  },
  'ApiToken',
)
export const ApiTokens = record({ tokens: listOf(ApiToken) }, 'ApiTokens')
export const NewApiToken = record({
  name: Type.String({ minLength: 1, maxLength: 100 }),
  scopes: listOf(Permission, { minItems: 1, maxItems: 50 }),
  expiresAt: Type.Optional(Instant),
})
export const MadeApiToken = record(
  { ...ApiToken.properties, token: Type.String({ description: 'Shown this once' }) },
  'MadeApiToken',
)

export const LiveSession = record({
  id: Type.String(),
  user: Type.String(),
  from: Type.String(),
  createdAt: Instant,
  seenAt: Instant,
  expiresAt: Instant,
  current: Type.Boolean(),
})
export const LiveSessions = record({ sessions: listOf(LiveSession) }, 'LiveSessions')

export const AuditQuery = record({
  ...pageQuery,
  who: Type.Optional(Line),
  what: Type.Optional(Line),
})
export const AuditItem = record(
  {
    id: Type.Integer(),
    at: Instant,
    who: Type.String(),
    from: Type.String(),
    what: Type.String({ description: 'Such as queue.hold' }),
    target: Type.String(),
    details: Type.Optional(Type.String({ description: 'JSON, without secrets' })),
    done: Type.Boolean({ description: 'False: it was refused or failed' }),
    times: Type.Integer({ description: 'How often it was refused, from `at` to `lastAt`' }),
    lastAt: Type.Optional(Instant),
  },
  'AuditItem',
)
export const AuditPage = record({ items: listOf(AuditItem), next }, 'AuditPage')

export type SessionView = Static<typeof SessionView>
export type AdminUser = Static<typeof AdminUser>
export type ApiToken = Static<typeof ApiToken>
export type LiveSession = Static<typeof LiveSession>
export type AuditItem = Static<typeof AuditItem>
export type AuditPage = Static<typeof AuditPage>
