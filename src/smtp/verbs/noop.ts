import { ok } from '../replies.ts'
import { commandLineBytes, type Verb } from './verb.ts'

/** NOOP (RFC 5321 §4.1.1.9): whatever stands behind it is ignored. */
export const noop: Verb = {
  needs: [],
  maxLineBytes: commandLineBytes,
  idles: true,
  run: () => ok,
}
