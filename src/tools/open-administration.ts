/** The administration of a configuration folder: the API with everything that stands behind it. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openAdministration, type Administration } from '../admin/admin-server.ts'
import type { Operations } from '../admin/operations.ts'
import { Passwords } from '../admin/passwords.ts'
import type { QueueSummary } from '../admin/schemas/queue.ts'
import type { Now } from '../admin/schemas/system.ts'
import type { AdminSettings } from '../admin/settings.ts'
import type { AdminConfiguration } from '../config/admin-section.ts'
import type { Configuration } from '../config/configuration.ts'
import type { AdminRecords } from '../runtime/admin-records.ts'
import type { Jobs } from '../runtime/jobs.ts'
import { exists } from '../runtime/missing.ts'
import { nodeAccounts } from '../runtime/node/accounts.ts'
import { openAdminRecords } from '../runtime/node/admin-records.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { nodeDns } from '../runtime/node/dns.ts'
import { nodeJobs } from '../runtime/node/jobs.ts'
import { nodeNet } from '../runtime/node/net.ts'
import { systemRandom } from '../runtime/node/random.ts'
import { metricRegistry } from '../runtime/metrics/registry.ts'
import { watchProcess } from '../runtime/node/process-metrics.ts'
import { hostProcess } from '../runtime/node/process.ts'
import { FollowedConfiguration } from './followed-configuration.ts'
import { ownKey } from './own-key.ts'
import { allAliases } from './mail-domains.ts'
import { openLog } from './open-log.ts'
import { KeptAccounts } from './operations/account-operations.ts'
import { Cached } from './operations/cached.ts'
import { ConfiguredChain } from './operations/chain-operations.ts'
import { EditedFiles } from './operations/edited-files.ts'
import { optionsInTexts } from './operations/known-plugins.ts'
import { EditHistory } from './operations/edit-history.ts'
import { GatewayNumbers } from './operations/gateway-numbers.ts'
import { aliasesLeadingTo } from './operations/mailbox-aliases.ts'
import { Maintenance } from './operations/maintenance-operations.ts'
import { StoredMessages } from './operations/message-operations.ts'
import { PolicyFiles } from './operations/policy-operations.ts'
import { HeldMail } from './operations/quarantine-operations.ts'
import { RelayFiles } from './operations/relay-operations.ts'
import { SpooledQueue } from './operations/queue-operations.ts'
import { GatewaySystem } from './operations/system-operations.ts'
import { SignedLinks } from './operations/signed-links.ts'
import type { Rehearse } from './operations/try-out.ts'

export interface AdministrationRequest {
  /** The configuration folder. */
  readonly folder: string
  readonly configuration: Configuration
  readonly admin: AdminConfiguration
  /** When the gateway was started. */
  readonly startedAt: number
  readonly node: string
  readonly rehearse: Rehearse
}

export interface OpenedAdministration extends Administration {
  readonly settings: AdminSettings
}

/** Where the users, sessions and tokens of a configuration lie. */
export function adminRecordsPath({ path }: Pick<AdminConfiguration, 'path'>): string {
  return join(path, 'admin.db')
}

/** Not listening yet. @throws PosternError STORE_FAILED */
export async function openAdministrationOf(
  request: AdministrationRequest,
): Promise<OpenedAdministration> {
  const { configuration, admin } = request
  const clock = systemClock
  const log = openLog(configuration.log, { worker: 1, workers: 1, process: 'admin' })
  const jobs = nodeJobs({ clock, dns: nodeDns() })
  const records = openAdminRecords(adminRecordsPath(admin))
  const version = await versionOf()
  const { operations, close } = operationsOf(request, { jobs, version, records })
  const settings = { ...admin, ...(await builtPages()) }
  const metrics = metricRegistry(clock)
  const unwatch = watchProcess(metrics, { worker: 'admin', clock, process: hostProcess })
  const administration = await openAdministration({
    settings,
    operations,
    records,
    clock,
    random: systemRandom,
    jobs,
    log,
    metrics,
    version,
  })
  return {
    app: administration.app,
    routes: administration.routes,
    settings,
    makeSetup: () => administration.makeSetup(),
    get isNew() {
      return administration.isNew
    },
    async close() {
      unwatch()
      await administration.close()
      await close()
      records.close()
      await jobs.close()
      await log.close()
    },
  }
}

function operationsOf(
  { folder, configuration, admin, startedAt, node, rehearse }: AdministrationRequest,
  {
    jobs,
    version,
    records,
  }: { readonly jobs: Jobs; readonly version: string; readonly records: AdminRecords },
): { readonly operations: Operations; readonly close: () => Promise<void> } {
  const clock = systemClock
  const disk = systemDisk
  const followed = new FollowedConfiguration({ folder, first: configuration, clock, disk })
  const current = (): Configuration => followed.current
  const history = new EditHistory({
    disk,
    clock,
    random: systemRandom,
    folder: join(admin.path, 'history'),
  })
  const plugins = (texts: readonly string[]) => optionsInTexts(texts, current())
  const files = new EditedFiles({
    folder,
    disk,
    history,
    plugins,
    key: keptKey(join(admin.path, 'etag.key')),
    written: () => followed.forget(),
  })
  const queue = new SpooledQueue(folder, clock)
  const numbers = new GatewayNumbers(current, { clock, disk, net: nodeNet })
  numbers.watch()
  const messages = new StoredMessages({
    current,
    clock,
    depth: async () => (await numbers.queue()) ?? depthOf(await queue.summary()),
    health: () => numbers.health(),
  })
  const accounts = nodeAccounts({ path: configuration.accounts.path, clock })
  const passwords = new Passwords(jobs, systemRandom)
  const aliases = new Cached(clock, aliasesMs, () => Array.fromAsync(allAliases(accounts)))
  const held = new HeldMail(folder, current, async (address) =>
    aliasesLeadingTo(address, await aliases.get()),
  )
  return {
    operations: {
      messages,
      queue,
      quarantine: held,
      links: new SignedLinks({ held, records, clock, key: () => keyOf(current()) }),
      chain: new ConfiguredChain({
        folder,
        current,
        files,
        numbers: async () =>
          (await numbers.entries()) ??
          messages.entryNumbers().catch(() => ({ sample: 0, entries: new Map() })),
      }),
      policy: new PolicyFiles(folder, current, files),
      relays: new RelayFiles(folder, files),
      accounts: new KeptAccounts({ accounts: () => accounts, passwords, clock }),
      configuration: files,
      system: new GatewaySystem({
        folder,
        current,
        version,
        node,
        startedAt,
        clock,
        disk,
        net: nodeNet,
        rehearse,
      }),
      maintenance: new Maintenance({ folder, current, disk, node: node.replace(/^v/, '') }),
      metrics: numbers,
    },
    async close() {
      numbers.close()
      await messages.close()
      await accounts.close()
    },
  }
}

/** Read once; where that fails, whoever asks next tries again. */
function keptKey(path: string): () => Promise<Uint8Array> {
  let kept: Promise<Uint8Array> | undefined
  return () => {
    kept ??= ownKey(path, { disk: systemDisk, random: systemRandom }).catch((error: unknown) => {
      kept = undefined
      throw error
    })
    return kept
  }
}

/** Of the links in digests; none where there are no digests. */
async function keyOf({ quarantine: { digest } }: Configuration): Promise<Uint8Array | undefined> {
  if (digest === undefined) return undefined
  return ownKey(digest.keyFile, { disk: systemDisk, random: systemRandom })
}

function depthOf({ messages, held, oldestAt }: QueueSummary): NonNullable<Now['queue']> {
  return { messages, held, ...(oldestAt === undefined ? {} : { oldestAt }) }
}

const aliasesMs = 2_000

async function versionOf(): Promise<string> {
  const file = fileURLToPath(new URL('../../package.json', import.meta.url))
  const { version }: { version?: unknown } = JSON.parse(
    Buffer.from(await systemDisk.readFile(file)).toString(),
  )
  return typeof version === 'string' ? version : 'unknown'
}

/** What `vite build` made of the pages. */
async function builtPages(): Promise<Pick<AdminSettings, 'pages'>> {
  const pages = fileURLToPath(new URL('../../dist/ui', import.meta.url))
  return (await exists(systemDisk, join(pages, 'index.html'))) ? { pages } : {}
}
