/** The network by Node's `net` and `tls`: TCP without delay, UNIX sockets, TLS 1.2 and later. */
import {
  connect as connectSocket,
  createServer,
  isIP,
  type AddressInfo,
  type Server,
} from 'node:net'
import { networkInterfaces } from 'node:os'
import { createSecureContext, getCACertificates } from 'node:tls'
import { isPosternError, PosternError } from '../../mail/errors.ts'
import type { Endpoint } from '../../mail/session.ts'
import type {
  ConnectOptions,
  Connection,
  ListenAddress,
  ListenOptions,
  Net,
  NetListener,
} from '../net.ts'
import { handedBy, InheritedListener, NodeHandedListener } from './handed-listener.ts'
import { inheritedDescriptor } from './inherited.ts'
import { NodeConnection } from './net-connection.ts'
import { tlsContext } from './net-tls-context.ts'
import { NodeTlsTrust } from './net-tls.ts'
import {
  makeSocketFolder,
  removeStaleSocket,
  setSocketGroup,
  setSocketMode,
} from './unix-socket.ts'
import { Turn } from './turn.ts'

/** One event loop, and everybody's turn: who listens and who calls, whatever they talk about. */
const turn = new Turn()

export const nodeNet: Net = Object.freeze({ listen, connect, ownAddresses, tlsContext, tlsTrust })

function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap(
    (addresses) => addresses?.map(({ address }) => address) ?? [],
  )
}

async function listen(options: ListenOptions): Promise<NetListener> {
  const { address } = options
  try {
    return await listenOnce(options)
  } catch (error) {
    const isTaken = 'path' in address && isPosternError(error, 'ADDRESS_IN_USE')
    if (!isTaken || !(await removeStaleSocket(address.path))) throw error
    return listenOnce(options)
  }
}

function listenOnce(options: ListenOptions): Promise<NetListener> {
  const { address, backlog, shared, socketMode, socketGroup } = options
  const { promise, resolve, reject } = Promise.withResolvers<NetListener>()
  let bound: Endpoint | undefined
  let isUnix = 'path' in address
  // A client may finish sending and still read: `printf … | nc`.
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    // Reset while it waited to be accepted: nobody is there.
    if (!isUnix && socket.remoteAddress === undefined) socket.destroy()
    else options.accepted(new NodeConnection(socket, turn, bound))
  })
  server.once('error', (error) => reject(listenError(error, address)))
  if ('path' in address) makeFolder(address)
  const where = placeOf(options)
  const more = {
    ...(backlog === undefined ? {} : { backlog }),
    ...(shared === true && 'host' in where ? { reusePort: true } : {}),
  }
  server.listen({ ...where, ...more }, () => {
    server.removeAllListeners('error')
    server.on('error', (error) => options.failed(error))
    const own = boundAddress(address, server.address())
    // A socket of a kind that has no address.
    isUnix = !('host' in own)
    // Whoever came in by one address came to it; it need not be asked for with every connection.
    if ('host' in own && isIP(own.host) !== 0 && own.host !== '0.0.0.0' && own.host !== '::') {
      bound = { address: own.host, port: own.port }
    }
    resolve({
      address: own,
      // The file of a UNIX socket goes with whoever made it, and what was inherited is inherited by all.
      handed: 'host' in address ? handedBy(server) : undefined,
      async close() {
        // The event of that name waits for the last connection; nobody else does.
        server.close()
      },
    })
  })
  // Bound it is already, and nobody has been accepted.
  if ('path' in address && server.listening) {
    if (socketMode !== undefined) setSocketMode(address.path, socketMode)
    if (socketGroup !== undefined) giveToGroup(address, socketGroup, server)
  }
  return promise
}

/** What Node's `listen` understands. */
function placeOf({ address, handed }: ListenOptions): object {
  if (handed instanceof NodeHandedListener) return { _handle: handed.handle }
  if (handed instanceof InheritedListener) return { fd: handed.descriptor }
  return 'inherited' in address ? { fd: inheritedDescriptor(address.inherited) } : address
}

function connect(options: ConnectOptions): Promise<Connection> {
  const { address, localAddress, timeoutMs, signal } = options
  const { promise, resolve, reject } = Promise.withResolvers<Connection>()
  if (signal?.aborted === true) return Promise.reject(new PosternError('ABORTED'))
  const socket = connectSocket({
    ...address,
    ...(localAddress === undefined ? {} : { localAddress }),
    allowHalfOpen: true,
    noDelay: true,
  })
  const give = (error: PosternError): void => {
    done()
    socket.destroy()
    reject(error)
  }
  const failed = (error: Error): void =>
    give(new PosternError('CONNECT_FAILED', error.message, { cause: error }))
  const aborted = (): void => give(new PosternError('ABORTED'))
  const timer = setTimeout(() => give(new PosternError('TIMEOUT', 'connect')), timeoutMs)
  const done = (): void => {
    clearTimeout(timer)
    socket.off('error', failed)
    // What a destroyed socket still has to complain about is of no interest.
    socket.on('error', () => {})
    signal?.removeEventListener('abort', aborted)
  }
  signal?.addEventListener('abort', aborted)
  socket.on('error', failed)
  socket.once('connect', () => {
    done()
    resolve(new NodeConnection(socket, turn))
  })
  return promise
}

function tlsTrust(authorities: string): NodeTlsTrust {
  try {
    const ca = [...getCACertificates('default'), authorities]
    return new NodeTlsTrust(createSecureContext({ ca, minVersion: 'TLSv1.2' }))
  } catch (error) {
    throw new PosternError('CONFIG_INVALID', 'these are no certificates', { cause: error })
  }
}

function giveToGroup(address: { readonly path: string }, group: number, server: Server): void {
  try {
    setSocketGroup(address.path, group)
  } catch (error) {
    server.close()
    throw listenError(error instanceof Error ? error : new Error(String(error)), address)
  }
}

function makeFolder(address: { readonly path: string }): void {
  try {
    makeSocketFolder(address.path)
  } catch (error) {
    throw listenError(error instanceof Error ? error : new Error(String(error)), address)
  }
}

function boundAddress(asked: ListenAddress, bound: AddressInfo | string | null): ListenAddress {
  if (bound === null || typeof bound === 'string') return asked
  return { host: 'host' in asked ? asked.host : bound.address, port: bound.port }
}

function listenError(error: Error, address: ListenAddress): PosternError {
  const where = nameOf(address)
  const inUse = 'code' in error && error.code === 'EADDRINUSE'
  return inUse
    ? new PosternError('ADDRESS_IN_USE', where, { cause: error })
    : new PosternError('LISTEN_FAILED', `${where}: ${error.message}`, { cause: error })
}

function nameOf(address: ListenAddress): string {
  if ('path' in address) return address.path
  if ('inherited' in address) return `fd ${address.inherited}`
  return `${address.host}:${address.port}`
}
