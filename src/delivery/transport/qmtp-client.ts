/**
 * QMTP as a client speaks it to a next hop: bytes out, answers in. What is no answer is trouble like any other of its
 * connection (`hop-connection.ts`).
 */
import { NetstringLength } from '../../formats/netstring.ts'
import { PosternError } from '../../mail/errors.ts'
import { HopConnection, type HopOptions } from './hop-connection.ts'

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
  readonly #connection: HopConnection
  readonly #answers: QmtpAnswer[] = []
  #length = new NetstringLength(mostAnswerBytes)
  /** Bytes of the answer that is coming in; `undefined`: its length is. */
  #left: number | undefined
  #text = ''

  private constructor(connection: HopConnection) {
    this.#connection = connection
  }

  /** @throws PosternError CONNECT_FAILED, TIMEOUT, ABORTED */
  static async connect(options: HopOptions): Promise<QmtpClient> {
    const connection = await HopConnection.open(options)
    const client = new QmtpClient(connection)
    connection.attach((chunk) => client.#take(chunk), options.signal)
    return client
  }

  /** Resolves when there is room for more. @throws PosternError PEER_FAILED, TIMEOUT, ABORTED */
  write(bytes: Uint8Array, timeoutMs: number): Promise<void> {
    return this.#connection.write(bytes, timeoutMs)
  }

  /** The next answer. @throws PosternError PEER_FAILED, TIMEOUT, ABORTED */
  async read(timeoutMs: number): Promise<QmtpAnswer> {
    await this.#connection.until(() => this.#answers.length > 0, timeoutMs)
    const answer = this.#answers.shift()
    if (answer === undefined) throw this.#connection.failure ?? new Error('woken without an answer')
    return answer
  }

  /**
   * Nobody is told yet for whom the message is.
   * @throws PosternError PEER_FAILED where it says already that it has taken it
   */
  assertPatient(): void {
    if (this.#answers.every(({ letter }) => letter !== 'K')) return
    const why = 'it took the message before it was told for whom'
    throw this.#connection.fail(new PosternError('PEER_FAILED', why))
  }

  /** Lets go; nothing is waited for. */
  close(): void {
    this.#connection.close()
  }

  #take(chunk: Buffer): void {
    for (let at = 0; at < chunk.length && this.#connection.failure === undefined;) {
      at += this.#step(chunk, at)
    }
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
    this.#connection.fail(new PosternError('PEER_FAILED', 'it sent what is no answer'))
  }
}
