import type { Endpoint, TlsState } from '../mail/session.ts'
import type { ConnectionFacts } from './policy.ts'
import type { ClaimedClient } from './xclient.ts'

/**
 * The facts of a connection whose proxy speaks for somebody else. What it does not know is unknown, and never filled in
 * from its own connection, but for its own address where it claims no other, and the TLS layer, which is there.
 */
export function claimedFacts(
  own: ConnectionFacts,
  claimed: ClaimedClient,
  tls: TlsState | undefined,
): ConnectionFacts {
  const { id, startedAt, listener, environment, remoteName } = own
  const { name, login, address } = claimed
  const another = address !== undefined
  const clientName = name ?? (another || name === null ? undefined : remoteName)
  return {
    id,
    startedAt,
    listener,
    remote: endpoint(own.remote, address, claimed.port),
    local: endpoint(own.local, claimed.localAddress, claimed.localPort),
    ...(clientName === undefined ? {} : { remoteName: clientName }),
    ...(login === undefined || login === null ? {} : { user: login }),
    ...(tls === undefined ? {} : { tls }),
    ...(another || environment === undefined ? {} : { environment }),
  }
}

function endpoint(
  own: Endpoint,
  address: string | null | undefined,
  port: number | null | undefined,
): Endpoint {
  const ownPort = address === undefined ? own.port : 0
  return {
    address: address === undefined ? own.address : (address ?? 'unknown'),
    port: port === undefined ? ownPort : (port ?? 0),
  }
}
