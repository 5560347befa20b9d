/**
 * A message on its way in: what the data reader frees of dots goes into a draft. A message that is not taken
 * (a fault in it, or a disk that refuses it) is still read to its end; its draft is given back at once.
 */
import type { Message } from '../mail/message.ts'
import type { MaybePromise } from '../mail/maybe-promise.ts'
import type { Draft } from '../queue/queue.ts'
import type { DataFault, DataReader } from './data-reader.ts'
import { MessageHead } from './message-head.ts'

/** Of so many bytes from the top the hops are counted: more header than honest mail has. */
const headBytes = 65_536

export class Intake {
  readonly #draft: Draft
  readonly #reader: DataReader
  readonly #head = new MessageHead(headBytes)
  #failure: { readonly error: unknown } | undefined

  constructor(draft: Draft, reader: DataReader) {
    this.#draft = draft
    this.#reader = reader
  }

  get complete(): boolean {
    return this.#reader.ended
  }

  get fault(): DataFault | undefined {
    return this.#reader.fault
  }

  /** What the draft threw. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure
  }

  /** The first bytes of the message: its header, as far as it fits into 64 KB. */
  get head(): Uint8Array {
    return this.#head.bytes
  }

  /** @returns how many bytes were the message's, and what to wait for before the next ones */
  take(chunk: Buffer): { readonly used: number; readonly pressure: Promise<void> | undefined } {
    const { used, content } = this.#reader.read(chunk)
    if (this.#reader.fault !== undefined) this.abort()
    if (content === undefined || this.#failure !== undefined) return { used, pressure: undefined }
    this.#head.add(content)
    return { used, pressure: this.#write(content) }
  }

  end(): MaybePromise<Message> {
    return this.#draft.end()
  }

  commit(placements: Parameters<Draft['commit']>[0]): ReturnType<Draft['commit']> {
    return this.#draft.commit(placements)
  }

  abort(): void {
    this.#draft.abort()
  }

  #write(content: Uint8Array): Promise<void> | undefined {
    try {
      const written = this.#draft.write(content)
      return written instanceof Promise ? written.catch(this.#failed) : undefined
    } catch (error) {
      this.#failed(error)
      return undefined
    }
  }

  readonly #failed = (error: unknown): void => {
    this.#failure ??= { error }
    this.abort()
  }
}
