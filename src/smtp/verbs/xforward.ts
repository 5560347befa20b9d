import { malformed, notAuthorized, ok } from '../replies.ts'
import { parseXforward } from '../xclient.ts'
import { commandLineBytes, type Verb } from './verb.ts'

/**
 * XFORWARD (Postfix, XFORWARD_README): whom the next message came from, for log and trace. It changes nothing else,
 * and is forgotten when that transaction ends.
 */
export const xforward: Verb = {
  needs: ['no transaction'],
  maxLineBytes: commandLineBytes,
  run(dialogue, rest) {
    if (!dialogue.offers('XFORWARD')) return notAuthorized
    const forwarded = parseXforward(rest)
    if (forwarded === undefined) return malformed('XFORWARD attribute=value ...')
    dialogue.forwarded = { ...dialogue.forwarded, ...forwarded }
    return ok
  },
}
