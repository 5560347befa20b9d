/** The administration as one thing: routes, access, events, pages; listens where it is told to. */
import type { FastifyInstance } from 'fastify'
import type { AdminRecords } from '../runtime/admin-records.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Jobs } from '../runtime/jobs.ts'
import type { Log } from '../runtime/log.ts'
import type { Metrics } from '../runtime/metrics/metrics.ts'
import type { Random } from '../runtime/random.ts'
import { Access } from './access/access.ts'
import { Callers } from './access/callers.ts'
import { addEventStream } from './event-stream.ts'
import { EventTail } from './event-tail.ts'
import { Gate } from './gate.ts'
import { Journal } from './journal.ts'
import { addMetricsPage } from './metrics-page.ts'
import { openApiDocument } from './openapi.ts'
import { addLinkPage } from './link-page.ts'
import type { Operations } from './operations.ts'
import { Passwords } from './passwords.ts'
import type { Route } from './route.ts'
import { accessRoutes } from './routes/access-routes.ts'
import { accountRoutes } from './routes/account-routes.ts'
import { chainRoutes } from './routes/chain-routes.ts'
import { configurationRoutes } from './routes/configuration-routes.ts'
import { maintenanceRoutes } from './routes/maintenance-routes.ts'
import { messageRoutes } from './routes/message-routes.ts'
import { policyRoutes } from './routes/policy-routes.ts'
import { quarantineRoutes } from './routes/quarantine-routes.ts'
import { queueRoutes } from './routes/queue-routes.ts'
import { relayRoutes } from './routes/relay-routes.ts'
import { systemRoutes } from './routes/system-routes.ts'
import { buildServer } from './server.ts'
import type { AdminSettings } from './settings.ts'

export interface AdminParts {
  readonly settings: AdminSettings
  readonly operations: Operations
  readonly records: AdminRecords
  readonly clock: Clock
  readonly random: Random
  readonly jobs: Jobs
  readonly log: Log
  /** Of this process. */
  readonly metrics: Metrics
  readonly version: string
}

export interface Administration {
  readonly app: FastifyInstance
  readonly routes: readonly Route[]
  /** A new one-time link's secret, in place of the one before. */
  makeSetup(): string
  /** Whether nobody can log in yet. */
  readonly isNew: boolean
  close(): Promise<void>
}

/** Built, not listening yet. */
export async function openAdministration(parts: AdminParts): Promise<Administration> {
  const { settings, operations, records, clock, random, jobs, log, version } = parts
  const times = { idleMs: settings.idleMs, lifetimeMs: settings.lifetimeMs }
  const passwords = new Passwords(jobs, random)
  const { accounts } = operations
  const access = new Access({ records, clock, random, passwords, accounts, times })
  const routes = allRoutes(operations, access)
  const tail = new EventTail(operations.messages, clock, log)
  const journal = new Journal(records, clock, log)
  const app = await buildServer({
    settings,
    routes,
    gate: new Gate(new Callers(records, clock, times), settings, accounts),
    journal,
    document: openApiDocument(routes, version),
    log,
    ready: () => operations.system.ready(),
    more(server, admit) {
      addEventStream(server, admit, tail)
      addLinkPage(server, { links: operations.links, journal, log, settings })
      addMetricsPage(server, admit, {
        operations: operations.metrics,
        own: parts.metrics,
        openTo: settings.metricsFrom,
      })
    },
  })
  return {
    app,
    routes,
    makeSetup: () => access.makeSetup(),
    get isNew() {
      return records.users().length === 0
    },
    async close() {
      tail.close()
      await app.close()
    },
  }
}

function allRoutes(operations: Operations, access: Access): readonly Route[] {
  return [
    ...messageRoutes(operations.messages),
    ...queueRoutes(operations.queue),
    ...quarantineRoutes(operations.quarantine),
    ...chainRoutes(operations.chain),
    ...policyRoutes(operations.policy),
    ...relayRoutes(operations.relays),
    ...accountRoutes(operations.accounts),
    ...configurationRoutes(operations.configuration),
    ...systemRoutes(operations.system),
    ...maintenanceRoutes(operations.maintenance),
    ...accessRoutes(access),
  ]
}
