/**
 * A conversation with a server, as a protocol client wants it: send and wait until it is taken, read so many bytes or
 * up to a mark. Neither side can make us hold more than a buffer's worth: who reads slowly makes us wait, and what
 * nobody reads yet is not fetched. Every wait ends by the peer's patience or the caller's signal.
 */
import {
  PosternError,
  type Clock,
  type Connection,
  type Net,
  type NetAddress,
} from 'postern/plugin'
import { formatPeerAddress } from './peer-address.ts'

export interface PeerDoors {
  readonly net: Net
  readonly clock: Clock
}

export interface PeerCall {
  readonly address: NetAddress
  readonly connectMs: number
  /** So long it may neither say nor take anything while we wait for it. */
  readonly patienceMs: number
  readonly signal?: AbortSignal
}

/** Unread bytes beyond which nothing more is fetched. */
const highWaterBytes = 262_144

/** All methods @throws PosternError PEER_FAILED, TIMEOUT, ABORTED; after that the conversation is over. */
export class Peer {
  /** For logs and errors. */
  readonly name: string
  readonly #connection: Connection
  readonly #clock: Clock
  #patienceMs: number
  #signal: AbortSignal | undefined
  #chunks: Buffer[] = []
  #unreadBytes = 0
  #paused = false
  /** What `write` took is still on its way. */
  #full = false
  #ended = false
  #failure: PosternError | undefined
  /** By us; an error is only made of it for whoever goes on. */
  #hungUp = false
  #wake: (() => void) | undefined

  constructor(connection: Connection, clock: Clock, call: PeerCall) {
    this.#connection = connection
    this.#clock = clock
    this.#patienceMs = call.patienceMs
    this.name = formatPeerAddress(call.address)
    connection.attach({
      data: (chunk) => this.#heard(chunk),
      ended: () => this.#over(),
      drained: () => {
        this.#full = false
        this.#wake?.()
      },
      closed: (error) => this.#closed(error),
    })
    this.heed(call.signal)
  }

  /** @throws PosternError CONNECT_FAILED, TIMEOUT, ABORTED */
  static async connect({ net, clock }: PeerDoors, call: PeerCall): Promise<Peer> {
    const { address, connectMs, signal } = call
    const connection = await net.connect({
      address,
      timeoutMs: connectMs,
      ...(signal === undefined ? {} : { signal }),
    })
    return new Peer(connection, clock, call)
  }

  /** Whether it has said something that was not read yet, or has finished: no use to go on sending. */
  get hasSpoken(): boolean {
    return this.#unreadBytes > 0 || this.#ended
  }

  /** Nothing will come any more, beyond what was not read yet. */
  get hasEnded(): boolean {
    return this.#ended || this.#hungUp || this.#failure !== undefined
  }

  /** From now on this signal ends the conversation, and none before it: for those that outlive one question. */
  heed(signal: AbortSignal | undefined, patienceMs = this.#patienceMs): void {
    this.#signal?.removeEventListener('abort', this.#aborted)
    this.#signal = signal
    this.#patienceMs = patienceMs
    signal?.addEventListener('abort', this.#aborted)
    if (signal?.aborted === true) this.#aborted()
  }

  /** A last word that nobody need answer. */
  farewell(data: Uint8Array): void {
    this.heed(undefined)
    if (this.hasEnded) return this.hangUp()
    this.#failure ??= new PosternError('ABORTED', this.name)
    this.#connection.write(data)
    this.#connection.end()
  }

  /** Resolves when it was taken, or the peer has something to say. Text is latin1. */
  async send(data: string | Uint8Array): Promise<void> {
    this.#check()
    this.#full = !this.#connection.write(data)
    while (this.#full && !this.hasSpoken) await this.#wait('took nothing')
  }

  async readExactly(sizeBytes: number): Promise<Buffer> {
    while (this.#unreadBytes < sizeBytes) await this.#more()
    return this.#take(sizeBytes)
  }

  /** Up to a mark (latin1), which is taken and not returned. */
  async readTo(mark: string, maxBytes: number): Promise<Buffer> {
    for (;;) {
      const all = this.#joined()
      const at = all.subarray(0, maxBytes + mark.length).indexOf(mark, 0, 'latin1')
      if (at >= 0) return this.#take(at + mark.length).subarray(0, at)
      if (all.length > maxBytes) throw this.fail('says too much')
      await this.#more()
    }
  }

  /** All that it says until it finishes. */
  async readToEnd(maxBytes: number): Promise<Buffer> {
    while (!this.#ended) {
      if (this.#unreadBytes > maxBytes) throw this.fail('says too much')
      await this.#wait('said nothing')
    }
    if (this.#unreadBytes > maxBytes) throw this.fail('says too much')
    return this.#take(this.#unreadBytes)
  }

  /** Begins TLS, the certificate verified for the name. */
  async startTls(servername: string): Promise<void> {
    const timeoutMs = this.#patienceMs
    await this.#connection.startTls({ side: 'client', servername, verify: true, timeoutMs })
  }

  /** The error of a peer that breaks the protocol; the conversation is over. */
  fail(detail: string): PosternError {
    return this.#fail(new PosternError('PEER_FAILED', `${this.name} ${detail}`))
  }

  /** Nobody is interested any more. */
  hangUp(): void {
    this.#signal?.removeEventListener('abort', this.#aborted)
    this.#hungUp = true
    this.#connection.destroy()
    this.#wake?.()
  }

  async #more(): Promise<void> {
    if (this.#ended) throw this.fail('hung up in the middle')
    await this.#wait('said nothing')
  }

  async #wait(what: string): Promise<void> {
    this.#check()
    if (this.#paused) {
      this.#paused = false
      this.#connection.resume()
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    const timer = this.#clock.after(this.#patienceMs, () => {
      const detail = `${this.name} ${what} for ${this.#patienceMs} ms`
      this.#fail(new PosternError('TIMEOUT', detail))
    })
    await promise
    timer.cancel()
    this.#wake = undefined
    this.#check()
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#hungUp) throw new PosternError('ABORTED', this.name)
  }

  #heard(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#unreadBytes += chunk.length
    if (this.#unreadBytes > highWaterBytes && this.#wake === undefined) {
      this.#paused = true
      this.#connection.pause()
    }
    this.#wake?.()
  }

  #over(): void {
    this.#ended = true
    this.#wake?.()
  }

  /** What it said before it went is still read. */
  #closed(error: Error | undefined): void {
    this.#signal?.removeEventListener('abort', this.#aborted)
    if (error !== undefined && this.#unreadBytes === 0 && !this.#ended && !this.#hungUp) {
      const detail = `${this.name} broke off: ${error.message}`
      this.#failure ??= new PosternError('PEER_FAILED', detail, { cause: error })
    }
    this.#over()
  }

  #fail(error: PosternError): PosternError {
    this.#failure ??= error
    this.#connection.destroy()
    this.#wake?.()
    return error
  }

  readonly #aborted = (): void => void this.#fail(new PosternError('ABORTED', this.name))

  #joined(): Buffer {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)]
    return this.#chunks[0] ?? Buffer.alloc(0)
  }

  #take(sizeBytes: number): Buffer {
    const all = this.#joined()
    const taken = all.subarray(0, sizeBytes)
    this.#chunks = [all.subarray(sizeBytes)]
    this.#unreadBytes -= sizeBytes
    return taken
  }
}
