/**
 * A network in memory: every listener and every connection of a test, no ports, no packets. Bytes arrive in order,
 * later than they were sent, in the pieces they were written in. TLS is a hand-shake in the literal sense: it is done
 * when both sides asked for it, and nothing is encrypted.
 */
import type { Endpoint, TlsState } from '../mail/session.ts'
import { PosternError } from '../mail/errors.ts'
import type {
  Connection,
  ConnectionHandlers,
  ListenAddress,
  ListenOptions,
  Net,
  NetAddress,
  NetListener,
  TlsOptions,
} from '../runtime/net.ts'

export interface FakeNet extends Net {
  /** Connections whose both ends are not closed. */
  readonly open: number
  /** What `ownAddresses` says. */
  own: readonly string[]
}

/** Unread bytes beyond which a writer is told to wait. */
const highWaterBytes = 65_536

type Happening = { readonly data: Buffer } | { readonly ended: true }

const keyOf = (address: NetAddress): string =>
  'path' in address ? address.path : `${address.host}:${address.port}`

export function fakeNet(): FakeNet {
  const listeners = new Map<string, ListenOptions>()
  const ends = new Set<FakeConnection>()
  let nextPort = 40_000

  const listen = async ({ address, ...rest }: ListenOptions): Promise<NetListener> => {
    await Promise.resolve()
    const bound = boundTo(address, () => ++nextPort)
    const key = keyOf(bound)
    if (listeners.has(key)) throw new PosternError('ADDRESS_IN_USE', key)
    listeners.set(key, { address: bound, ...rest })
    return {
      address: bound,
      async close() {
        await Promise.resolve()
        listeners.delete(key)
      },
    }
  }

  const connect = async (options: Parameters<Net['connect']>[0]): Promise<Connection> => {
    await Promise.resolve()
    const { address, localAddress = '127.0.0.1' } = options
    if (options.signal?.aborted === true) throw new PosternError('ABORTED')
    const listener = listeners.get(keyOf(address))
    if (listener === undefined) throw new PosternError('CONNECT_FAILED', keyOf(address))
    const there: Endpoint =
      'path' in address
        ? { address: 'unix', port: 0 }
        : { address: address.host, port: address.port }
    const here: Endpoint =
      'path' in address ? { address: 'unix', port: 0 } : { address: localAddress, port: ++nextPort }
    const [client, server] = pair(here, there, (end) => void ends.delete(end))
    ends.add(client).add(server)
    listener.accepted(server)
    return client
  }

  return {
    listen,
    connect,
    own: [],
    ownAddresses() {
      return this.own
    },
    tlsTrust: () => ({ tlsTrust: 'opaque' }),
    tlsContext: () => ({ tlsContext: 'opaque' }),
    get open() {
      return ends.size
    },
  }
}

function boundTo(address: ListenAddress, freePort: () => number): NetAddress {
  if ('path' in address) return address
  const { host, port } = 'host' in address ? address : { host: '127.0.0.1', port: 0 }
  return { host, port: port > 0 ? port : freePort() }
}

function pair(
  here: Endpoint,
  there: Endpoint,
  gone: (end: FakeConnection) => void,
): [FakeConnection, FakeConnection] {
  const client = new FakeConnection(here, there, gone)
  const server = new FakeConnection(there, here, gone)
  client.join(server)
  server.join(client)
  return [client, server]
}

class FakeConnection implements Connection {
  readonly local: Endpoint
  readonly remote: Endpoint
  readonly #gone: (end: FakeConnection) => void
  #peer: FakeConnection | undefined
  #handlers: ConnectionHandlers | undefined
  #inbox: Happening[] = []
  #unreadBytes = 0
  #scheduled = false
  #paused = false
  #endSent = false
  #endReceived = false
  #closed = false
  #error: Error | undefined
  /** Whoever was attached when it closed knows that it did. */
  #told = false
  #handshake: { resolve(state: TlsState): void; reject(error: Error): void } | undefined

  constructor(local: Endpoint, remote: Endpoint, gone: (end: FakeConnection) => void) {
    this.local = local
    this.remote = remote
    this.#gone = gone
  }

  join(peer: FakeConnection): void {
    this.#peer = peer
  }

  attach(handlers: ConnectionHandlers): void {
    this.#handlers = handlers
    if (this.#told) setImmediate(() => handlers.closed(this.#error))
    else this.#schedule()
  }

  write(data: string | Uint8Array): boolean {
    if (this.#closed || this.#endSent || this.#peer === undefined) return true
    return this.#peer.receive({
      data: typeof data === 'string' ? Buffer.from(data, 'latin1') : Buffer.from(data),
    })
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#schedule()
  }

  end(): void {
    if (this.#endSent || this.#closed) return
    this.#endSent = true
    this.#peer?.receive({ ended: true })
    this.#closeIfDone()
  }

  close(): void {
    this.end()
  }

  destroy(): void {
    this.cut()
    this.#peer?.cut(new PosternError('PEER_FAILED', 'connection reset'))
  }

  startTls(options: TlsOptions): Promise<TlsState> {
    const gone =
      this.#closed || this.#endReceived || this.#inbox.some((happening) => 'ended' in happening)
    if (gone) {
      this.destroy()
      return Promise.reject(goneInHandshake())
    }
    // What came in the clear is neither the handshake's nor the session's.
    const wasFull = this.#unreadBytes > highWaterBytes
    this.#inbox = []
    this.#unreadBytes = 0
    if (wasFull) setImmediate(() => this.#peer?.drained())
    const { promise, resolve, reject } = Promise.withResolvers<TlsState>()
    this.#handshake = { resolve, reject }
    const servername = options.side === 'client' ? options.servername : ''
    const state = { protocol: 'TLSv1.3', cipher: 'TLS_FAKE', servername }
    if (this.#peer?.shake(state) === true) resolve(state)
    return promise
  }

  /** @returns whether this end waits for the other's hand */
  shake(state: TlsState): boolean {
    if (this.#handshake === undefined) return false
    this.#handshake.resolve(state)
    return true
  }

  /** The peer's to call. @returns false when too much is unread */
  receive(happening: Happening): boolean {
    if (this.#closed) return true
    this.#inbox.push(happening)
    if ('data' in happening) this.#unreadBytes += happening.data.length
    this.#schedule()
    return this.#unreadBytes <= highWaterBytes
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#deliver()
    })
  }

  #deliver(): void {
    const wasFull = this.#unreadBytes > highWaterBytes
    while (this.#handlers !== undefined && !this.#paused && !this.#closed) {
      const happening = this.#inbox.shift()
      if (happening === undefined) break
      if ('data' in happening) {
        this.#unreadBytes -= happening.data.length
        this.#handlers.data(happening.data)
      } else {
        this.#endReceived = true
        this.#handshake?.reject(goneInHandshake())
        this.#handlers.ended()
        this.#closeIfDone()
      }
    }
    if (wasFull && this.#unreadBytes === 0) this.#peer?.drained()
  }

  /** The peer has read what was sent. */
  drained(): void {
    this.#handlers?.drained()
  }

  #closeIfDone(): void {
    if (this.#endSent && this.#endReceived) this.cut()
  }

  /** Nothing comes or goes from here on. */
  cut(error?: Error): void {
    if (this.#closed) return
    this.#closed = true
    this.#error = error
    this.#handshake?.reject(goneInHandshake())
    this.#gone(this)
    setImmediate(() => {
      this.#told = true
      this.#handlers?.closed(error)
    })
  }
}

function goneInHandshake(): PosternError {
  return new PosternError('PEER_FAILED', 'gone during the handshake')
}
