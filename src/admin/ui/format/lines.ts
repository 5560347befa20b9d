/** Text from mail, made harmless for the eye: the page shows it as text nodes, this takes what text itself can do. */

/**
 * Control characters, and those that turn the direction of what follows (a file name `exe.‮fdp` reads as a PDF),
 * become visible.
 */
export function plainText(text: string): string {
  return Array.from(text, (character) =>
    isTricky(character) ? escaped(character) : character,
  ).join('')
}

function isTricky(character: string): boolean {
  const code = character.codePointAt(0) ?? 0
  if (code === 0x0a || code === 0x09) return false
  return (
    code < 0x20 ||
    (code >= 0x7f && code < 0xa0) ||
    code === 0x61c ||
    (code >= 0x200b && code <= 0x200f) ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2060 && code <= 0x206f) ||
    code === 0xfeff
  )
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0
  return `\\u{${code.toString(16)}}`
}

/** `1 message`, `3 messages` */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`
}
