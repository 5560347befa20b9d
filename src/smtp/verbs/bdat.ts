/**
 * BDAT (RFC 3030 §2): the next octets of the message, as many as the line says, without a 354 before them. Whatever is
 * wrong with the command, the octets that it announces are no commands: they are read and dropped, then the reply comes.
 */
import type { MaybePromise } from '../../mail/maybe-promise.ts'
import type { Answer, Reply } from '../../mail/reply.ts'
import { acceptMessage, refuseUnfit } from '../acceptance.ts'
import { BdatReader } from '../bdat-reader.ts'
import { beginMessage } from '../begin-message.ts'
import { parseBdat, type Chunk } from '../command.ts'
import type { Dialogue, Incoming } from '../dialogue.ts'
import type { Chunks, Intake } from '../intake.ts'
import { outOfOrder } from '../order.ts'
import { chunkTaken, mailFirst, notImplemented, tooMuchIdling } from '../replies.ts'
import { commandLineBytes, type Verb } from './verb.ts'

export const bdat: Verb = {
  // The octets come in any case, so the order is looked at below.
  needs: [],
  maxLineBytes: commandLineBytes,
  run(dialogue, rest) {
    if (!dialogue.offers('CHUNKING')) return notImplemented
    const parsed = parseBdat(rest)
    if (!parsed.ok) return refuseChunk(dialogue, parsed, parsed.reply)
    const chunk = parsed.value
    const { transaction, refusedChunk, chunks } = dialogue
    const wrong = refusedChunk ?? outOfOrder(['transaction', 'recipients'], dialogue)
    if (wrong !== undefined) return refuseChunk(dialogue, chunk, wrong)
    if (chunks !== undefined) return takeChunk(dialogue, chunk, chunks)
    if (transaction === undefined) return mailFirst
    return beginMessage(dialogue, {
      transaction,
      reader: (rules) => new BdatReader(rules),
      begun(intake, reader) {
        dialogue.chunks = { intake, reader }
        return takeChunk(dialogue, chunk, dialogue.chunks)
      },
      refused: (reply) => refuseChunk(dialogue, chunk, reply),
    })
  },
}

function takeChunk(
  dialogue: Dialogue,
  chunk: Chunk,
  { intake, reader }: Chunks,
): MaybePromise<Answer | undefined> {
  const isNothing = chunk.sizeBytes === 0 && !chunk.last
  if (isNothing && dialogue.idlesTooLong()) return tooMuchIdling(dialogue.settings.hostname)
  reader.begin(chunk)
  if (reader.ended) return endChunk(dialogue, chunk, intake)
  dialogue.receive(new IncomingChunk(dialogue, chunk, { intake, reader }))
  return undefined
}

function endChunk(
  dialogue: Dialogue,
  { sizeBytes, last }: Chunk,
  intake: Intake,
): MaybePromise<Answer> {
  if (last) return acceptMessage(dialogue, intake)
  const unfit = refuseUnfit(dialogue, intake)
  if (unfit === undefined) return chunkTaken(sizeBytes)
  dialogue.refusedChunk = unfit
  return unfit
}

/** A message that lacks a chunk is none: what came of it is given up, and what was sent behind it hears the same. */
function refuseChunk(
  dialogue: Dialogue,
  { sizeBytes, last }: Chunk,
  reply: Reply,
): Reply | undefined {
  if (dialogue.over) return reply
  if (dialogue.intake !== undefined) dialogue.endTransaction({ end: 'refused', reply })
  dialogue.refusedChunk = last ? undefined : reply
  if (sizeBytes === 0) return reply
  dialogue.receive(new DroppedChunk(sizeBytes, reply))
  return undefined
}

class IncomingChunk implements Incoming {
  readonly #dialogue: Dialogue
  readonly #chunk: Chunk
  readonly #chunks: Chunks

  constructor(dialogue: Dialogue, chunk: Chunk, chunks: Chunks) {
    this.#dialogue = dialogue
    this.#chunk = chunk
    this.#chunks = chunks
  }

  get complete(): boolean {
    return this.#chunks.reader.ended
  }

  take(bytes: Buffer): ReturnType<Incoming['take']> {
    return this.#chunks.intake.take(bytes)
  }

  finish(): MaybePromise<Answer> {
    return endChunk(this.#dialogue, this.#chunk, this.#chunks.intake)
  }
}

class DroppedChunk implements Incoming {
  #left: number
  readonly #reply: Reply

  constructor(sizeBytes: number, reply: Reply) {
    this.#left = sizeBytes
    this.#reply = reply
  }

  get complete(): boolean {
    return this.#left === 0
  }

  take(chunk: Buffer): { readonly used: number; readonly pressure: undefined } {
    const used = Math.min(chunk.length, this.#left)
    this.#left -= used
    return { used, pressure: undefined }
  }

  finish(): Reply {
    return this.#reply
  }
}
