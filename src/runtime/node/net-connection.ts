import type { Socket } from 'node:net'
import process from 'node:process'
import { TLSSocket } from 'node:tls'
import type { Endpoint, TlsState } from '../../mail/session.ts'
import type { Connection, ConnectionHandlers, TlsOptions } from '../net.ts'
import { lastWords } from './last-words.ts'
import { secure, tlsState } from './net-tls.ts'
import type { Party, Turn } from './turn.ts'

/** So long a peer may take to read our last bytes and close, after `end`. */
const lingerMs = 5_000
/** … and after `close`, by TLS: whoever said its last word and stays holds the socket no longer than its way takes. */
const farewellMs = 1_000

/** Text that waits for the end of a turn; more goes out at once. */
const mostWaiting = 16_384

/** A connection over a socket; over another one, once TLS is started. */
export class NodeConnection implements Connection, Party {
  readonly remote: Endpoint
  readonly local: Endpoint
  #socket: Socket
  #handlers: ConnectionHandlers | undefined
  #error: Error | undefined
  #closed = false
  #linger: NodeJS.Timeout | undefined
  readonly #turn: Turn
  /** Said in this turn, and not written. */
  #waiting = ''
  /** Came in, and is not handed on: because the turn goes on, or because it is paused. */
  #heard: Buffer | undefined
  /** The peer has finished sending. */
  #hasEnded = false
  /** … and whoever is attached has heard so. */
  #toldEnd = false
  #paused = false
  /** To be closed when that is written. */
  #closing = false

  /**
   * @param turn of this process: at its end what came in is handed on, and then text is written
   * @param local where it came in, if that is known: asking the system costs a call
   */
  constructor(socket: Socket, turn: Turn, local?: Endpoint) {
    this.#socket = socket
    this.#turn = turn
    this.remote = endpoint(socket.remoteAddress, socket.remotePort)
    this.local = local ?? endpoint(socket.localAddress, socket.localPort)
    this.#watch(socket)
  }

  /** Whoever hangs up without a word does so once, maybe before anybody is attached. */
  #watch(socket: Socket): void {
    socket.on('error', this.#failed).on('end', this.#ended).once('close', this.#gone)
  }

  attach(handlers: ConnectionHandlers): void {
    const attached = this.#handlers !== undefined
    this.#handlers = handlers
    if (this.#closed) {
      setImmediate(() => handlers.closed(this.#error))
      return
    }
    if (!attached) this.#listen()
    if (this.#toldEnd) {
      this.#toldEnd = false
      this.#hearLater()
    }
  }

  write(data: string | Uint8Array): boolean {
    if (typeof data !== 'string') {
      this.send()
      return this.#put(data)
    }
    if (this.#waiting === '') this.#turn.speaks(this)
    this.#waiting += data
    if (this.#waiting.length > mostWaiting) this.send()
    return !this.#socket.writableNeedDrain
  }

  /** Writes what waits for the end of the turn, and closes if that was asked for. */
  send(): void {
    const text = this.#waiting
    this.#waiting = ''
    if (text !== '') this.#put(text)
    if (this.#closing) this.#closeNow()
  }

  get firstByte(): number {
    return this.#heard?.[0] ?? 0
  }

  /** Hands on what came in, as far as it is wanted, and then its end: who waits is told of that too, for it may be a farewell. */
  hear(): void {
    const chunk = this.#heard
    if (chunk !== undefined) {
      if (this.#paused) return
      this.#heard = undefined
      this.#handlers?.data(chunk)
    }
    if (!this.#hasEnded || this.#toldEnd) return
    this.#toldEnd = true
    this.#handlers?.ended()
  }

  #hearLater(): void {
    this.#turn.hears(this, this.#handlers?.isEnding === true)
  }

  #put(data: string | Uint8Array): boolean {
    return typeof data === 'string'
      ? this.#socket.write(data, 'latin1', this.#written)
      : this.#socket.write(data, this.#written)
  }

  /** A write that finds the peer gone has Node close the socket, with the peer's last words, and why it went, still unread. */
  readonly #written = (error: Error | null | undefined): void => {
    // Without the keys they say nothing; and what is read already would come before them, and comes no more.
    if (!error || this.#socket instanceof TLSSocket || this.#socket.readableLength > 0) return
    const words = lastWords(this.#socket)
    if (words !== undefined) this.#data(words)
  }

  pause(): void {
    this.#paused = true
    this.#socket.pause()
  }

  resume(): void {
    this.#paused = false
    if (this.#heard !== undefined) this.#hearLater()
    this.#socket.resume()
  }

  end(): void {
    this.#endWithin(lingerMs)
  }

  #endWithin(ms: number): void {
    if (this.#closed || this.#linger !== undefined) return
    this.send()
    // Closed at once, a socket with unread bytes is reset, and our last words with it.
    this.#socket.end()
    this.resume()
    this.#linger = setTimeout(() => this.destroy(), ms)
  }

  close(): void {
    if (this.#waiting === '') this.#closeNow()
    else this.#closing = true
  }

  #closeNow(): void {
    this.#closing = false
    // A shutdown before the close would cost as much as taking a command, and a peer that is faster than we makes it fail.
    if (this.#socket instanceof TLSSocket) this.#endWithin(farewellMs)
    else if (this.#socket.writableLength > 0) this.end()
    // Node is told of a write a tick after it. Where the socket is gone by then it makes an error, with a stack, for nobody.
    else process.nextTick(() => this.destroy())
  }

  destroy(): void {
    if (!this.#socket.destroyed) this.send()
    this.#forget()
    this.#socket.destroy()
  }

  /** What came in and nobody has heard. */
  #forget(): Buffer | undefined {
    const chunk = this.#heard
    this.#heard = undefined
    this.#hasEnded = false
    this.#paused = false
    return chunk
  }

  async startTls(options: TlsOptions): Promise<TlsState> {
    this.send()
    const raw = this.#socket
    raw.off('data', this.#data).off('end', this.#ended).off('drain', this.#drained)
    raw.off('close', this.#gone)
    raw.pause()
    const heard = this.#forget()
    if (options.side === 'server' && options.received !== undefined) {
      raw.unshift(Buffer.concat([options.received, heard ?? Buffer.alloc(0)]))
    } else {
      // Whatever came in the clear is not the handshake's and not the session's.
      while (raw.read() !== null);
    }
    try {
      const socket = await secure(raw, options)
      this.#socket = socket
      this.#watch(socket)
      if (this.#handlers !== undefined) this.#listen()
      return tlsState(socket, options.side)
    } catch (error) {
      raw.destroy()
      this.#gone()
      throw error
    }
  }

  #listen(): void {
    this.#socket.on('data', this.#data).on('drain', this.#drained)
  }

  readonly #data = (chunk: Buffer): void => {
    const before = this.#heard
    this.#heard = chunk
    if (before === undefined) return this.#hearLater()
    // Who sends more than one piece in a turn is heard at once. The first may make it pause, or start TLS: without the second.
    this.#handlers?.data(before)
    this.hear()
  }

  readonly #ended = (): void => {
    this.#hasEnded = true
    this.hear()
  }
  readonly #drained = (): void => this.#handlers?.drained()
  readonly #failed = (error: Error): void => void (this.#error = error)

  readonly #gone = (): void => {
    if (this.#closed) return
    this.hear()
    this.#closed = true
    clearTimeout(this.#linger)
    this.#handlers?.closed(this.#error)
  }
}

/** A UNIX socket has neither address nor port. */
function endpoint(address: string | undefined, port: number | undefined): Endpoint {
  return { address: unmapped(address ?? 'unix'), port: port ?? 0 }
}

/** An IPv4 address that came in by an IPv6 socket is an IPv4 address (RFC 4291 §2.5.5.2). */
function unmapped(address: string): string {
  return /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address) ? address.slice(7) : address
}
