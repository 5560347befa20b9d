import type { Configuration } from '../config/configuration.ts'
import type { Dns } from '../runtime/dns.ts'
import { nodeDns } from '../runtime/node/dns.ts'
import { readFolder } from './read-offline.ts'

/** The DNS that a gateway of this configuration asks: the system's name servers where it names none. */
export function configuredDns({
  servers,
  timeoutMs,
}: Pick<Configuration['dns'], 'servers' | 'timeoutMs'>): Dns {
  return nodeDns({ timeoutMs, ...(servers.length === 0 ? {} : { servers }) })
}

/** The same for tools that work without a configuration, too. @param folder where it is, if there is one */
export function dnsFor(folder: string): Dns {
  const { configuration } = readFolder(folder)
  return configuration === undefined ? nodeDns() : configuredDns(configuration.dns)
}
