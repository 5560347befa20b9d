/**
 * setforward's text: `target: command, command;` with `#` comments; blanks do not count, and a backslash makes any byte count.
 * What it is compiled into, and printforward's way back. Text is one character for each byte.
 */
import type { CdbEntry } from '../cdb.ts'
import { latin1, latin1Bytes, lowerAscii } from '../octets.ts'

export type ForwardReading =
  | { readonly records: readonly CdbEntry[] }
  /** In setforward's words. */
  | { readonly trouble: string }

const mostAddressBytes = 800

/** @returns under `:target` its commands, a NUL behind each; under `?target` who its owner is */
export function forwardRecords(bytes: Uint8Array): ForwardReading {
  const records: CdbEntry[] = []
  let target = ''
  let commands: string[] | undefined
  let word = ''
  const add = (mark: string, value: string): void => {
    records.push([latin1Bytes(lowerAscii(mark + target)), latin1Bytes(value)])
  }
  for (const { character, escaped } of characters(latin1(bytes))) {
    const special = escaped ? '' : character
    if (special === ':') {
      if (commands !== undefined) return { trouble: 'double colons are not permitted' }
      target = word
      word = ''
      commands = []
    } else if (special === ',' || special === ';') {
      if (commands === undefined) return { trouble: 'commas are not permitted before colons' }
      if (word.startsWith('?')) add('?', word.slice(1))
      else if (isAddress(word) && word.length > mostAddressBytes) {
        return { trouble: 'addresses over 800 bytes are not permitted' }
      } else if (word !== '') commands.push(isBare(word) ? `&${word}` : word)
      word = ''
      if (special === ',') continue
      if (commands.length > 0) add(':', commands.map((command) => `${command}\0`).join(''))
      target = ''
      commands = undefined
    } else if (character === '\0') return { trouble: 'NUL bytes are not permitted' }
    else word += character
  }
  return commands === undefined && word === ''
    ? { records }
    : { trouble: 'final instruction must end with semicolon' }
}

function isAddress(word: string): boolean {
  return !/^[|!./]/.test(word)
}

function isBare(word: string): boolean {
  return isAddress(word) && !word.startsWith('&')
}

/** Without comments and blanks; a backslash at the very end is dropped. */
function* characters(
  text: string,
): Generator<{ readonly character: string; readonly escaped: boolean }> {
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at)
    if (character === '#') {
      const end = text.indexOf('\n', at)
      if (end < 0) return
      at = end
    } else if (character === '\\') {
      at++
      if (at < text.length) yield { character: text.charAt(at), escaped: true }
    } else if (!/[ \n\t]/.test(character)) yield { character, escaped: false }
  }
}

/** @returns `undefined` for records that setforward does not make */
export function printForward(records: Iterable<CdbEntry>): string | undefined {
  let text = ''
  for (const [key, value] of records) {
    const name = escapedText(latin1(key).slice(1))
    switch (latin1(key)[0]) {
      case '?':
        text += `${name}: ?${escapedText(latin1(value))};\n`
        break
      case ':': {
        const commands = latin1(value).split('\0')
        if (commands.pop() !== '' || !commands.every(isCommand)) return undefined
        text += `${name}:\n${commands.map((each) => `, ${escapedText(each)}\n`).join('')};\n`
        break
      }
      default:
        return undefined
    }
  }
  return text
}

function isCommand(command: string): boolean {
  return /^[./|!]/.test(command) || (command.startsWith('&') && command.length < 900)
}

/** Bytes from 128 on are below the blank to whoever counts with signs, as the original does. */
function escapedText(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what it escapes
  return text.replace(/[\x00-\x20\x80-\xff,:;\\#]/g, '\\$&')
}
