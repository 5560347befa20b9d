/**
 * A message on its way in: what a reader makes of DATA or of chunks goes into a draft. A message that is not taken
 * (a fault in it, or a disk that refuses it) is still read to its end; its draft is given back at once.
 */
import type { Message } from '../mail/message.ts'
import type { MaybePromise } from '../mail/maybe-promise.ts'
import type { Draft } from '../queue/queue.ts'
import type { BdatReader } from './bdat-reader.ts'
import type { ContentFault, ContentReader } from './content-rules.ts'
import { MessageHead } from './message-head.ts'

/** A message that comes in chunks, and what reads them. */
export interface Chunks {
  readonly intake: Intake
  readonly reader: BdatReader
}

export class Intake {
  readonly #draft: Draft
  readonly #reader: ContentReader
  readonly #head: MessageHead
  #failure: { readonly error: unknown } | undefined

  /** @param maxHeaderBytes how much of the header is gathered */
  constructor(draft: Draft, reader: ContentReader, maxHeaderBytes: number) {
    this.#draft = draft
    this.#reader = reader
    this.#head = new MessageHead(maxHeaderBytes)
  }

  get complete(): boolean {
    return this.#reader.ended
  }

  get fault(): ContentFault | undefined {
    return this.#reader.fault
  }

  /** What the draft threw. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure
  }

  /** The header of the message with its empty line, as far as it was gathered. */
  get head(): Uint8Array {
    return this.#head.bytes
  }

  /** There is more header than was gathered. */
  get headIsCut(): boolean {
    return this.#head.cut
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

  commit(...copies: Parameters<Draft['commit']>): ReturnType<Draft['commit']> {
    return this.#draft.commit(...copies)
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
