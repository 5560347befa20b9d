/** The TLS handshake over a socket, on either side. */
import type { X509Certificate } from 'node:crypto'
import { checkServerIdentity, connect, TLSSocket, type SecureContext } from 'node:tls'
import { isIP, type Socket } from 'node:net'
import { PosternError } from '../../mail/errors.ts'
import type { ClientCertificate, TlsState } from '../../mail/session.ts'
import type { TlsOptions, TlsTrust } from '../net.ts'
import { chainOf, daneProblem } from './dane.ts'
import { NodeTlsContext } from './net-tls-context.ts'

type ClientOptions = Extract<TlsOptions, { readonly side: 'client' }>

/** How a handshake tells its end; only the first word counts. */
interface Told {
  secured(over: TLSSocket): void
  failed(error: Error): void
}

const goneEarly = 'gone during the handshake'

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
  if (socket.readableEnded || socket.destroyed) {
    return Promise.reject(new PosternError('PEER_FAILED', `TLS: ${goneEarly}`))
  }
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>()
  const fail = (error: PosternError): void => {
    clearTimeout(timer)
    socket.destroy()
    reject(error)
  }
  const timer = setTimeout(
    () => fail(new PosternError('TIMEOUT', 'TLS handshake')),
    options.timeoutMs,
  )
  shakeHands(socket, options, {
    secured(over) {
      const problem = options.side === 'client' ? wrongByDane(over, options) : undefined
      if (problem !== undefined) return fail(new PosternError('PEER_FAILED', `DANE: ${problem}`))
      clearTimeout(timer)
      resolve(over)
    },
    failed: (error) =>
      fail(new PosternError('PEER_FAILED', `TLS: ${reasonOf(error)}`, { cause: error })),
  })
  return promise
}

/** In OpenSSL's words, without its file names and line numbers. */
function reasonOf(error: Error): string {
  return 'reason' in error && typeof error.reason === 'string' ? error.reason : error.message
}

function shakeHands(socket: Socket, options: TlsOptions, told: Told): void {
  if (options.side === 'client') shakeAsClient(socket, options, told)
  else if (!(options.context instanceof NodeTlsContext)) {
    throw new Error('a TLS context of another network')
  } else if (options.context.clientCertificates === 'not asked') {
    shakeAsServer(socket, options.context, told)
  } else shakeAndVerify(socket, options.context, told)
}

function shakeAsClient(socket: Socket, options: ClientOptions, told: Told): void {
  const { servername, verify, names, trust, tlsa } = options
  // An address is never sent as a name (RFC 6066 §3).
  const name = isIP(servername) === 0 ? { servername } : { host: servername }
  const over = connect({
    socket,
    ...name,
    rejectUnauthorized: verify && tlsa === undefined,
    minVersion: 'TLSv1.2',
    ...(trust instanceof NodeTlsTrust ? { secureContext: trust.secureContext } : {}),
    ...(names === undefined ? {} : { checkServerIdentity: oneOf(names) }),
  })
  untilSecure({ over, socket }, 'secureConnect', told)
}

function wrongByDane(
  over: TLSSocket,
  { servername, names = [servername], tlsa }: ClientOptions,
): string | undefined {
  if (tlsa === undefined) return undefined
  const chain = chainOf(over.getPeerCertificate(true))
  return daneProblem({ chain, records: tlsa, names, now: Date.now() })
}

/** @returns what is wrong with the certificate where none of the names is in it */
function oneOf(names: readonly string[]): typeof checkServerIdentity {
  return (_, certificate) => {
    const wrong = names.map((name) => checkServerIdentity(name, certificate))
    return wrong.includes(undefined) ? undefined : (wrong[0] ?? new Error('no name is right'))
  }
}

function shakeAsServer(socket: Socket, context: NodeTlsContext, told: Told): void {
  const { secureContext, choose } = context
  const over = new TLSSocket(socket, { isServer: true, secureContext, SNICallback: choose })
  // Without a tls.Server nobody is told of a forged record after the handshake, and the session would wait for ever.
  over.on('_tlsError', (error: Error) => over.destroy(error))
  untilSecure({ over, socket }, 'secure', told)
}

function untilSecure(
  { over, socket }: { readonly over: TLSSocket; readonly socket: Socket },
  event: 'secure' | 'secureConnect',
  told: Told,
): void {
  const failed = (error: Error): void => told.failed(error)
  const gone = (): void => told.failed(new Error(goneEarly))
  over.on('error', failed).on('close', gone).on('end', gone)
  socket.on('end', gone).on('close', gone)
  over.once(event, () => {
    over.off('error', failed).off('close', gone).off('end', gone)
    socket.off('end', gone).off('close', gone)
    over.on('error', () => {})
    told.secured(over)
  })
}

/** With a certificate of the client's: why it was not believed stands on the socket that failed. */
function shakeAndVerify(socket: Socket, context: NodeTlsContext, told: Told): void {
  const server = context.oneHandshake()
  // Until the handshake is done, who stops sending is gone; afterwards they may still read.
  socket.allowHalfOpen = false
  server.once('secureConnection', (over) => {
    over.allowHalfOpen = true
    over.on('error', (error) => over.destroy(error))
    told.secured(over)
  })
  server.on('tlsClientError', (error, { authorizationError }) => {
    told.failed(authorizationError ? new Error(String(authorizationError)) : error)
  })
  server.emit('connection', socket)
}

/** What the handshake came to. */
export function tlsState(over: TLSSocket, side: TlsOptions['side']): TlsState {
  const servername = 'servername' in over ? over.servername : undefined
  const peer = side === 'server' ? over.getPeerX509Certificate() : undefined
  const problem = side === 'client' ? problemOf(over) : undefined
  return {
    protocol: over.getProtocol() ?? 'unknown',
    cipher: over.getCipher().name,
    ...(typeof servername === 'string' && servername !== '' ? { servername } : {}),
    ...(peer === undefined ? {} : { clientCertificate: shown(peer, over.authorized) }),
    ...(problem === undefined ? {} : { serverProblem: problem }),
  }
}

/** Node has the code of an error there, whatever its types say. */
function problemOf({ authorized, authorizationError }: TLSSocket): string | undefined {
  return authorized ? undefined : String(authorizationError)
}

function shown(certificate: X509Certificate, verified: boolean): ClientCertificate {
  return {
    subject: inOneLine(certificate.subject),
    issuer: inOneLine(certificate.issuer),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    verified,
  }
}

/** A name may be empty, and of any length. */
function inOneLine(name: string | undefined): string {
  return (name ?? '').split('\n').join(', ').slice(0, 1000)
}
