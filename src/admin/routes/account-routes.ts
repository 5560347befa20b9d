import { accountDomain, accountKey } from '../../runtime/accounts.ts'
import type { AccountOperations } from '../operations.ts'
import { found, Refusal } from '../refusal.ts'
import { route, type Caller, type Route } from '../route.ts'
import {
  Alias,
  AliasChange,
  AliasPage,
  Domain,
  DomainChange,
  DomainPage,
  InDomainQuery,
  MailUser,
  MailUserChange,
  MailUserPage,
  NewAlias,
  NewDomain,
  NewMailUser,
} from '../schemas/accounts.ts'
import { Done, Name, pageQuery, record } from '../schemas/shapes.ts'

const Named = record({ name: Name })
const PageQuery = record(pageQuery)

export function accountRoutes(accounts: AccountOperations): readonly Route[] {
  return [...domainRoutes(accounts), ...userRoutes(accounts), ...aliasRoutes(accounts)]
}

/** What an administrator of domains has nothing to do with is not there for them. */
function mine(caller: Caller, name: string, what: 'domain' | 'user' | 'alias'): string {
  const { scope } = caller
  const domain = what === 'domain' ? accountKey(name) : accountDomain(name)
  if (scope.what === 'all') return name
  if (scope.what === 'domains' && domain !== undefined && scope.domains.includes(domain))
    return name
  throw new Refusal('not-found', `There is no ${what} ${name}`)
}

/** @returns what was there and is gone */
async function gone(removed: Promise<boolean>, what: string): Promise<{ done: boolean }> {
  if (await removed) return { done: true }
  throw new Refusal('not-found', `There is no ${what}`)
}

function domainRoutes(accounts: AccountOperations): readonly Route[] {
  return [
    route(
      {
        method: 'GET',
        url: '/domains',
        permission: 'accounts:read',
        summary: 'Domains whose users are accounts',
        query: PageQuery,
        answer: DomainPage,
      },
      ({ query, caller }) => accounts.domains(query, caller.scope),
    ),
    route(
      {
        method: 'POST',
        url: '/domains',
        permission: 'domains:write',
        summary: 'Add a domain',
        body: NewDomain,
        example: {
          name: 'example.org',
          catchAll: 'bounce',
          maxUsers: 100,
          otherNames: ['example.net'],
        },
        answer: Domain,
        status: 201,
        audit: 'domain.add',
      },
      ({ body, note }) => {
        note({ target: body.name, details: body })
        return accounts.addDomain(body)
      },
    ),
    route(
      {
        method: 'GET',
        url: '/domains/:name',
        permission: 'accounts:read',
        summary: 'One domain',
        params: Named,
        answer: Domain,
      },
      async ({ params: { name }, caller }) =>
        found(await accounts.domain(mine(caller, name, 'domain')), `domain ${name}`),
    ),
    route(
      {
        method: 'PATCH',
        url: '/domains/:name',
        permission: 'domains:write',
        summary: 'Change the settings of a domain',
        params: Named,
        body: DomainChange,
        example: { quota: '10GB', maxUsers: null },
        answer: Domain,
        audit: 'domain.change',
      },
      async ({ params: { name }, body, note }) => {
        const before = await accounts.domain(name)
        const after = found(await accounts.changeDomain(name, body), `domain ${name}`)
        note({ target: name, details: { before, after } })
        return after
      },
    ),
    route(
      {
        method: 'DELETE',
        url: '/domains/:name',
        permission: 'domains:write',
        summary: 'Remove a domain with its users and aliases; their mail stays where it lies',
        params: Named,
        answer: Done,
        audit: 'domain.remove',
      },
      async ({ params: { name }, note }) => {
        note({ target: name, details: { before: await accounts.domain(name) } })
        return gone(accounts.removeDomain(name), `domain ${name}`)
      },
    ),
  ]
}

function userRoutes(accounts: AccountOperations): readonly Route[] {
  return [
    route(
      {
        method: 'GET',
        url: '/users',
        permission: 'accounts:read',
        summary: 'Who may log in and has a mailbox',
        query: InDomainQuery,
        answer: MailUserPage,
      },
      ({ query, caller }) => accounts.users(query, caller.scope),
    ),
    route(
      {
        method: 'POST',
        url: '/users',
        permission: 'accounts:write',
        summary: 'Add a user',
        body: NewMailUser,
        example: { user: 'ann@example.org', password: 'what she chose', quota: '100MB' },
        answer: MailUser,
        status: 201,
        audit: 'user.add',
      },
      ({ body, caller, note }) => {
        mine(caller, body.user, 'user')
        note({ target: body.user, details: { ...body, password: undefined } })
        return accounts.addUser(body)
      },
    ),
    route(
      {
        method: 'GET',
        url: '/users/:name',
        permission: 'accounts:read',
        summary: 'One user',
        params: Named,
        answer: MailUser,
      },
      async ({ params: { name }, caller }) =>
        found(await accounts.user(mine(caller, name, 'user')), `user ${name}`),
    ),
    route(
      {
        method: 'PATCH',
        url: '/users/:name',
        permission: 'accounts:write',
        summary: 'Change the password, the quota or the flags of a user',
        params: Named,
        body: MailUserChange,
        example: { flags: ['no-pop'], quota: null },
        answer: MailUser,
        audit: 'user.change',
      },
      async ({ params: { name }, body, caller, note }) => {
        const before = await accounts.user(mine(caller, name, 'user'))
        const after = found(await accounts.changeUser(name, body), `user ${name}`)
        note({ target: name, details: { before, after, password: body.password !== undefined } })
        return after
      },
    ),
    route(
      {
        method: 'DELETE',
        url: '/users/:name',
        permission: 'accounts:write',
        summary: 'Remove a user; the mail stays where it lies',
        params: Named,
        answer: Done,
        audit: 'user.remove',
      },
      ({ params: { name }, caller, note }) => {
        note({ target: name })
        return gone(accounts.removeUser(mine(caller, name, 'user')), `user ${name}`)
      },
    ),
  ]
}

function aliasRoutes(accounts: AccountOperations): readonly Route[] {
  return [
    route(
      {
        method: 'GET',
        url: '/aliases',
        permission: 'accounts:read',
        summary: 'Addresses whose mail goes to others',
        query: InDomainQuery,
        answer: AliasPage,
      },
      ({ query, caller }) => accounts.aliases(query, caller.scope),
    ),
    route(
      {
        method: 'POST',
        url: '/aliases',
        permission: 'accounts:write',
        summary: 'Add an alias, or targets to one that is there',
        body: NewAlias,
        example: { address: 'info@example.org', targets: ['ann@example.org', 'bob@example.net'] },
        answer: Alias,
        status: 201,
        audit: 'alias.add',
      },
      ({ body, caller, note }) => {
        mine(caller, body.address, 'alias')
        note({ target: body.address, details: body })
        return accounts.addAlias(body)
      },
    ),
    route(
      {
        method: 'GET',
        url: '/aliases/:name',
        permission: 'accounts:read',
        summary: 'One alias',
        params: Named,
        answer: Alias,
      },
      async ({ params: { name }, caller }) =>
        found(await accounts.alias(mine(caller, name, 'alias')), `alias ${name}`),
    ),
    route(
      {
        method: 'PUT',
        url: '/aliases/:name',
        permission: 'accounts:write',
        summary: 'Other targets for an alias',
        params: Named,
        body: AliasChange,
        example: { targets: ['ann@example.org'] },
        answer: Alias,
        audit: 'alias.change',
      },
      async ({ params: { name }, body: { targets }, caller, note }) => {
        const before = await accounts.alias(mine(caller, name, 'alias'))
        note({ target: name, details: { before: before?.targets, after: targets } })
        return found(await accounts.changeAlias({ address: name, targets }), `alias ${name}`)
      },
    ),
    route(
      {
        method: 'DELETE',
        url: '/aliases/:name',
        permission: 'accounts:write',
        summary: 'Remove an alias',
        params: Named,
        answer: Done,
        audit: 'alias.remove',
      },
      ({ params: { name }, caller, note }) => {
        note({ target: name })
        return gone(accounts.removeAlias(mine(caller, name, 'alias')), `alias ${name}`)
      },
    ),
  ]
}
