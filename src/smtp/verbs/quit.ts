import { parseNothing } from '../command.ts'
import { closing } from '../replies.ts'
import { commandLineBytes, type Verb } from './verb.ts'

/** QUIT (RFC 5321 §4.1.1.10). */
export const quit: Verb = {
  needs: [],
  maxLineBytes: commandLineBytes,
  run(dialogue, rest) {
    const wrong = parseNothing(rest)
    if (wrong !== undefined) return wrong
    dialogue.end('quit')
    return closing(dialogue.settings.hostname)
  },
}
