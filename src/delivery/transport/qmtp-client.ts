/**
 * One connection to a QMTP server: bytes out, answers in, every wait with its deadline. Any trouble (the peer hangs up, sends
 * what is no answer, is too slow; the work is called off) ends the connection and is thrown, now and at every later call, as
 * a PosternError; answers that came before it are handed out first.
 */
import { NetstringLength } from '../../formats/netstring.ts'
import { PosternError } from '../../mail/errors.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Connection, ConnectOptions, Net } from '../../runtime/net.ts'

export interface QmtpClientOptions {
  readonly net: Net
  readonly clock: Clock
  readonly to: ConnectOptions['address']
  readonly localAddress?: string
  readonly connectMs: number
  readonly signal: AbortSignal
}

/** `K`, `Z` or `D`, and words for people in latin1. */
export interface QmtpAnswer {
  readonly letter: 'K' | 'Z' | 'D'
  readonly text: string
}

const mostAnswerBytes = 10_000
/** More than the recipients of any packet that we send. */
const mostUnread = 1_000
const comma = 0x2c

export class QmtpClient {
  readonly #connection: Connection
  readonly #clock: Clock
  readonly #answers: QmtpAnswer[] = []
  #length = new NetstringLength(mostAnswerBytes)
  /** Bytes of the answer that is coming in; `undefined`: its length is. */
  #left: number | undefined
  #text = ''
  #failure: PosternError | undefined
  #writable = true
  #wake: (() => void) | undefined
  #unheed: () => void = () => undefined

  private constructor(connection: Connection, clock: Clock) {
    this.#connection = connection
    this.#clock = clock
  }

  /** @throws PosternError CONNECT_FAILED, TIMEOUT, ABORTED */
  static async connect(options: QmtpClientOptions): Promise<QmtpClient> {
    const { net, clock, to, localAddress, connectMs, signal } = options
    const connection = await net.connect({
      address: to,
      timeoutMs: connectMs,
      signal,
      ...(localAddress === undefined ? {} : { localAddress }),
    })
    const client = new QmtpClient(connection, clock)
    client.#attach(signal)
    return client
  }

  /** Resolves when there is room for more. @throws PosternError PEER_FAILED, TIMEOUT, ABORTED */
  async write(bytes: Uint8Array, timeoutMs: number): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    this.#writable = this.#connection.write(bytes)
    if (!this.#writable) await this.#until(() => this.#writable, timeoutMs)
  }

  /** The next answer. @throws PosternError PEER_FAILED, TIMEOUT, ABORTED */
  async read(timeoutMs: number): Promise<QmtpAnswer> {
    await this.#until(() => this.#answers.length > 0, timeoutMs)
    const answer = this.#answers.shift()
    if (answer === undefined) throw this.#failure ?? new Error('woken without an answer')
    return answer
  }

  /** Lets go; nothing is waited for. */
  close(): void {
    this.#fail(new PosternError('ABORTED', 'the connection is closed'))
  }

  #attach(signal: AbortSignal): void {
    const abort = (): void => this.#fail(new PosternError('ABORTED'))
    const gone = (): void => this.#fail(new PosternError('PEER_FAILED', 'it closed the connection'))
    signal.addEventListener('abort', abort, { once: true })
    this.#unheed = () => signal.removeEventListener('abort', abort)
    this.#connection.attach({
      data: (chunk) => this.#take(chunk),
      drained: () => {
        this.#writable = true
        this.#wake?.()
      },
      ended: gone,
      closed: gone,
    })
    if (signal.aborted) abort()
  }

  #take(chunk: Buffer): void {
    for (let at = 0; at < chunk.length && this.#failure === undefined;) at += this.#step(chunk, at)
    this.#wake?.()
  }

  /** @returns how many bytes were used */
  #step(chunk: Buffer, at: number): number {
    const byte = chunk[at] ?? 0
    if (this.#left === undefined) {
      const length = this.#length.read(byte)
      if (length === 'broken') this.#breach()
      else if (length !== 'more') this.#left = length
      return 1
    }
    if (this.#left === 0) {
      this.#end(byte)
      return 1
    }
    const used = Math.min(this.#left, chunk.length - at)
    this.#text += chunk.toString('latin1', at, at + used)
    this.#left -= used
    return used
  }

  #end(byte: number): void {
    const letter = this.#text.charAt(0)
    const known = letter === 'K' || letter === 'Z' || letter === 'D'
    if (byte !== comma || !known || this.#answers.length === mostUnread) return this.#breach()
    this.#answers.push({ letter, text: this.#text.slice(1) })
    this.#text = ''
    this.#left = undefined
    this.#length = new NetstringLength(mostAnswerBytes)
  }

  #breach(): void {
    this.#fail(new PosternError('PEER_FAILED', 'it sent what is no answer'))
  }

  /** Remembers the first trouble only: what follows from it tells less. */
  #fail(error: PosternError): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.#unheed()
    this.#connection.destroy()
    this.#wake?.()
  }

  /** One waits at a time. */
  async #until(done: () => boolean, timeoutMs: number): Promise<void> {
    if (done()) return
    if (this.#failure !== undefined) throw this.#failure
    const timer = this.#clock.after(timeoutMs, () => {
      this.#fail(new PosternError('TIMEOUT', `no answer within ${Math.ceil(timeoutMs / 1000)} s`))
    })
    try {
      while (!done() && this.#failure === undefined) {
        // oxlint-disable-next-line no-await-in-loop -- woken by what happens on the connection
        await new Promise<void>((resolve) => (this.#wake = resolve))
      }
    } finally {
      this.#wake = undefined
      timer.cancel()
    }
    if (!done()) throw this.#failure
  }
}
