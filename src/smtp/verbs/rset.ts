import { parseNothing } from '../command.ts'
import { ok } from '../replies.ts'
import { commandLineBytes, type Verb } from './verb.ts'

/** RSET (RFC 5321 §4.1.1.5): the open transaction is forgotten; who the client is, is not. */
export const rset: Verb = {
  needs: [],
  maxLineBytes: commandLineBytes,
  idles: true,
  run(dialogue, rest) {
    const wrong = parseNothing(rest)
    if (wrong !== undefined) return wrong
    dialogue.endTransaction({ end: 'reset' })
    return ok
  },
}
