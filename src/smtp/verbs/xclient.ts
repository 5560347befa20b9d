import { malformed, notAuthorized, ok } from '../replies.ts'
import { parseXclient } from '../xclient.ts'
import { commandLineBytes, type Verb } from './verb.ts'

/**
 * XCLIENT (Postfix, XCLIENT_README): a proxy says for whom it speaks, and the session begins anew, with the greeting.
 * Whom we trust is decided by who connected, whatever was claimed since.
 */
export const xclient: Verb = {
  needs: ['no transaction'],
  maxLineBytes: commandLineBytes,
  run(dialogue, rest) {
    if (!dialogue.offers('XCLIENT')) return notAuthorized
    const claimed = parseXclient(rest)
    if (claimed === undefined) return malformed('XCLIENT attribute=value ...')
    dialogue.claimed = { ...dialogue.claimed, ...claimed }
    dialogue.expects = 'another client'
    // Never spoken: the greeting of the next session is the reply.
    return ok
  },
}
