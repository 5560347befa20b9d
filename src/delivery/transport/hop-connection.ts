/**
 * One connection to a next hop, whatever is spoken on it: bytes out, every wait with its deadline. Any trouble (the peer
 * hangs up, breaks the protocol, is too slow; the work is called off) ends the connection and is thrown, now and at every
 * later call, as a PosternError. What came in before the trouble is still handed out.
 */
import { PosternError } from '../../mail/errors.ts'
import type { TlsState } from '../../mail/session.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Connection, ConnectOptions, Net, TlsOptions } from '../../runtime/net.ts'

export interface HopOptions {
  readonly net: Net
  readonly clock: Clock
  /** An IP address without brackets and a port, or the path of a UNIX socket. */
  readonly to: ConnectOptions['address']
  readonly localAddress?: string
  readonly connectMs: number
  readonly signal: AbortSignal
}

/** How the client's side of a TLS handshake is done. */
export type ClientTls = Omit<Extract<TlsOptions, { readonly side: 'client' }>, 'side'>

export class HopConnection {
  readonly #connection: Connection
  readonly #clock: Clock
  #failure: PosternError | undefined
  #writable = true
  #wake: (() => void) | undefined
  #unheed: (() => void) | undefined

  private constructor(connection: Connection, clock: Clock) {
    this.#connection = connection
    this.#clock = clock
  }

  /** Hears nothing before `attach`. @throws PosternError CONNECT_FAILED, TIMEOUT, ABORTED */
  static async open(options: HopOptions): Promise<HopConnection> {
    const { net, clock, to, localAddress, connectMs, signal } = options
    const connection = await net.connect({
      address: to,
      timeoutMs: connectMs,
      signal,
      ...(localAddress === undefined ? {} : { localAddress }),
    })
    return new HopConnection(connection, clock)
  }

  /** The first trouble, once there is any. */
  get failure(): PosternError | undefined {
    return this.#failure
  }

  /** @param take is given what comes in, until there is trouble; may call `fail` */
  attach(take: (chunk: Buffer) => void, signal: AbortSignal): void {
    const gone = (): void =>
      void this.fail(new PosternError('PEER_FAILED', 'it closed the connection'))
    this.#connection.attach({
      data: (chunk) => {
        if (this.#failure === undefined) take(chunk)
        this.#wake?.()
      },
      drained: () => {
        this.#writable = true
        this.#wake?.()
      },
      ended: gone,
      closed: gone,
    })
    this.heed(signal)
  }

  /** From now on this signal, and no other, calls the work off. */
  heed(signal: AbortSignal | undefined): void {
    this.#unheed?.()
    this.#unheed = undefined
    if (signal === undefined || this.#failure !== undefined) return
    const abort = (): void => void this.fail(new PosternError('ABORTED'))
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    this.#unheed = () => signal.removeEventListener('abort', abort)
  }

  /** Resolves when there is room for more. @throws PosternError PEER_FAILED, TIMEOUT, ABORTED */
  async write(bytes: Uint8Array, timeoutMs: number): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    this.#writable = this.#connection.write(bytes)
    if (!this.#writable) await this.until(() => this.#writable, timeoutMs)
  }

  /** Writes what nobody waits for. */
  post(text: string): void {
    if (this.#failure === undefined) this.#connection.write(text)
  }

  startTls(tls: ClientTls): Promise<TlsState> {
    return this.#connection.startTls({ side: 'client', ...tls })
  }

  /** Waits until what came in, or went out, makes it true. One waits at a time. @throws PosternError PEER_FAILED, TIMEOUT, ABORTED */
  async until(done: () => boolean, timeoutMs: number): Promise<void> {
    if (done()) return
    if (this.#failure !== undefined) throw this.#failure
    const timer = this.#clock.after(timeoutMs, () => {
      this.fail(new PosternError('TIMEOUT', `no answer within ${Math.ceil(timeoutMs / 1000)} s`))
    })
    try {
      while (!done() && this.#failure === undefined) {
        await new Promise<void>((resolve) => (this.#wake = resolve))
      }
    } finally {
      this.#wake = undefined
      timer.cancel()
    }
    if (!done()) throw this.#failure
  }

  /** Ends the connection, and remembers the first trouble only: what follows from it tells less. @returns the first */
  fail(error: PosternError): PosternError {
    if (this.#failure === undefined) {
      this.#failure = error
      this.heed(undefined)
      this.#connection.destroy()
      this.#wake?.()
    }
    return this.#failure
  }

  /** Lets go at once; nothing is waited for. */
  close(): void {
    this.fail(new PosternError('ABORTED', 'the connection is closed'))
  }
}
