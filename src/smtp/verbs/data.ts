import type { Reply } from '../../mail/reply.ts'
import { storeFailed } from '../acceptance.ts'
import { parseNothing } from '../command.ts'
import { DataReader } from '../data-reader.ts'
import type { Dialogue } from '../dialogue.ts'
import { Intake } from '../intake.ts'
import { mailFirst, objection, sendMessage } from '../replies.ts'
import { commandLineBytes, type Verb } from './verb.ts'

/** DATA (RFC 5321 §4.1.1.4): the message follows, line by line. */
export const data: Verb = {
  needs: ['transaction', 'recipients'],
  maxLineBytes: commandLineBytes,
  run(dialogue, rest) {
    const wrong = parseNothing(rest)
    if (wrong !== undefined) return wrong
    const { transaction, policy } = dialogue
    if (transaction === undefined) return mailFirst
    return dialogue.consult(policy.data({ transaction }), (ruling) => {
      if (ruling.ruling === 'pass') return startMessage(dialogue)
      const reply = objection('data', ruling)
      dialogue.endTransaction({ end: 'refused', reply })
      if (ruling.close) dialogue.end('refused')
      return reply
    })
  },
}

function startMessage(dialogue: Dialogue): Reply {
  try {
    const reader = new DataReader(dialogue.settings.maxMessageBytes)
    dialogue.intake = new Intake(dialogue.queue.begin(), reader)
  } catch (error) {
    return storeFailed(dialogue, error)
  }
  dialogue.expects = 'message'
  return sendMessage
}
