import { help as helpText } from '../replies.ts'
import { commandLineBytes, type Verb } from './verb.ts'

/** HELP (RFC 5321 §4.1.1.8). */
export const help: Verb = {
  needs: [],
  maxLineBytes: commandLineBytes,
  idles: true,
  run: ({ settings }) => helpText(settings.helpVersion),
}
