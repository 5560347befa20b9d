import { isPosternError, PosternError } from '../mail/errors.ts'
import type { TlsState } from '../mail/session.ts'
import type { Connection, TlsContext } from '../runtime/net.ts'

export interface Handshake {
  /** `undefined`: there are none (any more). @throws PosternError CONFIG_INVALID where they cannot be used */
  readonly certificates: () => TlsContext | undefined
  readonly timeoutMs: number
  /** What came already and belongs to the handshake: behind a PROXY header, or nothing yet; never behind STARTTLS. */
  readonly received?: Uint8Array
}

/**
 * The handshake as a server. What the client said before it in the clear is dropped, not executed (RFC 3207 §4.2, §6).
 * @throws PosternError PEER_FAILED, TIMEOUT, CONFIG_INVALID; the connection is closed then
 */
export async function secured(connection: Connection, handshake: Handshake): Promise<TlsState> {
  const { certificates, ...how } = handshake
  try {
    const context = certificates()
    if (context !== undefined) return await connection.startTls({ side: 'server', context, ...how })
    throw new PosternError('CONFIG_INVALID', 'there is no certificate')
  } catch (error) {
    connection.destroy()
    throw error
  }
}

/** How loud a handshake fails: clients fail every day, a certificate that cannot be used wants the operator. */
export function failureLevel(error: unknown): 'info' | 'error' {
  return isPosternError(error, 'CONFIG_INVALID') ? 'error' : 'info'
}
