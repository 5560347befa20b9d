/** Reads command lines: RFC 1939 §3, RFC 2449 §4. Pure, linear in the line. */

export interface Command {
  /** In capitals. */
  readonly verb: string
  /** What follows the first blank, as it stands: a password may hold blanks, also at its ends. */
  readonly rest: string
}

/** CR LF included. RFC 2449 §4 has 255 octets; logins with SASL PLAIN in one line, and long passwords, need more. */
export const maxLineBytes = 2_048

/** @param line without its line end */
export function parseCommand(line: string): Command {
  const blank = line.indexOf(' ')
  return blank < 0
    ? { verb: line.toUpperCase(), rest: '' }
    : { verb: line.slice(0, blank).toUpperCase(), rest: line.slice(blank + 1) }
}

/**
 * The numbers that a command came with: `LIST`, `RETR 3`, `TOP 3 10`.
 * @returns undefined where it is anything else, or more than `most`
 */
export function numbersIn(rest: string, most: number): readonly number[] | undefined {
  const words = rest.split(' ').filter((word) => word !== '')
  if (words.length > most) return undefined
  return words.every((word) => /^\d{1,9}$/.test(word)) ? words.map(Number) : undefined
}
