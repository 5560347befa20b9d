import { PosternError } from '../mail/errors.ts'
import type { TlsState } from '../mail/session.ts'
import type { Connection, TlsContext } from '../runtime/net.ts'

export interface Handshake {
  /** `undefined`: there are none (any more). */
  readonly certificates: TlsContext | undefined
  readonly timeoutMs: number
  /** What came already and belongs to the handshake: behind a PROXY header, or nothing yet; never behind STARTTLS. */
  readonly received?: Uint8Array
}

/**
 * The handshake as a server. What the client said before it in the clear is dropped, not executed (RFC 3207 §4.2, §6).
 * @throws PosternError PEER_FAILED, TIMEOUT, CONFIG_INVALID; the connection is closed then
 */
export async function secured(connection: Connection, handshake: Handshake): Promise<TlsState> {
  const { certificates: context, ...how } = handshake
  if (context !== undefined) return connection.startTls({ side: 'server', context, ...how })
  connection.destroy()
  throw new PosternError('CONFIG_INVALID', 'there is no certificate')
}
