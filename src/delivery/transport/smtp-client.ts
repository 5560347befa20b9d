/**
 * One connection to a next hop: commands out, replies in, every wait with its deadline. Knows no command
 * but QUIT. Any trouble (the peer hangs up, breaks the protocol, is too slow; the work is called off) ends
 * the connection and is thrown, now and at every later call, as a PosternError.
 */
import { PosternError } from '../../mail/errors.ts'
import type { TlsState } from '../../mail/session.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Connection, ConnectOptions, Net, TlsOptions } from '../../runtime/net.ts'
import { ReplyReader, type HopReply } from './reply-reader.ts'

export interface SmtpClientOptions {
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

/** A pipelined transaction of a hundred recipients, and some. */
const maxUnread = 128

export class SmtpClient {
  readonly #connection: Connection
  readonly #clock: Clock
  #reader = new ReplyReader()
  readonly #unread: HopReply[] = []
  #failure: PosternError | undefined
  #wake: (() => void) | undefined
  #writable = true
  #unheed: (() => void) | undefined

  private constructor(connection: Connection, clock: Clock) {
    this.#connection = connection
    this.#clock = clock
  }

  /** @throws PosternError CONNECT_FAILED, TIMEOUT, ABORTED */
  static async connect(options: SmtpClientOptions): Promise<SmtpClient> {
    const { net, clock, to, localAddress, connectMs, signal } = options
    const connection = await net.connect({
      address: to,
      timeoutMs: connectMs,
      signal,
      ...(localAddress === undefined ? {} : { localAddress }),
    })
    const client = new SmtpClient(connection, clock)
    client.#attach()
    client.heed(signal)
    return client
  }

  /** From now on this signal, and no other, calls the work off. */
  heed(signal: AbortSignal | undefined): void {
    this.#unheed?.()
    this.#unheed = undefined
    if (signal === undefined) return
    const abort = (): void => void this.#fail(new PosternError('ABORTED'))
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    this.#unheed = () => signal.removeEventListener('abort', abort)
  }

  /** Whether nothing is known that would keep the next command from being heard. */
  get isQuiet(): boolean {
    return this.#failure === undefined && !this.hasSpoken
  }

  /** Whether a reply, or the beginning of one, has come in that nobody has read. */
  get hasSpoken(): boolean {
    return this.#unread.length > 0 || this.#reader.midway
  }

  /** The next reply. @throws PosternError PEER_FAILED, TIMEOUT, ABORTED */
  async read(timeoutMs: number): Promise<HopReply> {
    await this.#until(() => this.#unread.length > 0, timeoutMs)
    const reply = this.#unread.shift()
    if (reply === undefined) throw this.#failure ?? new Error('woken without a reply')
    return reply
  }

  /** Sends one command and reads its reply. A peer that spoke out of turn is not understood, unless it hangs up with 421. */
  async command(line: string, timeoutMs: number): Promise<HopReply> {
    if (this.hasSpoken) {
      const early = await this.read(timeoutMs)
      if (early.code === 421) return early
      throw this.#fail(new PosternError('PEER_FAILED', 'it replied before it was asked'))
    }
    await this.write(Buffer.from(`${line}\r\n`), timeoutMs)
    return this.read(timeoutMs)
  }

  /** Resolves when there is room for more. @throws PosternError PEER_FAILED, TIMEOUT, ABORTED */
  async write(bytes: Uint8Array, timeoutMs: number): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    this.#writable = this.#connection.write(bytes)
    if (!this.#writable) await this.#until(() => this.#writable, timeoutMs)
  }

  /** After the 220 to STARTTLS. What the peer sent on top of that in the clear is an attack (RFC 3207 §6). */
  async startTls(tls: ClientTls): Promise<TlsState> {
    if (this.hasSpoken) {
      throw this.#fail(new PosternError('PEER_FAILED', 'it spoke on in the clear after STARTTLS'))
    }
    const state = await this.#connection.startTls({ side: 'client', ...tls })
    this.#reader = new ReplyReader()
    return state
  }

  /** Says goodbye and lets go; the reply is not waited for. */
  quit(lingerMs: number): void {
    if (this.#failure !== undefined) return
    this.#connection.write('QUIT\r\n')
    const gone = this.#until(() => this.#unread.length > 0, lingerMs)
    gone.then(() => this.destroy()).catch(() => undefined)
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.#fail(new PosternError('ABORTED', 'the connection is closed'))
  }

  #attach(): void {
    const gone = (): void =>
      void this.#fail(new PosternError('PEER_FAILED', 'it closed the connection'))
    this.#connection.attach({
      data: (chunk) => this.#take(chunk),
      drained: () => {
        this.#writable = true
        this.#wake?.()
      },
      ended: gone,
      closed: () => {
        this.heed(undefined)
        gone()
      },
    })
  }

  #take(chunk: Uint8Array): void {
    if (this.#failure !== undefined) return
    try {
      this.#unread.push(...this.#reader.push(chunk))
      if (this.#unread.length > maxUnread) throw new PosternError('PEER_FAILED', 'it never stops')
    } catch (error) {
      this.#fail(error instanceof PosternError ? error : new PosternError('PEER_FAILED'))
    }
    this.#wake?.()
  }

  /** Remembers the first trouble only: what follows from it tells less. */
  #fail(error: PosternError): PosternError {
    if (this.#failure === undefined) {
      this.#failure = error
      this.#connection.destroy()
      this.#wake?.()
    }
    return this.#failure
  }

  /** One waits at a time. What came in before a failure is still handed out. */
  async #until(done: () => boolean, timeoutMs: number): Promise<void> {
    if (done()) return
    if (this.#failure !== undefined) throw this.#failure
    const timer = this.#clock.after(timeoutMs, () => {
      this.#fail(new PosternError('TIMEOUT', `no answer within ${Math.ceil(timeoutMs / 1000)} s`))
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
}
