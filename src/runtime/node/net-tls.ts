import { checkServerIdentity, connect, TLSSocket, type SecureContext } from 'node:tls'
import { isIP, type Socket } from 'node:net'
import { PosternError } from '../../mail/errors.ts'
import type { TlsState } from '../../mail/session.ts'
import { chainOf, daneProblem } from './dane.ts'
import type { TlsContext, TlsOptions, TlsTrust } from '../net.ts'

/** A certificate with its key, as Node holds it. */
export class NodeTlsContext implements TlsContext {
  readonly tlsContext = 'opaque'
  readonly secureContext: SecureContext

  constructor(secureContext: SecureContext) {
    this.secureContext = secureContext
  }
}

/** Authorities, as Node holds them. */
export class NodeTlsTrust implements TlsTrust {
  readonly tlsTrust = 'opaque'
  readonly secureContext: SecureContext

  constructor(secureContext: SecureContext) {
    this.secureContext = secureContext
  }
}

/** The handshake over a socket that nobody else reads. @throws PosternError PEER_FAILED, TIMEOUT */
export function secure(socket: Socket, options: TlsOptions): Promise<TLSSocket> {
  // What ended before the handshake began, TLS would wait for.
  if (socket.readableEnded) return Promise.reject(goneInHandshake())
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>()
  const over = overSocket(socket, options)
  const fail = (error: PosternError): void => {
    done()
    over.destroy()
    reject(error)
  }
  const failed = (error: Error): void =>
    fail(new PosternError('PEER_FAILED', `TLS: ${error.message}`, { cause: error }))
  const gone = (): void => fail(goneInHandshake())
  const timer = setTimeout(
    () => fail(new PosternError('TIMEOUT', 'TLS handshake')),
    options.timeoutMs,
  )
  const event = options.side === 'server' ? 'secure' : 'secureConnect'
  const done = (): void => {
    clearTimeout(timer)
    over.off('error', failed).off('close', gone).off('end', gone)
    socket.off('end', gone)
    over.on('error', () => {})
  }
  over.on('error', failed).on('close', gone).on('end', gone)
  socket.on('end', gone)
  over.once(event, () => {
    const problem = options.side === 'client' ? wrongByDane(over, options) : undefined
    if (problem !== undefined) return fail(new PosternError('PEER_FAILED', `DANE: ${problem}`))
    done()
    resolve(over)
  })
  return promise
}

function goneInHandshake(): PosternError {
  return new PosternError('PEER_FAILED', 'TLS: gone during the handshake')
}

function overSocket(socket: Socket, options: TlsOptions): TLSSocket {
  if (options.side === 'client') {
    const { servername, verify, names, trust, tlsa } = options
    // An address is never sent as a name (RFC 6066 §3).
    const name = isIP(servername) === 0 ? { servername } : { host: servername }
    return connect({
      socket,
      ...name,
      rejectUnauthorized: verify && tlsa === undefined,
      minVersion: 'TLSv1.2',
      ...(trust instanceof NodeTlsTrust ? { secureContext: trust.secureContext } : {}),
      ...(names === undefined ? {} : { checkServerIdentity: oneOf(names) }),
    })
  }
  const { context } = options
  if (!(context instanceof NodeTlsContext)) throw new Error('a TLS context of another network')
  return new TLSSocket(socket, { isServer: true, secureContext: context.secureContext })
}

function wrongByDane(
  socket: TLSSocket,
  { servername, names = [servername], tlsa }: Extract<TlsOptions, { readonly side: 'client' }>,
): string | undefined {
  if (tlsa === undefined) return undefined
  const chain = chainOf(socket.getPeerCertificate(true))
  return daneProblem({ chain, records: tlsa, names, now: Date.now() })
}

/** @returns what is wrong with the certificate where none of the names is in it */
function oneOf(names: readonly string[]): typeof checkServerIdentity {
  return (_, certificate) => {
    const wrong = names.map((name) => checkServerIdentity(name, certificate))
    return wrong.includes(undefined) ? undefined : (wrong[0] ?? new Error('no name is right'))
  }
}

export function tlsState(socket: TLSSocket): TlsState {
  const servername = 'servername' in socket ? socket.servername : undefined
  return {
    protocol: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher().name,
    ...(typeof servername === 'string' && servername !== '' ? { servername } : {}),
  }
}
