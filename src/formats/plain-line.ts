/** Text from mail in one line, made harmless for the eye and for terminals. */

/** Among them U+009B, which begins a command to terminals that read it so. */
const controls = /\p{Cc}/gu

/** What turns the direction of all that follows in the line: a name `exe.\u202efdp` reads as a PDF. */
const turning = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** Line ends and tabs become blanks, other controls `?`, and what turns the direction of writing is written out. */
export function plainLine(text: string): string {
  return text
    .replace(/[\r\n\t\u2028\u2029]+/g, ' ')
    .replace(controls, '?')
    .replace(turning, (character) => `\\u{${character.charCodeAt(0).toString(16)}}`)
}

/** Beyond it a line says no more. */
const mostShown = 400

/** A line for an operator's terminal: letters of all languages stay, so that what is shown can be asked for. Cut at 400 characters. */
export function legible(text: string): string {
  const plain = plainLine(text)
  if (plain.length <= mostShown) return plain
  // Not in the middle of a character.
  return `${plain.slice(0, mostShown - 3).replace(/[\ud800-\udbff]$/, '')}...`
}
