/**
 * Base64 as mail programs read it (RFC 2045 §6.8): what is no digit is passed over, padding ends a group and not the text.
 * Chunks of any size give the same bytes.
 */
const skipped = 255
const padding = 64
const values = digitValues()

export class Base64Decoder {
  #bits = 0
  #count = 0

  push(chunk: Uint8Array): Uint8Array {
    const out = Buffer.allocUnsafe(Math.ceil(((chunk.length + 3) * 3) / 4))
    let length = 0
    let bits = this.#bits
    let count = this.#count
    for (let at = 0; at < chunk.length; at++) {
      if (count === 0) {
        const groups = wholeGroups(chunk, at, { out, length })
        at += groups * 4
        length += groups * 3
        if (at >= chunk.length) break
      }
      const value = values[chunk[at] ?? 0] ?? skipped
      if (value < 64) {
        bits = (bits << 6) | value
        if (++count < 4) continue
        out[length++] = (bits >> 16) & 0xff
        out[length++] = (bits >> 8) & 0xff
        out[length++] = bits & 0xff
        bits = count = 0
      } else if (value === padding && count > 0) {
        length = endGroup(out, length, { bits, count })
        bits = count = 0
      }
    }
    this.#bits = bits
    this.#count = count
    return out.subarray(0, length)
  }

  end(): Uint8Array {
    const out = Buffer.allocUnsafe(2)
    const length = endGroup(out, 0, { bits: this.#bits, count: this.#count })
    this.#bits = this.#count = 0
    return out.subarray(0, length)
  }
}

/** Decodes groups of four digits from `from` on, as far as there is nothing else between them. @returns how many */
function wholeGroups(
  chunk: Uint8Array,
  from: number,
  { out, length }: { readonly out: Uint8Array; readonly length: number },
): number {
  let at = from
  let to = length
  for (; at + 4 <= chunk.length; at += 4) {
    const one = values[chunk[at] ?? 0] ?? skipped
    const two = values[chunk[at + 1] ?? 0] ?? skipped
    const three = values[chunk[at + 2] ?? 0] ?? skipped
    const four = values[chunk[at + 3] ?? 0] ?? skipped
    if ((one | two | three | four) >= 64) break
    out[to++] = (one << 2) | (two >> 4)
    out[to++] = (two << 4) | (three >> 2)
    out[to++] = (three << 6) | four
  }
  return (at - from) / 4
}

/** Two digits hold one byte, three hold two; one alone holds none. */
function endGroup(
  out: Buffer,
  at: number,
  { bits, count }: { bits: number; count: number },
): number {
  if (count === 2) out[at] = (bits >> 4) & 0xff
  if (count === 3) out.writeUInt16BE((bits >> 2) & 0xffff, at)
  return at + Math.max(0, count - 1)
}

function digitValues(): Uint8Array {
  const table = new Uint8Array(256).fill(skipped)
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  for (let value = 0; value < digits.length; value++) table[digits.charCodeAt(value)] = value
  table['='.charCodeAt(0)] = padding
  return table
}
