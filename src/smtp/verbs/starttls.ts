import { parseNothing } from '../command.ts'
import { notImplemented, startTls, tlsActive, tlsAfterLogin, tlsUnavailable } from '../replies.ts'
import { commandLineBytes, type Verb } from './verb.ts'

/** STARTTLS (RFC 3207 §4): the handshake follows the reply. What the client said before is forgotten when it is done. */
export const starttls: Verb = {
  needs: ['ehlo'],
  maxLineBytes: commandLineBytes,
  run(dialogue, rest) {
    const { session, settings, canStartTls } = dialogue
    if (session.tls !== undefined) return tlsActive
    if (settings.starttls === 'off' || settings.extensionsOff.includes('STARTTLS')) {
      return notImplemented
    }
    const wrong = parseNothing(rest)
    if (wrong !== undefined) return wrong
    // A login in the clear would have to be forgotten too, with all that the policy built on it.
    if (session.user !== undefined) return tlsAfterLogin
    if (!canStartTls) return tlsUnavailable
    dialogue.endTransaction({ end: 'reset' })
    dialogue.expects = 'handshake'
    return startTls
  },
}
