import type { PosternError } from '../mail/errors.ts'

export interface ByteQueueOwner {
  /** There is more in it than anybody has taken: whoever fills it waits. */
  full(): void
  /** There is room again. */
  room(): void
}

/** Of what nobody has taken yet. */
const mostWaitingBytes = 1 << 20

/** Bytes from whoever has them to whoever wants them, read once, in order, with no more in memory than the one is ahead of the other. */
export class ByteQueue implements AsyncIterable<Uint8Array> {
  readonly #owner: ByteQueueOwner
  #pieces: Uint8Array[] = []
  #waitingBytes = 0
  #state: 'open' | 'whole' | PosternError = 'open'
  #more = Promise.withResolvers<void>()

  constructor(owner: ByteQueueOwner) {
    this.#owner = owner
  }

  get isFull(): boolean {
    return this.#waitingBytes > mostWaitingBytes
  }

  /** After the end nothing is added. */
  add(piece: Uint8Array): void {
    if (this.#state !== 'open') return
    this.#pieces.push(Buffer.from(piece))
    this.#waitingBytes += piece.length
    if (this.isFull) this.#owner.full()
    this.#more.resolve()
  }

  end(): void {
    if (this.#state === 'open') this.#state = 'whole'
    this.#more.resolve()
  }

  /** What was added before is still read. */
  fail(error: PosternError): void {
    if (this.#state === 'open') this.#state = error
    this.#more.resolve()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const pieces = this.#pieces
      this.#pieces = []
      this.#waitingBytes = 0
      this.#owner.room()
      yield* pieces
      if (this.#pieces.length > 0) continue
      if (this.#state === 'whole') return
      if (this.#state !== 'open') throw this.#state
      this.#more = Promise.withResolvers()
      await this.#more.promise
    }
  }
}
