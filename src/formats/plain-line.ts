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
