/**
 * SMTP dialogues as files, for recordings and for tests.
 *
 *   # a comment
 *   C: EHLO client.test        a line of the client; lines that follow each other are one write; \r \n \t \0 \\ \xHH are bytes
 *   C< DATA\n                  bytes of the client, without CR LF
 *   S: 250-mx.test             a line of the server; `*` stands for anything
 *   S< 250 HELP                lines of the server that do not matter, up to and with this one
 *   TLS                        the client starts the handshake
 *   CLOSED                     the server has closed the connection
 */

export interface DialogueStep {
  /** Counted from 1. */
  readonly line: number
  readonly word: string
  readonly text: string
}

export const dialogueWords: ReadonlySet<string> = new Set(['C:', 'C<', 'S:', 'S<', 'TLS', 'CLOSED'])

/** @throws Error where a line is none of the words' */
export function parseDialogueFile(
  text: string,
  words: ReadonlySet<string> = dialogueWords,
): readonly DialogueStep[] {
  return text.split('\n').flatMap((source, index) => {
    if (source === '' || source.startsWith('#')) return []
    const match = /^(C:|C<|S:|S<|[A-Z]+)(?: (.*))?$/.exec(source)
    const [, word] = match ?? []
    if (word === undefined || !words.has(word)) {
      throw new Error(`line ${index + 1} is no step of a dialogue: ${source}`)
    }
    return [{ line: index + 1, word, text: match?.[2] ?? '' }]
  })
}

/** Whether the server's line is what the step wants. */
export function isExpectedLine(line: string, pattern: string): boolean {
  const parts = pattern.split('*')
  const [head = ''] = parts
  const tail = parts.length > 1 ? (parts.at(-1) ?? '') : undefined
  return tail === undefined
    ? line === head
    : line.length >= head.length + tail.length && line.startsWith(head) && line.endsWith(tail)
}

const named: ReadonlyMap<string, string> = new Map([
  ['r', '\r'],
  ['n', '\n'],
  ['t', '\t'],
  ['0', '\0'],
  ['\\', '\\'],
])

/** The bytes that a step means, as characters; its text is UTF-8 in the file. */
export function bytesOfStep(text: string): string {
  return Buffer.from(text)
    .toString('latin1')
    .replace(/\\(?:x([0-9a-f]{2})|([rnt0\\]))/g, (_, hex: string | undefined, name: string) =>
      hex === undefined ? (named.get(name) ?? '') : String.fromCharCode(Number.parseInt(hex, 16)),
    )
}

/** Bytes, as characters, as the text of a step. */
export function stepOfBytes(bytes: string): string {
  return bytes.replace(/[^ -[\]-~]/g, (character) => {
    if (character === '\\') return '\\\\'
    if (character === '\t') return '\\t'
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
}
