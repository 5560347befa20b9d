/**
 * Lines of a small file that begin with a key, changed one by one: every other line, comments and blanks too, stays as it
 * was written. Keys are compared in lower case.
 */

/** What ends a key: a colon, blanks, or the end of the line. */
export type KeyEnd = ':' | 'blank' | 'line'

/** @param line without its line end. @returns the text with that line in place of those of its key, or at the end */
export function withLine(text: string, line: string, end: KeyEnd): string {
  const key = keyOf(line, end)
  const lines = linesOf(text)
  const at = lines.findIndex((each) => keyOf(each, end) === key)
  if (at < 0) return joined([...lines, line])
  return joined(
    lines.flatMap((each, index) => {
      if (index === at) return [line]
      return keyOf(each, end) === key ? [] : [each]
    }),
  )
}

export function withoutKey(text: string, key: string, end: KeyEnd): string {
  return joined(linesOf(text).filter((each) => keyOf(each, end) !== key.toLowerCase()))
}

/** The line of a key, as it is written. */
export function lineOfKey(text: string, key: string, end: KeyEnd): string | undefined {
  return linesOf(text).find((each) => keyOf(each, end) === key.toLowerCase())
}

/** Of each line that has one, in order. */
export function keysOf(text: string, end: KeyEnd): readonly string[] {
  return linesOf(text).flatMap((each) => keyOf(each, end) ?? [])
}

/** Undefined for comments and empty lines. */
function keyOf(line: string, end: KeyEnd): string | undefined {
  const written = line.trim()
  if (written === '' || written.startsWith('#')) return undefined
  const stop = end === 'line' ? -1 : end === ':' ? written.indexOf(':') : written.search(/\s/)
  return (stop < 0 ? written : written.slice(0, stop)).toLowerCase()
}

function linesOf(text: string): readonly string[] {
  const lines = text.split('\n')
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines
}

function joined(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('')
}
