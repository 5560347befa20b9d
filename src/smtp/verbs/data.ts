import { acceptMessage } from '../acceptance.ts'
import { beginMessage } from '../begin-message.ts'
import { parseNothing } from '../command.ts'
import { DataReader } from '../data-reader.ts'
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
        dialogue.receive({
          take: (chunk) => intake.take(chunk),
          get complete() {
            return intake.complete
          },
          finish: () => acceptMessage(dialogue, intake),
        })
        return sendMessage
      },
      refused: (reply) => reply,
    })
  },
}
