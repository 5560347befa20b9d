/**
 * SMTP as a client speaks it to a next hop: commands out, replies in. Knows no command but QUIT. A peer that breaks the
 * protocol is trouble like any other of its connection (`hop-connection.ts`).
 */
import { PosternError } from '../../mail/errors.ts'
import type { TlsState } from '../../mail/session.ts'
import { HopConnection, type ClientTls, type HopOptions } from './hop-connection.ts'
import { ReplyReader, type HopReply } from './reply-reader.ts'

/** A pipelined transaction of a hundred recipients, and some. */
const maxUnread = 128

export class SmtpClient {
  readonly #connection: HopConnection
  #reader = new ReplyReader()
  readonly #unread: HopReply[] = []

  private constructor(connection: HopConnection) {
    this.#connection = connection
  }

  /** @throws PosternError CONNECT_FAILED, TIMEOUT, ABORTED */
  static async connect(options: HopOptions): Promise<SmtpClient> {
    const connection = await HopConnection.open(options)
    const client = new SmtpClient(connection)
    connection.attach((chunk) => client.#take(chunk), options.signal)
    return client
  }

  /** From now on this signal, and no other, calls the work off. */
  heed(signal: AbortSignal | undefined): void {
    this.#connection.heed(signal)
  }

  /** Whether nothing is known that would keep the next command from being heard. */
  get isQuiet(): boolean {
    return this.#connection.failure === undefined && !this.hasSpoken
  }

  /** Whether a reply, or the beginning of one, has come in that nobody has read. */
  get hasSpoken(): boolean {
    return this.#unread.length > 0 || this.#reader.midway
  }

  /** The next reply. @throws PosternError PEER_FAILED, TIMEOUT, ABORTED */
  async read(timeoutMs: number): Promise<HopReply> {
    await this.#connection.until(() => this.#unread.length > 0, timeoutMs)
    const reply = this.#unread.shift()
    if (reply === undefined) throw this.#connection.failure ?? new Error('woken without a reply')
    return reply
  }

  /** Sends one command and reads its reply. A peer that spoke out of turn is not understood, unless it hangs up with 421. */
  async command(line: string, timeoutMs: number): Promise<HopReply> {
    if (this.hasSpoken) {
      const early = await this.read(timeoutMs)
      if (early.code === 421) return early
      throw this.#connection.fail(new PosternError('PEER_FAILED', 'it replied before it was asked'))
    }
    await this.write(Buffer.from(`${line}\r\n`), timeoutMs)
    return this.read(timeoutMs)
  }

  /** Resolves when there is room for more. @throws PosternError PEER_FAILED, TIMEOUT, ABORTED */
  write(bytes: Uint8Array, timeoutMs: number): Promise<void> {
    return this.#connection.write(bytes, timeoutMs)
  }

  /** After the 220 to STARTTLS. What the peer sent on top of that in the clear is an attack (RFC 3207 §6). */
  async startTls(tls: ClientTls): Promise<TlsState> {
    if (this.hasSpoken) {
      const detail = 'it spoke on in the clear after STARTTLS'
      throw this.#connection.fail(new PosternError('PEER_FAILED', detail))
    }
    const state = await this.#connection.startTls(tls)
    this.#reader = new ReplyReader()
    return state
  }

  /** Says goodbye and lets go; the reply is not waited for. */
  quit(lingerMs: number): void {
    if (this.#connection.failure !== undefined) return
    this.#connection.post('QUIT\r\n')
    const gone = this.#connection.until(() => this.#unread.length > 0, lingerMs)
    gone.then(() => this.destroy()).catch(() => undefined)
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.#connection.close()
  }

  #take(chunk: Uint8Array): void {
    try {
      this.#unread.push(...this.#reader.push(chunk))
      if (this.#unread.length > maxUnread) throw new PosternError('PEER_FAILED', 'it never stops')
    } catch (error) {
      this.#connection.fail(error instanceof PosternError ? error : new PosternError('PEER_FAILED'))
    }
  }
}
