import type { MaybePromise } from '../../mail/maybe-promise.ts'
import type { Answer } from '../../mail/reply.ts'
import { acceptMessage } from '../acceptance.ts'
import { beginMessage } from '../begin-message.ts'
import { parseNothing } from '../command.ts'
import { DataReader } from '../data-reader.ts'
import type { Dialogue, Incoming } from '../dialogue.ts'
import type { Intake } from '../intake.ts'
import { chunksOnly, mailFirst, sendMessage } from '../replies.ts'
import { commandLineBytes, type Verb } from './verb.ts'

/** DATA (RFC 5321 §4.1.1.4): the message follows, line by line. */
export const data: Verb = {
  needs: ['transaction', 'recipients', 'no chunks'],
  maxLineBytes: commandLineBytes,
  run(dialogue, rest) {
    const wrong = parseNothing(rest)
    if (wrong !== undefined) return wrong
    const { transaction } = dialogue
    if (transaction === undefined) return mailFirst
    // RFC 3030 §3: lines could not hold it.
    if (transaction.parameters.bodyType === 'binarymime') return chunksOnly
    return beginMessage(dialogue, {
      transaction,
      reader: (rules) => new DataReader(rules),
      begun(intake) {
        dialogue.receive(new IncomingLines(dialogue, intake))
        return sendMessage
      },
      refused: (reply) => reply,
    })
  },
}

/** Up to the final dot. A class: V8 makes a dictionary of each object literal with a getter, and this is one a message. */
class IncomingLines implements Incoming {
  readonly #dialogue: Dialogue
  readonly #intake: Intake

  constructor(dialogue: Dialogue, intake: Intake) {
    this.#dialogue = dialogue
    this.#intake = intake
  }

  get complete(): boolean {
    return this.#intake.complete
  }

  take(chunk: Buffer): ReturnType<Incoming['take']> {
    return this.#intake.take(chunk)
  }

  finish(): MaybePromise<Answer> {
    return acceptMessage(this.#dialogue, this.#intake)
  }
}
