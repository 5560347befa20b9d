/** Looks at an installation from all sides, as inst_check did for Life with qmail; changes nothing. */
import { fileURLToPath } from 'node:url'
import { resolve } from 'node:path'
import type { Configuration } from '../../config/configuration.ts'
import { configurationResources } from '../../config/resources.ts'
import { trustedLoader } from '../trusted-loader.ts'
import type { Entry } from '../../filter/entry.ts'
import { examinedAccounts } from '../examined-accounts.ts'
import type { Dns } from '../../runtime/dns.ts'
import { systemClock } from '../../runtime/node/clock.ts'
import { systemDisk } from '../../runtime/node/disk.ts'
import { fileSystemOf } from '../../runtime/node/file-system.ts'
import { nodeNet } from '../../runtime/node/net.ts'
import { hostProcess } from '../../runtime/node/process.ts'
import { errorMessage, isPosternError } from '../../mail/errors.ts'
import { askSupervisor } from '../ask-supervisor.ts'
import { configuredDns } from '../configured-dns.ts'
import { checkConfiguration } from '../check-configuration.ts'
import { loadChain } from '../load-chain.ts'
import { offlineDoors } from '../offline-doors.ts'
import { silentLog } from '../silent-log.ts'
import { probeListeners } from '../probe-listeners.ts'
import { readFolder } from '../read-offline.ts'
import { databasesSetAside } from '../set-aside.ts'
import { examineAccount } from './account.ts'
import { problem, warning, well, type Examination } from './examination.ts'
import { examineFolders } from './folders.ts'
import { examineForwardingKey } from './forwarding-key.ts'
import { examineGateway, examineSetAside } from './running.ts'
import { examineClock, examineDescriptors, examineDns, examineNode, examineUnit } from './system.ts'

export type { Examination } from './examination.ts'

/** As package.json says. */
const oldestNode = 24

export async function examine(
  folder: string,
  nodeVersion: string,
): Promise<readonly Examination[]> {
  const node = examineNode(nodeVersion, oldestNode)
  const { configuration } = readFolder(folder)
  if (configuration === undefined) {
    return [
      node,
      problem('configuration', `${folder} cannot be read`, `postern check --config ${folder}`),
    ]
  }
  const status = await askSupervisor(folder, 'status').catch((error: unknown) =>
    isPosternError(error, 'NOT_ALLOWED') ? 'not ours to ask' : undefined,
  )
  const runs = status !== undefined
  const dns = configuredDns(configuration.dns)
  return [
    node,
    await examineConfiguration(folder),
    ...examineGateway(folder, status),
    ...examineSetAside(await databasesSetAside(systemDisk, configuration)),
    ...(await examineUnit(systemDisk, runs)),
    ...(await examineFolders(configuration, {
      disk: systemDisk,
      clock: systemClock,
      uid: hostProcess.uid,
      fileSystemOf,
    })),
    ...(await examineAccount(configuration, { disk: systemDisk, uid: hostProcess.uid })),
    ...(await examineForwardingKey(configuration, { disk: systemDisk, uid: hostProcess.uid })),
    ...(await examinePorts(configuration, runs)),
    examineDescriptors(configuration, hostProcess),
    examineClock(systemClock, await newestKnown()),
    await examineDns(configuration.control.me, dns, systemClock),
    ...(await examineDependencies(folder, configuration, dns)),
  ]
}

async function examineConfiguration(folder: string): Promise<Examination> {
  const { mistakes, doubts } = await checkConfiguration(folder)
  const remedy = `postern check --config ${folder}`
  const [counted, warned] = [mistakes.length, doubts.length]
  if (counted > 0) return problem('configuration', `mistakes: ${counted}`, remedy)
  return warned > 0
    ? warning('configuration', `warnings: ${warned}`, remedy)
    : well('configuration', `${folder} has no mistakes`)
}

/** Those of a gateway that runs are ours. */
async function examinePorts(
  { listeners }: Configuration,
  runs: boolean,
): Promise<readonly Examination[]> {
  if (runs) return [well('ports', 'the gateway listens on all of them')]
  const mistakes = await probeListeners(listeners, nodeNet)
  if (mistakes.length === 0) return [well('ports', 'all of them are free, and may be listened on')]
  return mistakes.map((mistake) => {
    const [, remedy = othersListen] =
      portRemedies.find(([code]) => mistake.problem.includes(code)) ?? []
    return problem('ports', mistake.problem, remedy)
  })
}

const othersListen = 'ss -ltnp shows who listens there; stop it, or choose another port'
const portRemedies = [
  [
    'EACCES',
    'systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE; or sysctl net.ipv4.ip_unprivileged_port_start=25',
  ],
  ['EADDRNOTAVAIL', 'ip addr shows the addresses of this host: write one of them, or 0.0.0.0'],
] as const

/** Our own package is younger than no machine whose clock is right. */
async function newestKnown(): Promise<number> {
  const path = fileURLToPath(new URL('../../../package.json', import.meta.url))
  return (await systemDisk.stat(path)).modifiedAt
}

const probeMs = 10_000

/** Each entry that is on asks for itself whether what it needs is there. */
async function examineDependencies(
  folder: string,
  configuration: Configuration,
  dns: Dns,
): Promise<readonly Examination[]> {
  const doors = { disk: systemDisk, log: silentLog }
  const resources = configurationResources(resolve(folder), doors)
  const accounts = examinedAccounts(configuration)
  const loader = trustedLoader(configuration)
  try {
    const { generation } = await loadChain({
      configuration,
      loader,
      doors: offlineDoors(accounts, dns),
      resources,
    })
    return await Promise.all((generation?.entries ?? []).flatMap(examineEntry))
  } finally {
    await accounts.close()
    resources.close()
    loader.close()
  }
}

function examineEntry({ name, instance }: Entry): readonly Promise<Examination>[] {
  if (instance.probe === undefined) return []
  const controller = new AbortController()
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = systemClock.after(probeMs, () => {
    controller.abort()
    reject(new Error(`no answer within ${probeMs / 1_000} seconds`))
  })
  const asked = Promise.race([instance.probe(controller.signal), promise])
  return [
    asked
      .then(
        (found) => well(name, found),
        (error: unknown) =>
          problem(
            name,
            `cannot do its work: ${errorMessage(error)}`,
            `start what it needs, or postern disable ${name}`,
          ),
      )
      .finally(() => timer.cancel()),
  ]
}
