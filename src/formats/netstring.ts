/** Netstrings (D. J. Bernstein, 1997): `5:hello,`, a length in decimal, and so many bytes. Strict: no zero stands in front. */

/** @param parts one after the other */
export function netstring(...parts: readonly (Uint8Array | string)[]): Buffer {
  const bytes = parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part))
  const length = bytes.reduce((sum, part) => sum + part.length, 0)
  return Buffer.concat([Buffer.from(`${length}:`), ...bytes, Buffer.from(',')])
}

const zero = 0x30
const nine = 0x39
const colon = 0x3a

/** Reads the length of one netstring with its colon, byte by byte; so many digits as the greatest one has, and no more. */
export class NetstringLength {
  readonly #most: number
  #value: number | undefined

  /** @param most the greatest length that is taken */
  constructor(most: number) {
    this.#most = most
  }

  /** @returns the length once the colon is there */
  read(byte: number): number | 'more' | 'broken' {
    const before = this.#value
    if (byte === colon) return before ?? 'broken'
    if (byte < zero || byte > nine || before === 0) return 'broken'
    this.#value = (before ?? 0) * 10 + byte - zero
    return this.#value > this.#most ? 'broken' : 'more'
  }
}
