/** Every route of the OpenAPI document, asked in every wrong way that there is, and in a right one. */
import { Value } from 'typebox/value'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  permissions,
  permissionsOf,
  type Permission,
  type Role,
} from '../../src/admin/permissions.ts'
import { besideRoutes } from '../../src/admin/beside-routes.ts'
import { administrationStage, type Stage, type Visitor } from './administration-stage.ts'

interface Schema {
  readonly $ref?: string
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly minLength?: number
  readonly minItems?: number
  readonly additionalProperties?: unknown
}

interface Operation {
  readonly operationId: string
  readonly 'x-permission': Permission | 'any' | 'public'
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly schema: Schema
  }[]
  readonly requestBody?: {
    readonly content: {
      readonly 'application/json': { readonly schema: Schema; readonly example?: unknown }
    }
  }
  readonly responses: Readonly<Record<string, { readonly content?: object }>>
}

interface Document {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

let stage: Stage
let document: Document
let visitors: ReadonlyMap<Role, Visitor>
beforeAll(async () => {
  stage = await administrationStage()
  document = (await stage.ask('GET', '/openapi.json')).json()
  await stage.admin.ask('POST', '/domains', { name: 'example.org' })
  await stage.admin.ask('POST', '/users', { user: 'ann@example.org', password })
  visitors = new Map<Role, Visitor>([
    ['admin', stage.admin],
    ['operator', await stage.as('operator')],
    ['helpdesk', await stage.as('helpdesk')],
    ['auditor', await stage.as('auditor')],
    ['domain-admin', await stage.as('domain-admin', ['example.org'])],
    ['mailbox', await stage.login('ann@example.org', password)],
  ])
}, 60_000)
afterAll(() => stage.close())

const password = 'a password of ten'

interface Call {
  readonly method: string
  readonly url: string
  readonly path: string
  readonly operation: Operation
  readonly body: unknown
}

/** Without what is no plain question and answer. */
function plain(): ReturnType<typeof Object.entries<Document['paths'][string]>> {
  const others = new Set<string>(besideRoutes.map(({ path }) => path))
  return Object.entries(document.paths).filter(([path]) => !others.has(path))
}

/** Each operation with the least that its schemas take. */
function calls(): readonly Call[] {
  return plain().flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const schema = operation.requestBody?.content['application/json'].schema
      const needed = (operation.parameters ?? []).filter(
        ({ in: where, name }) => where === 'query' && name === 'path',
      )
      const query = needed.map(({ name }) => `${name}=tcp.smtp`).join('&')
      const url = path.replace('/api/v1', '').replace(/\{\w+\}/g, 'nothing')
      return {
        method: method.toUpperCase(),
        url: query === '' ? url : `${url}?${query}`,
        path,
        operation,
        body: schema === undefined ? undefined : sample(schema),
      }
    }),
  )
}

function sample(schema: Schema): unknown {
  if (schema.$ref !== undefined)
    return sample(document.components.schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {})
  if (schema.enum !== undefined) return schema.enum[0]
  if (schema.anyOf !== undefined) return sample(schema.anyOf[0] ?? {})
  switch (schema.type) {
    case 'object':
      return Object.fromEntries(
        (schema.required ?? []).map((key) => [key, sample(schema.properties?.[key] ?? {})]),
      )
    case 'array':
      return Array.from({ length: schema.minItems ?? 0 }, () => sample(schema.items ?? {}))
    case 'integer':
    case 'number':
      return 1
    case 'boolean':
      return false
    default:
      return 'x'.repeat(Math.max(1, schema.minLength ?? 1))
  }
}

/** What would end the sessions of this test, or guess until it is shut out. */
function isHarmless({ url, method }: Call): boolean {
  return (
    !(url === '/session' && method !== 'GET') && url !== '/setup' && url !== '/session/password'
  )
}

describe('the OpenAPI document', () => {
  test('is of version 3.1, and every reference in it leads somewhere', () => {
    expect(document.openapi).toBe('3.1.0')
    const references = JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)
    const names = [...references].map(([, name = '']) => name)
    expect(names.length).toBeGreaterThan(50)
    expect(names.filter((name) => !(name in document.components.schemas))).toEqual([])
  })

  test('says of each operation what it is called, what it answers, and where its parameters are', () => {
    const all = calls()
    expect(new Set(all.map(({ operation }) => operation.operationId)).size).toBe(all.length)
    for (const { path, operation } of all) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      const named = (operation.parameters ?? []).flatMap((each) =>
        each.in === 'path' ? [each.name] : [],
      )
      expect(named).toEqual(inPath)
      expect(Object.keys(operation.responses).toSorted()).toEqual([
        expect.stringMatching(/^20[01]$/),
        'default',
      ])
    }
  })

  test('names a permission of the table for every route', () => {
    const known = new Set<string>([...permissions, 'any', 'public'])
    const wrong = calls().filter(({ operation }) => !known.has(operation['x-permission']))
    expect(wrong.map(({ path }) => path)).toEqual([])
    const open = calls().filter(({ operation }) => operation['x-permission'] === 'public')
    expect(open.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /api/v1/setup',
      'POST /api/v1/session',
    ])
  })

  test('names what is served beside them, too, and each of it is there', async () => {
    for (const { path, permission } of besideRoutes) {
      expect(document.paths[path]?.['get']?.['x-permission']).toBe(permission)
      if (path.endsWith('/events')) continue
      const response = await stage.administration.app.inject({ url: path })
      // No gateway runs here.
      expect([200, 503], path).toContain(response.statusCode)
    }
    expect((await stage.ask('GET', '/events')).statusCode).toBe(401)
    const mailbox = await visitors.get('mailbox')?.ask('GET', '/events')
    expect(mailbox?.statusCode).toBe(403)
  })

  test('has an example of each body, which the schema takes', () => {
    const wrong = stage.administration.routes.filter(
      ({ spec: { body, example } }) =>
        body !== undefined && (example === undefined || !Value.Check(body, example)),
    )
    expect(wrong.map(({ spec }) => spec.url)).toEqual([])
    const shown = calls().filter(({ operation: { requestBody } }) => requestBody !== undefined)
    for (const { path, operation } of shown) {
      expect(operation.requestBody?.content['application/json'].example, path).toBeDefined()
    }
  })

  test('writes down every change', () => {
    const silent = stage.administration.routes
      .filter(({ spec }) => spec.method !== 'GET' && spec.audit === undefined)
      .map(({ spec }) => spec.url)
    expect(silent.every((url) => /\/(?:test|preview|try|check)$/.test(url))).toBe(true)
  })
})

function expectProblem(response: Awaited<ReturnType<Stage['ask']>>, status: number): void {
  expect(response.statusCode, response.body).toBe(status)
  expect(response.headers['content-type']).toContain('application/problem+json')
  expect(response.headers['x-content-type-options']).toBe('nosniff')
  expect(response.headers['cache-control']).toBe('no-store')
  expect(response.json()).toMatchObject({
    type: expect.stringMatching(/^\/problems\//),
    title: expect.any(String),
    status,
    instance: expect.stringMatching(/^\/api\/v1\//),
  })
}

/** Of all paths that a URL may stand for. */
function methodsAt(url: string): ReadonlySet<string> {
  const parts = url.split('/')
  const alike = plain().filter(([path]) => {
    const pattern = path.replace('/api/v1', '').split('/')
    return (
      pattern.length === parts.length &&
      pattern.every((part, index) => part.startsWith('{') || part === parts[index])
    )
  })
  return new Set(alike.flatMap(([, methods]) => Object.keys(methods)).map((m) => m.toUpperCase()))
}

describe('every route', () => {
  test('asks who is there', async () => {
    for (const { method, url, operation, body } of calls()) {
      if (operation['x-permission'] === 'public') continue
      expectProblem(await stage.ask(method, url, body), 401)
      expectProblem(await stage.ask(method, url, body, { authorization: 'Bearer postern_no' }), 401)
    }
  })

  test('lets in those whose role may, and nobody else', async () => {
    for (const [role, visitor] of visitors) {
      const may = permissionsOf(role)
      for (const call of calls().filter(isHarmless)) {
        const { method, url, operation, body } = call
        const permission = operation['x-permission']
        const response = await visitor.ask(method, url, body, { 'if-match': '"x"' })
        const allowed = permission === 'any' || permission === 'public' || may.has(permission)
        const said = `${role} ${method} ${url}: ${response.body}`
        const expected = allowed ? [200, 201, 400, 403, 404, 409, 412, 422, 503] : [403]
        expect(expected, said).toContain(response.statusCode)
        // Where they may, a 403 is about the thing and says so; that of the table says nothing more.
        const byTable = response.statusCode === 403 && response.json().detail === undefined
        expect(byTable, said).toBe(!allowed)
        if (response.statusCode >= 400) expectProblem(response, response.statusCode)
      }
    }
  }, 120_000)

  test('refuses changes without the token of the session, and from other sites', async () => {
    const { cookie, csrfToken } = stage.admin
    for (const { method, url, operation, body } of calls()) {
      if (method === 'GET') continue
      const other = { cookie, 'x-csrf-token': csrfToken, origin: 'https://evil.example' }
      expectProblem(await stage.ask(method, url, body, other), 403)
      const cross = { cookie, 'x-csrf-token': csrfToken, 'sec-fetch-site': 'cross-site' }
      expectProblem(await stage.ask(method, url, body, cross), 403)
      if (operation['x-permission'] === 'public') continue
      expectProblem(await stage.ask(method, url, body, { cookie }), 403)
      expectProblem(await stage.ask(method, url, body, { cookie, 'x-csrf-token': 'x' }), 403)
    }
  })

  test('says which methods there are where it is asked by another', async () => {
    for (const [path, methods] of plain()) {
      const url = path.replace('/api/v1', '').replace(/\{\w+\}/g, 'nothing')
      const known = Object.keys(methods).map((method) => method.toUpperCase())
      // What looks like a parameter may be a path of its own.
      const wrong = ['DELETE', 'PUT', 'OPTIONS', 'PATCH', 'POST'].find(
        (method) => !methodsAt(url).has(method),
      )
      if (wrong === undefined) continue
      const response = await stage.admin.ask(wrong, url)
      expectProblem(response, 405)
      expect(String(response.headers['allow']).split(', ')).toEqual(expect.arrayContaining(known))
    }
    expectProblem(await stage.admin.ask('GET', '/no/such/thing'), 404)
    expectProblem(await stage.admin.ask('GET', '/quarantine/%ff'), 400)
    expectProblem(await stage.admin.ask('POST', '/events'), 405)
    // Of another protocol.
    expectProblem(await stage.admin.ask('PROPFIND', '/queue'), 405)
    expectProblem(await stage.admin.ask('PROPFIND', '/no/such/thing'), 404)
  })

  test('opens to a token of its scope, and to one of any other not', async () => {
    // One route of each permission, to be looked at, or to be changed where there is no other.
    const first = new Map<string, Call>()
    for (const call of calls().filter(isHarmless)) {
      const permission = call.operation['x-permission']
      const known = first.get(permission)
      if (known === undefined || (known.method !== 'GET' && call.method === 'GET')) {
        first.set(permission, call)
      }
    }
    first.delete('any')
    for (const scope of permissions) {
      const made = await stage.admin.ask('POST', '/access/tokens', { name: scope, scopes: [scope] })
      const { token } = made.json<{ token: string }>()
      const headers = { authorization: `Bearer ${token}`, 'if-match': '"x"' }
      for (const [permission, { method, url, body }] of first) {
        const response = await stage.ask(method, url, body, headers)
        const said = `${scope}: ${method} ${url}: ${response.body}`
        expect(response.statusCode === 403, said).toBe(permission !== scope)
      }
    }
  }, 60_000)

  test('refuses what its schemas do not name, and what is no JSON', async () => {
    for (const call of calls().filter(isHarmless)) {
      const { method, url, body } = call
      const join = url.includes('?') ? '&' : '?'
      expectProblem(await stage.admin.ask(method, `${url}${join}unknown=1`, body), 400)
      if (body === undefined) continue
      expectProblem(await stage.admin.ask(method, url, { ...Object(body), unknown: 1 }), 400)
      expectProblem(await stage.admin.ask(method, url, '{"a":'), 400)
      expectProblem(await stage.admin.ask(method, url, '{"__proto__":{"role":"admin"}}'), 400)
      expectProblem(await stage.admin.ask(method, url, '[]'), 400)
      const form = { 'content-type': 'application/x-www-form-urlencoded' }
      expectProblem(await stage.admin.ask(method, url, 'a=1', form), 415)
      const large = JSON.stringify({ unknown: 'x'.repeat(4_200_000) })
      expectProblem(await stage.admin.ask(method, url, large), 413)
    }
  }, 60_000)
})
