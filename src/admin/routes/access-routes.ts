import { Type } from 'typebox'
import type { AccessOperations } from '../access-operations.ts'
import { found } from '../refusal.ts'
import { route, type Caller, type Route } from '../route.ts'
import {
  AdminUser,
  AdminUserChange,
  AdminUsers,
  ApiTokens,
  AuditPage,
  AuditQuery,
  LiveSessions,
  Login,
  MadeApiToken,
  NewAdminUser,
  NewApiToken,
  PasswordChange,
  SessionView,
  Setup,
} from '../schemas/access.ts'
import { Done, Name, record } from '../schemas/shapes.ts'

const Named = record({ name: Name })
const Id = record({ id: Type.String({ minLength: 1, maxLength: 64 }) })

export function accessRoutes(access: AccessOperations): readonly Route[] {
  return [
    ...sessionRoutes(access),
    ...userRoutes(access),
    ...tokenRoutes(access),
    auditRoute(access),
  ]
}

function sessionRoutes(access: AccessOperations): readonly Route[] {
  return [
    route(
      {
        method: 'POST',
        url: '/setup',
        permission: 'public',
        summary: 'Make the first administrator, by the link that was printed at the first start',
        body: Setup,
        example: {
          token: 'what stands behind # in the link',
          user: 'root',
          password: 'ten letters at least',
        },
        answer: SessionView,
        status: 201,
        audit: 'access.setup',
        rate: 'login',
      },
      async ({ body, caller, note, setSession, signal }) => {
        note({ target: body.user, details: {} })
        const made = await access.setup(body, caller, signal)
        setSession(made.token, made.expiresAt)
        return viewOf(made.caller)
      },
    ),
    route(
      {
        method: 'POST',
        url: '/session',
        permission: 'public',
        summary: 'Log in: a session cookie, and a token to be sent with every change',
        body: Login,
        example: { user: 'root', password: 'what you chose' },
        answer: SessionView,
        status: 201,
        audit: 'access.login',
        rate: 'login',
      },
      async ({ body, caller, note, setSession, signal }) => {
        note({ target: body.user, details: {} })
        const made = await access.login(body, caller, signal)
        setSession(made.token, made.expiresAt)
        return viewOf(made.caller)
      },
    ),
    route(
      {
        method: 'GET',
        url: '/session',
        permission: 'any',
        summary: 'Who I am, and what I may do',
        answer: SessionView,
      },
      async ({ caller }) => viewOf(caller),
    ),
    route(
      {
        method: 'DELETE',
        url: '/session',
        permission: 'any',
        summary: 'Log out',
        answer: Done,
        audit: 'access.logout',
      },
      async ({ caller, setSession }) => {
        setSession(undefined)
        return { done: await access.logout(caller) }
      },
    ),
    route(
      {
        method: 'POST',
        url: '/session/password',
        permission: 'any',
        summary: 'Change my password; every other session of mine ends',
        body: PasswordChange,
        example: { current: 'what it was', password: 'ten letters at least' },
        answer: Done,
        audit: 'access.password',
        rate: 'login',
      },
      async ({ body, caller, note, signal }) => {
        note({ target: caller.name, details: {} })
        await access.changeOwnPassword(body, caller, signal)
        return { done: true }
      },
    ),
    route(
      {
        method: 'GET',
        url: '/access/sessions',
        permission: 'access:manage',
        summary: 'Who is logged in',
        answer: LiveSessions,
      },
      async ({ caller }) => ({ sessions: await access.sessions(caller) }),
    ),
    route(
      {
        method: 'DELETE',
        url: '/access/sessions/:id',
        permission: 'access:manage',
        summary: 'End a session',
        params: Id,
        answer: Done,
        audit: 'access.end-session',
      },
      async ({ params: { id } }) => ({ done: await access.endSession(id) }),
    ),
  ]
}

function viewOf({ name, role, domains, permissions, csrfToken, expiresAt }: Caller): SessionView {
  return {
    user: name,
    role,
    domains,
    permissions: [...permissions],
    ...(csrfToken === undefined ? {} : { csrfToken }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  }
}

function userRoutes(access: AccessOperations): readonly Route[] {
  return [
    route(
      {
        method: 'GET',
        url: '/access/users',
        permission: 'access:manage',
        summary: 'Who may log in here, besides mailbox users',
        answer: AdminUsers,
      },
      async () => ({ users: await access.users() }),
    ),
    route(
      {
        method: 'POST',
        url: '/access/users',
        permission: 'access:manage',
        summary: 'Add somebody',
        body: NewAdminUser,
        example: {
          name: 'ines',
          role: 'domain-admin',
          password: 'ten letters at least',
          domains: ['example.org'],
        },
        answer: AdminUser,
        status: 201,
        audit: 'access.add-user',
        rate: 'strict',
      },
      ({ body, note, signal }) => {
        note({ target: body.name, details: { role: body.role, domains: body.domains } })
        return access.addUser(body, signal)
      },
    ),
    route(
      {
        method: 'PATCH',
        url: '/access/users/:name',
        permission: 'access:manage',
        summary: 'Change the role, the domains or the password of somebody; their sessions end',
        params: Named,
        body: AdminUserChange,
        example: { role: 'auditor' },
        answer: AdminUser,
        audit: 'access.change-user',
        rate: 'strict',
      },
      async ({ params: { name }, body, note, signal }) => {
        const { role, domains } = body
        note({ target: name, details: { role, domains, password: body.password !== undefined } })
        return found(await access.changeUser(name, body, signal), `user ${name}`)
      },
    ),
    route(
      {
        method: 'DELETE',
        url: '/access/users/:name',
        permission: 'access:manage',
        summary: 'Remove somebody, with their sessions and tokens',
        params: Named,
        answer: Done,
        audit: 'access.remove-user',
      },
      async ({ params: { name }, note }) => {
        note({ target: name })
        found((await access.removeUser(name)) || undefined, `user ${name}`)
        return { done: true }
      },
    ),
  ]
}

function tokenRoutes(access: AccessOperations): readonly Route[] {
  return [
    route(
      {
        method: 'GET',
        url: '/access/tokens',
        permission: 'tokens:own',
        summary: 'API tokens: mine, or all of them for who manages access',
        answer: ApiTokens,
      },
      async ({ caller }) => ({ tokens: await access.tokens(caller) }),
    ),
    route(
      {
        method: 'POST',
        url: '/access/tokens',
        permission: 'tokens:own',
        summary: 'Make an API token; it is shown this once, and may at most what I may',
        body: NewApiToken,
        example: { name: 'monitoring', scopes: ['queue:read', 'metrics:read'] },
        answer: MadeApiToken,
        status: 201,
        audit: 'access.add-token',
        rate: 'strict',
      },
      ({ body, caller, note }) => {
        note({ target: body.name, details: { scopes: body.scopes, expiresAt: body.expiresAt } })
        return access.addToken(body, caller)
      },
    ),
    route(
      {
        method: 'DELETE',
        url: '/access/tokens/:id',
        permission: 'tokens:own',
        summary: 'Take an API token away',
        params: Id,
        answer: Done,
        audit: 'access.remove-token',
      },
      async ({ params: { id }, caller, note }) => {
        note({ target: id })
        found((await access.removeToken(id, caller)) || undefined, `token ${id}`)
        return { done: true }
      },
    ),
  ]
}

function auditRoute(access: AccessOperations): Route {
  return route(
    {
      method: 'GET',
      url: '/audit',
      permission: 'audit:read',
      summary: 'Every change: who, when, from where, what',
      query: AuditQuery,
      answer: AuditPage,
    },
    ({ query }) => access.audit(query),
  )
}
