/** The administration of a configuration in a temporary folder, asked without a port. */
import type { LightMyRequestResponse } from 'fastify'
import type { Role } from '../../src/admin/permissions.ts'
import { rehearse } from '../../src/rehearsal/rehearse-once.ts'
import {
  openAdministrationOf,
  type OpenedAdministration,
} from '../../src/tools/open-administration.ts'
import { readOffline } from '../../src/tools/read-offline.ts'
import { gatewayFolder, type GatewayFolder } from '../end-to-end/started-gateway.ts'

export const password = 'correct horse battery'

/** Somebody who is logged in. */
export interface Visitor {
  readonly cookie: string
  readonly csrfToken: string
  ask(
    method: string,
    url: string,
    body?: unknown,
    headers?: Headers,
  ): Promise<LightMyRequestResponse>
}

type Headers = Readonly<Record<string, string>>

export interface Stage {
  readonly folder: GatewayFolder
  readonly administration: OpenedAdministration
  /** The first administrator, made by the setup link. */
  readonly admin: Visitor
  ask(
    method: string,
    url: string,
    body?: unknown,
    headers?: Headers,
  ): Promise<LightMyRequestResponse>
  /** A new user of that role, logged in. */
  as(role: Role, domains?: readonly string[]): Promise<Visitor>
  login(user: string, secret: string): Promise<Visitor>
  close(): Promise<void>
}

const usual = `
listeners: [{ name: mx, listen: 127.0.0.1:0 }]
chain:
  - plugin: lists
  - plugin: rcpthosts
  - plugin: greylist
  - plugin: badmailfrom # by hand
plugin_dirs: [../plugins, ../plugins/local]
admin: { requests_per_minute: 1000000 }
`

export async function administrationStage(yaml = usual): Promise<Stage> {
  const folder = await gatewayFolder(yaml)
  const configuration = readOffline(folder.config)
  if (configuration.admin === undefined) throw new Error('the administration is off')
  const administration = await openAdministrationOf({
    folder: folder.config,
    configuration: {
      ...configuration,
      log: {
        outputs: [{ level: 'error', format: 'json', to: `${folder.root}/log`, stamps: false }],
      },
    },
    admin: configuration.admin,
    startedAt: 0,
    node: process.version,
    rehearse: (session) => rehearse(folder.config, session),
  })
  const ask: Stage['ask'] = (method, url, body, headers = {}) =>
    administration.app.inject({
      method: method as 'GET',
      url: `/api/v1${url}`,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined
        ? {}
        : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
  const visitorOf = (response: LightMyRequestResponse): Visitor => {
    if (response.statusCode !== 201) throw new Error(response.body)
    const [made] = response.cookies
    const cookie = `${made?.name}=${made?.value}`
    const { csrfToken } = response.json<{ csrfToken: string }>()
    return {
      cookie,
      csrfToken,
      ask: (method, url, body, headers = {}) =>
        ask(method, url, body, { cookie, 'x-csrf-token': csrfToken, ...headers }),
    }
  }
  const login: Stage['login'] = async (user, secret) =>
    visitorOf(await ask('POST', '/session', { user, password: secret }))
  const setup = { token: administration.makeSetup(), user: 'root', password }
  const admin = visitorOf(await ask('POST', '/setup', setup))
  let count = 0
  return {
    folder,
    administration,
    admin,
    ask,
    login,
    async as(role, domains) {
      const name = `${role}-${(count += 1)}`
      const made = await admin.ask('POST', '/access/users', {
        name,
        role,
        password,
        ...(domains === undefined ? {} : { domains }),
      })
      if (made.statusCode !== 201) throw new Error(made.body)
      return login(name, password)
    },
    async close() {
      await administration.close()
      await folder.remove()
    },
  }
}
