import { cannotVerify, malformed } from '../replies.ts'
import { commandLineBytes, type Verb } from './verb.ts'

/** VRFY (RFC 5321 §3.5.3): who has a mailbox here is not told to strangers. */
export const vrfy: Verb = {
  needs: [],
  maxLineBytes: commandLineBytes,
  idles: true,
  run: (_dialogue, rest) => (rest === '' ? malformed('VRFY address') : cannotVerify),
}
