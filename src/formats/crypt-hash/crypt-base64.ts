/** The base 64 of crypt(3): its own alphabet, and of each three bytes the first is the lowest. */
const alphabet = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** Three bytes are four characters; of one or two bytes at the end there are two or three. */
export function cryptBase64(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 3) {
    const group = bytes.subarray(at, at + 3)
    let value = (group[0] ?? 0) | ((group[1] ?? 0) << 8) | ((group[2] ?? 0) << 16)
    for (let written = 0; written <= group.length; written++) {
      text += alphabet[value & 63]
      value >>>= 6
    }
  }
  return text
}

/** The bytes that such a text stands for. @returns undefined where it stands for none */
export function bytesOfCryptBase64(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4))
  let filled = 0
  for (let at = 0; at < text.length; at += 4) {
    const group = text.slice(at, at + 4)
    const value = cryptNumber(group)
    if (value === undefined || group.length === 1) return undefined
    for (let byte = 0; byte < group.length - 1; byte++)
      bytes[filled++] = (value >>> (8 * byte)) & 255
    if (value >>> (8 * (group.length - 1)) !== 0) return undefined
  }
  return bytes
}

/** A number written in at most five characters, the lowest six bits first. */
export function cryptNumber(text: string): number | undefined {
  let value = 0
  for (let at = text.length - 1; at >= 0; at--) {
    const digit = alphabet.indexOf(text[at] ?? '')
    if (digit < 0) return undefined
    value = value * 64 + digit
  }
  return value
}

/**
 * Reads the numbers that stand one after the other in a text, each as long as it has to be: the first character says how
 * many follow (yescrypt).
 */
export class CryptNumbers {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  get atEnd(): boolean {
    return this.#at >= this.#text.length
  }

  /** @param least what the smallest number stands for. @returns undefined where there is none */
  next(least: number): number | undefined {
    const first = alphabet.indexOf(this.#text[this.#at++] ?? '?')
    if (first < 0) return undefined
    let start = 0
    let end = 47
    let value = least
    let more = 0
    while (first > end) {
      value += (end + 1 - start) * 64 ** more
      start = end + 1
      end = start + Math.floor((62 - end) / 2)
      more += 1
    }
    value += (first - start) * 64 ** more
    while (more > 0) {
      const digit = alphabet.indexOf(this.#text[this.#at++] ?? '?')
      if (digit < 0) return undefined
      more -= 1
      value += digit * 64 ** more
    }
    return value
  }
}
