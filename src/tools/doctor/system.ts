/** What the machine gives: Node, file descriptors, the time, name servers, the unit of systemd. */
import type { Configuration } from '../../config/configuration.ts'
import { isPosternError } from '../../mail/errors.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Disk } from '../../runtime/disk.ts'
import type { Dns } from '../../runtime/dns.ts'
import type { HostProcess } from '../../runtime/process.ts'
import { problem, warning, well, type Examination } from './examination.ts'

/** @param wanted the major version that package.json asks for */
export function examineNode(version: string, wanted: number): Examination {
  const major = Number(version.split('.')[0])
  return major >= wanted
    ? well('node', `Node ${version}`)
    : problem('node', `Node ${version} is too old`, `install Node ${wanted} or later`)
}

/** Files and connections to others, beside those of clients. */
const besideClients = 200

export function examineDescriptors(
  { listeners }: Pick<Configuration, 'listeners'>,
  process: Pick<HostProcess, 'descriptors'>,
): Examination {
  const found = process.descriptors()
  if (found === undefined) return well('descriptors', 'this system does not tell their limit')
  const wanted = listeners.reduce((sum, each) => sum + each.maxConnections, 0) + besideClients
  const says = `${found.limit} file descriptors, and max_connections want ${wanted}`
  return found.limit >= wanted
    ? well('descriptors', says)
    : warning('descriptors', says, `ulimit -n ${wanted}, or LimitNOFILE=${wanted} in the unit`)
}

/** A machine that lost its time has that of its making, or of 1970. */
export function examineClock(clock: Clock, newestKnown: number): Examination {
  const says = new Date(clock.now()).toISOString()
  return clock.now() >= newestKnown
    ? well('clock', says)
    : problem('clock', `it is not ${says}: files here are younger`, 'timedatectl set-ntp true')
}

const dnsMs = 5_000

/** Any answer will do, also that there is no such name. */
export async function examineDns(name: string, dns: Dns, clock: Clock): Promise<Examination> {
  const controller = new AbortController()
  const timer = clock.after(dnsMs, () => controller.abort())
  try {
    await dns.mx(name, controller.signal)
    return well('dns', `the name servers answer (about ${name})`)
  } catch (error) {
    if (!isPosternError(error)) throw error
    const remedy = 'look at /etc/resolv.conf, or name servers in dns: { servers: [127.0.0.1] }'
    return problem('dns', `the name servers do not answer: ${error.message}`, remedy)
  } finally {
    timer.cancel()
  }
}

/** Where systemd looks for units: what an administrator wrote, what a package brings. */
const unitFolders = [
  '/etc/systemd/system',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
]
/** Links that `systemctl enable` makes: the service is started with the machine, or by its first client. */
const wishes = [
  '/etc/systemd/system/multi-user.target.wants/postern.service',
  '/etc/systemd/system/sockets.target.wants/postern.socket',
]

/** Where there is systemd. @param runs whether the gateway does */
export async function examineUnit(
  disk: Pick<Disk, 'stat'>,
  runs: boolean,
): Promise<readonly Examination[]> {
  const isThere = async (path: string): Promise<boolean> => {
    try {
      await disk.stat(path)
      return true
    } catch (error) {
      if (isPosternError(error)) return false
      throw error
    }
  }
  const anyOf = async (paths: readonly string[]): Promise<boolean> =>
    (await Promise.all(paths.map(isThere))).includes(true)
  if (!(await isThere('/run/systemd/system'))) return []
  if (!(await anyOf(unitFolders.map((folder) => `${folder}/postern.service`)))) return []
  return [
    (await anyOf(wishes))
      ? well('unit', 'postern.service is started with the machine')
      : warning(
          'unit',
          'postern.service is not started with the machine',
          'systemctl enable postern',
        ),
    ...(runs ? [] : [warning('unit', 'postern.service does not run', 'systemctl start postern')]),
  ]
}
