/** How a client arrives: on a connection of its own, or through somebody who says whose it is. */
import type { Environment } from '../mail/environment.ts'
import type { MaybePromise } from '../mail/maybe-promise.ts'
import type { Endpoint, TlsState } from '../mail/session.ts'
import type { Networks } from '../plugin/networks.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Connection } from '../runtime/net.ts'
import { readPreamble } from './preamble.ts'
import { parseProxyHeader } from './proxy-protocol.ts'

/** So long the preamble may take. Those who send one send it at once. */
const preambleTimeoutMs = 5_000

export interface Arrival {
  readonly remote: Endpoint
  readonly local: Endpoint
  readonly remoteName?: string
  /** TLS that ended before it reached us. */
  readonly tls?: TlsState
  readonly environment?: Environment
  /** What the client has sent already. */
  readonly received?: Buffer
}

export interface ArrivalOptions {
  /** From these addresses every connection begins with a PROXY header. */
  readonly proxyNetworks?: Pick<Networks, 'has'> | undefined
}

/** @throws PosternError PEER_FAILED, TIMEOUT (as a rejection): nobody knows whose connection it is */
export function arrivalOf(
  connection: Connection,
  { proxyNetworks }: ArrivalOptions,
  clock: Clock,
): MaybePromise<Arrival> {
  if (proxyNetworks?.has(connection.remote.address) === true) return byProxy(connection, clock)
  return { remote: connection.remote, local: connection.local }
}

async function byProxy(connection: Connection, clock: Clock): Promise<Arrival> {
  const { value, received } = await readPreamble(connection, {
    parse: parseProxyHeader,
    timeoutMs: preambleTimeoutMs,
    clock,
  })
  const { remote, local } = connection
  return value === 'own' ? { remote, local, received } : { ...value, received }
}
