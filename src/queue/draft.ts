/**
 * A message that is not promised yet: in memory while it is small and the budget allows, else in a file of its own.
 * What is written is copied; the caller may use its chunk again. Whatever fails, nothing of it counts.
 */
import assert from 'node:assert/strict'
import { isAscii } from 'node:buffer'
import { headerEnd } from '../mail/header.ts'
import type { Instant } from '../mail/instant.ts'
import type { MaybePromise } from '../mail/maybe-promise.ts'
import type { Message } from '../mail/message.ts'
import type { Disk } from '../runtime/disk.ts'
import type { DraftBudget } from './draft-budget.ts'
import type { LargeFile } from './large-file.ts'
import {
  messageRecord,
  type DraftedMessage,
  type MessageRecord,
  type MessageRecords,
} from './message-record.ts'
import type { Beside, Draft, Placement } from './queue.ts'
import type { Receipt } from './receipt.ts'
import { fileBody, memoryBody, StoredMessage } from './stored-message.ts'

/** What a draft needs of the spool it is for. */
export interface DraftDesk {
  readonly disk: Disk
  readonly budget: DraftBudget
  /** Larger messages get a file of their own. */
  readonly inlineBytes: number
  now(): Instant
  nextNumber(): number
  largeFile(): Promise<LargeFile>
  /**
   * All messages or none, by one sync.
   * @param over called when the outcome is known: the payload is needed no more
   */
  promise(messages: MessageRecords, over: () => void): Promise<Receipt>
  /** A large file could not be removed; it is removed at the next start. */
  leftBehind(path: string, error: unknown): void
}

const firstBytes = 4_096
/** As much as a socket gives at once. */
const spareBytes = 65_536
const empty = Buffer.alloc(0)

export class SpoolDraft implements Draft {
  readonly #desk: DraftDesk
  readonly #origin: Pick<DraftedMessage, 'handedOver'>
  #bytes: Buffer = empty
  #sizeBytes = 0
  #eightBit = false
  /** Set once the draft has outgrown memory; resolves when everything written so far is in it. */
  #large: Promise<LargeFile> | undefined
  #file: LargeFile | undefined
  /** Where chunks wait to be appended. */
  #spare: Buffer | undefined
  #spareIsFree = true
  #message: MaybePromise<Message> | undefined
  #drafted: DraftedMessage | undefined
  #over = false

  /** @param handedOver the file in `incoming/` that it comes from */
  constructor(desk: DraftDesk, handedOver?: string) {
    this.#desk = desk
    this.#origin = handedOver === undefined ? {} : { handedOver }
    desk.budget.begin()
  }

  write(chunk: Uint8Array): void | Promise<void> {
    assert(this.#message === undefined && !this.#over, 'a draft is written after its end')
    this.#eightBit ||= !isAscii(chunk)
    if (this.#large !== undefined) return this.#append(this.#large, chunk)
    const sizeBytes = this.#sizeBytes + chunk.length
    if (!this.#reserve(sizeBytes)) return this.#append(this.#spill(), chunk)
    this.#bytes.set(chunk, this.#sizeBytes)
    this.#sizeBytes = sizeBytes
    return undefined
  }

  end(): MaybePromise<Message> {
    assert(!this.#over, 'a draft is ended after its commit')
    return (this.#message ??=
      this.#large === undefined ? this.#endSmall() : this.#endLarge(this.#large))
  }

  commit(placements: readonly [Placement, ...Placement[]], beside?: Beside): Promise<Receipt> {
    const drafted = this.#close()
    if (beside !== undefined) return this.#commitBoth(drafted, placements, beside)
    if (this.#large !== undefined) return this.#commitLarge(drafted, placements)
    try {
      return this.#desk.promise([this.#record(drafted, placements)], () => this.#giveMemory())
    } catch (error) {
      this.#giveMemory()
      return rejected(error)
    }
  }

  abort(): void {
    if (this.#over) return
    this.#end()
    this.#giveMemory()
    void this.#large?.then(
      () => this.#remove(),
      () => this.#remove(),
    )
  }

  /** From here on it is on its way into the log. */
  #close(): DraftedMessage {
    const drafted = this.#drafted
    assert(drafted !== undefined && !this.#over, 'a draft is committed before its end, or twice')
    this.#end()
    return drafted
  }

  #end(): void {
    this.#over = true
    this.#desk.budget.end()
  }

  #endSmall(): Message {
    const bytes = this.#bytes.subarray(0, this.#sizeBytes)
    const end = headerEnd(bytes)
    const bodyOffset = end < 0 ? bytes.length : end
    const head = bytes.subarray(0, bodyOffset)
    const body = bytes.subarray(bodyOffset)
    this.#drafted = { receivedAt: this.#desk.now(), eightBit: this.#eightBit, head, body }
    return new StoredMessage(head, memoryBody(body), this.#eightBit)
  }

  async #endLarge(large: Promise<LargeFile>): Promise<Message> {
    const file = await large
    const head = await file.readHead()
    const body = file.describe(head.length)
    this.#drafted = { receivedAt: this.#desk.now(), eightBit: this.#eightBit, head, body }
    const onDisk = fileBody(this.#desk.disk, { ...body, path: file.path })
    return new StoredMessage(head, onDisk, this.#eightBit)
  }

  async #commitLarge(drafted: DraftedMessage, placements: readonly Placement[]): Promise<Receipt> {
    try {
      const message = await this.#prepare(drafted, placements)
      const receipt = await this.#desk.promise([message], () => undefined)
      this.#tidy(message)
      return receipt
    } catch (error) {
      void this.#remove()
      throw error
    }
  }

  async #commitBoth(
    drafted: DraftedMessage,
    placements: readonly Placement[],
    beside: Beside,
  ): Promise<Receipt> {
    const other = beside.draft
    assert(other instanceof SpoolDraft && other.#desk === this.#desk, 'a draft of another queue')
    const otherDrafted = other.#close()
    const over = (): void => {
      this.#giveMemory()
      other.#giveMemory()
    }
    try {
      const message = await this.#prepare(drafted, placements)
      const otherMessage = await other.#prepare(otherDrafted, beside.placements)
      const receipt = await this.#desk.promise([message, otherMessage], over)
      this.#tidy(message)
      other.#tidy(otherMessage)
      return receipt
    } catch (error) {
      over()
      void this.#remove()
      void other.#remove()
      throw error
    }
  }

  /** The record, once a large file that it names is on stable storage. */
  async #prepare(
    drafted: DraftedMessage,
    placements: readonly Placement[],
  ): Promise<MessageRecord> {
    const file = await this.#large
    const message = this.#record(drafted, placements)
    if (message.meta.large !== undefined) await file?.seal()
    return message
  }

  /** A file that the record does not name is needed no more. */
  #tidy({ meta }: MessageRecord): void {
    if (meta.large === undefined) void this.#remove()
  }

  #record(drafted: DraftedMessage, placements: readonly Placement[]): MessageRecord {
    return messageRecord({ ...drafted, ...this.#origin }, placements, () => this.#desk.nextNumber())
  }

  /** Makes room for so many bytes in memory, unless they are too many. */
  #reserve(sizeBytes: number): boolean {
    const { budget, inlineBytes } = this.#desk
    if (sizeBytes <= this.#bytes.length) return true
    if (sizeBytes > inlineBytes) return false
    const wanted = Math.min(inlineBytes, Math.max(sizeBytes, 2 * this.#bytes.length, firstBytes))
    if (!budget.take(wanted - this.#bytes.length)) return false
    const grown = Buffer.allocUnsafe(wanted)
    grown.set(this.#bytes.subarray(0, this.#sizeBytes))
    this.#bytes = grown
    return true
  }

  #spill(): Promise<LargeFile> {
    const written = this.#bytes.subarray(0, this.#sizeBytes)
    return this.#desk.largeFile().then(async (file) => {
      this.#file = file
      await file.append(written)
      this.#giveMemory()
      return file
    })
  }

  #append(large: Promise<LargeFile>, chunk: Uint8Array): Promise<void> {
    const copy = this.#copyOf(chunk)
    const appended = large.then(async (file) => {
      await file.append(copy)
      if (copy.buffer === this.#spare?.buffer) this.#spareIsFree = true
      return file
    })
    this.#large = appended
    return appended.then(() => undefined)
  }

  /** In one buffer again and again, for who waits for each write: else a large message would leave as much garbage as it has bytes. */
  #copyOf(chunk: Uint8Array): Uint8Array {
    if (!this.#spareIsFree || chunk.length > spareBytes) return Buffer.from(chunk)
    this.#spareIsFree = false
    this.#spare ??= Buffer.allocUnsafeSlow(spareBytes)
    this.#spare.set(chunk)
    return this.#spare.subarray(0, chunk.length)
  }

  #giveMemory(): void {
    this.#desk.budget.give(this.#bytes.length)
    this.#bytes = empty
  }

  async #remove(): Promise<void> {
    const file = this.#file
    try {
      await file?.remove()
    } catch (error) {
      this.#desk.leftBehind(file?.path ?? '', error)
    }
  }
}

/** A commit fails by its promise only. */
async function rejected(error: unknown): Promise<never> {
  throw error
}
