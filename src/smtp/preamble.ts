/**
 * What stands before the dialogue on some connections: who the client is, said by a proxy or by `postern smtpd`.
 * Read byte by byte if need be, within a bound and a deadline; what follows it is kept for the session.
 */
import { PosternError } from '../mail/errors.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Connection, ConnectionHandlers } from '../runtime/net.ts'

/** What the bytes so far are: the beginning of a preamble, none at all, or a whole one with its length. */
export type PreambleStep<T> =
  | { readonly state: 'more' }
  | { readonly state: 'broken'; readonly problem: string }
  | { readonly state: 'done'; readonly usedBytes: number; readonly value: T }

/** Given all bytes so far; answers something else than `more` within a bound of its own. */
export type PreambleParser<T> = (bytes: Buffer) => PreambleStep<T>

export interface PreambleOptions<T> {
  readonly parse: PreambleParser<T>
  readonly timeoutMs: number
  readonly clock: Clock
}

export interface ReadPreamble<T> {
  readonly value: T
  /** What came behind it. The connection is paused until somebody resumes it. */
  readonly received: Buffer
}

/** @throws PosternError PEER_FAILED, TIMEOUT, ABORTED (it left without a word); the connection is to be destroyed then */
export function readPreamble<T>(
  connection: Connection,
  options: PreambleOptions<T>,
): Promise<ReadPreamble<T>> {
  const { promise, resolve, reject } = Promise.withResolvers<ReadPreamble<T>>()
  connection.attach(new PreambleReader(connection, options, { resolve, reject }))
  return promise
}

interface Told<T> {
  resolve(read: ReadPreamble<T>): void
  reject(error: PosternError): void
}

class PreambleReader<T> implements ConnectionHandlers {
  readonly #connection: Connection
  readonly #parse: PreambleOptions<T>['parse']
  readonly #told: Told<T>
  readonly #timer: Timer
  #bytes: Buffer = Buffer.alloc(0)

  constructor(
    connection: Connection,
    { parse, timeoutMs, clock }: PreambleOptions<T>,
    told: Told<T>,
  ) {
    this.#connection = connection
    this.#parse = parse
    this.#told = told
    this.#timer = clock.after(timeoutMs, () => told.reject(new PosternError('TIMEOUT', 'preamble')))
  }

  data(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
    const step = this.#parse(this.#bytes)
    if (step.state === 'more') return
    this.#timer.cancel()
    this.#connection.pause()
    if (step.state === 'broken') this.#told.reject(new PosternError('PEER_FAILED', step.problem))
    else {
      const received = this.#bytes.subarray(step.usedBytes)
      this.#told.resolve({ value: step.value, received })
    }
  }

  ended(): void {
    this.#gone()
  }

  drained(): void {}

  closed(): void {
    this.#gone()
  }

  #gone(): void {
    this.#timer.cancel()
    const said = this.#bytes.length > 0
    const text = 'the client left before it said who it is'
    this.#told.reject(new PosternError(said ? 'PEER_FAILED' : 'ABORTED', text))
  }
}
