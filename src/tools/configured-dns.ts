import type { Configuration } from '../config/configuration.ts'
import type { Dns } from '../runtime/dns.ts'
import { nodeDns } from '../runtime/node/dns.ts'

/** The DNS that a gateway of this configuration asks: the system's name servers where it names none. */
export function configuredDns({
  servers,
  timeoutMs,
}: Pick<Configuration['dns'], 'servers' | 'timeoutMs'>): Dns {
  return nodeDns({ timeoutMs, ...(servers.length === 0 ? {} : { servers }) })
}
