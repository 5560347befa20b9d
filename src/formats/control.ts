/**
 * The forms of qmail's control files, read from bytes exactly as qmail reads them: one line, an integer, a list, a table of
 * `key:value` lines. Nothing here throws: what cannot mean anything becomes a mistake beside the value that qmail would use.
 */
import type { LineMistake } from './line-mistake.ts'
import { latin1, latin1Bytes, lowerAscii, readable, trimBlanks } from './octets.ts'

/** What a file says, and what is wrong with it. */
export interface ControlReading<T> {
  readonly value: T
  /** Lines that cannot mean anything. */
  readonly mistakes: readonly LineMistake[]
  /** Lines that qmail takes without a word, and so do we, though they are hardly meant. */
  readonly doubts: readonly LineMistake[]
}

/** An entry of a list, with its line. */
export interface ControlEntry {
  readonly line: number
  readonly text: string
}

/** A line `key:value`, split at its first colon. */
export interface ControlPair {
  readonly value: string
  readonly line: number
  readonly text: string
}

/** The first line without its trailing blanks; the fallback where there is no file. An empty file is an empty line. */
export function controlLine(
  bytes: Uint8Array | undefined,
  fallback: string,
): ControlReading<string> {
  if (bytes === undefined) return sound(fallback)
  const [raw = ''] = latin1(bytes).split('\n', 1)
  const written = decode(trimBlanks(raw))
  const text = written.replace(/^\uFEFF/, '')
  const control = indexOfControl(text)
  const remedies = [
    ...(text === written ? [] : [withoutMark]),
    // These lines go into greetings and trace fields, where a stray CR would end the line early.
    ...(control === -1 ? [] : ['remove the control character; nothing from it on is used']),
  ]
  const mistakes = remedies.map((remedy) => ({ line: 1, text: written, remedy }))
  return { ...sound(control === -1 ? text : text.slice(0, control)), mistakes }
}

/** The digits that the first line begins with; the fallback where there are none, or no file. */
export function controlInteger(
  bytes: Uint8Array | undefined,
  fallback: number,
): ControlReading<number> {
  if (bytes === undefined) return sound(fallback)
  const { value: text } = controlLine(bytes, '')
  const [digits = ''] = /^\d*/.exec(text) ?? []
  if (digits === '') {
    const remedy = `write a number; without one, ${fallback} is used`
    return { ...sound(fallback), doubts: [{ line: 1, text, remedy }] }
  }
  const value = Number(digits)
  if (Number.isSafeInteger(value)) {
    // `7d` are seven seconds, and `10MB` ten bytes.
    const remedy = `write the number alone; ${value} is used`
    return digits === text ? sound(value) : { ...sound(value), doubts: [{ line: 1, text, remedy }] }
  }
  const remedy = `write a smaller number; ${fallback} is used`
  return { ...sound(fallback), mistakes: [{ line: 1, text, remedy }] }
}

/**
 * The lines, each without its trailing blanks; empty ones, and those whose first character is `#`, are left out. Leading
 * blanks stay, as in qmail, so that such a line never matches; a CR before the newline likewise.
 */
export function controlList(bytes: Uint8Array | undefined): readonly ControlEntry[] {
  if (bytes === undefined) return []
  const entries: ControlEntry[] = []
  for (const [index, raw] of latin1(bytes).split('\n').entries()) {
    const trimmed = trimBlanks(raw)
    if (trimmed === '' || trimmed.startsWith('#') || trimmed.startsWith('\0')) continue
    // To qmail a list is a row of C strings: a NUL within a line ends one entry and begins the next.
    for (const text of trimmed.split('\0')) entries.push({ line: index + 1, text: decode(text) })
  }
  return entries
}

/**
 * A list of `key:value` lines, by lower-cased key. As in qmail, a line without a colon is ignored, and of two lines with one
 * key the last counts; both are reported.
 */
export function controlTable(
  bytes: Uint8Array | undefined,
): ControlReading<ReadonlyMap<string, ControlPair>> {
  const value = new Map<string, ControlPair>()
  const mistakes: LineMistake[] = []
  const doubts: LineMistake[] = []
  for (const { line, text } of controlList(bytes)) {
    const colon = text.indexOf(':')
    const stray = strayCharacter(text)
    if (stray !== undefined) mistakes.push({ line, text, remedy: stray })
    else if (colon === -1)
      mistakes.push({ line, text, remedy: 'write key:value; without a colon the line is ignored' })
    if (colon === -1) continue
    const pair = { value: text.slice(colon + 1), line, text }
    const key = lowerAscii(text.slice(0, colon))
    const earlier = value.get(key)
    if (earlier !== undefined && earlier.value !== pair.value) {
      doubts.push({
        line,
        text,
        remedy: `keep this line or line ${earlier.line}: of two with one key the last counts`,
      })
    }
    value.set(key, pair)
  }
  return { value, mistakes, doubts }
}

const withoutMark = 'save the file without the byte order mark at its beginning'

/** A remedy where an entry of a list cannot match anything, whatever the file. */
export function strayCharacter(text: string): string | undefined {
  if (text.startsWith('\uFEFF')) return withoutMark
  if (text.endsWith('\r')) return 'save the file with lines that end in LF alone, not in CR LF'
  if (/^[ \t]/.test(text))
    return 'remove the blank at the beginning; the line never matches with it'
  return undefined
}

/** A reading in which nothing is wrong. */
export function sound<T>(value: T): ControlReading<T> {
  return { value, mistakes: [], doubts: [] }
}

function decode(octets: string): string {
  return readable(latin1Bytes(octets))
}

function indexOfControl(text: string): number {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if ((code < 0x20 && code !== 0x09) || code === 0x7f) return index
  }
  return -1
}
