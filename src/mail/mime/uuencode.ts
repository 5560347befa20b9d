/** Uuencoded lines (`begin 644 name`, lines, `end`), as they stand in bodies of before MIME. Lines that are none are passed over. */
const longestLine = 128
const beginning = /^begin[ \t]{1,8}[0-7]{3,7}[ \t]{1,8}(.+)$/

export class UuDecoder {
  #line: number[] = []
  #name: string | undefined
  #inside = false

  /** The name in the `begin` line that was met last. */
  get name(): string | undefined {
    return this.#name
  }

  push(chunk: Uint8Array): Uint8Array {
    const out: Buffer[] = []
    for (const byte of chunk) {
      if (byte === 0x0a || byte === 0x0d) out.push(this.#endLine())
      else if (this.#line.length < longestLine) this.#line.push(byte)
    }
    return Buffer.concat(out)
  }

  end(): Uint8Array {
    return this.#endLine()
  }

  #endLine(): Buffer {
    const line = Buffer.from(this.#line)
    this.#line = []
    if (!this.#inside) {
      const begin = beginning.exec(line.toString('latin1'))
      this.#inside = begin !== null
      this.#name = begin?.[1] ?? this.#name
      return Buffer.alloc(0)
    }
    if (line.toString('latin1').trimEnd() === 'end') this.#inside = false
    return this.#inside ? decodeLine(line) : Buffer.alloc(0)
  }
}

function decodeLine(line: Buffer): Buffer {
  const wanted = sixBits(line[0])
  const out = Buffer.alloc(Math.ceil(Math.max(0, line.length - 1) / 4) * 3)
  for (let group = 0; group * 4 + 1 < line.length; group++) {
    const at = group * 4 + 1
    const bits =
      (sixBits(line[at]) << 18) |
      (sixBits(line[at + 1]) << 12) |
      (sixBits(line[at + 2]) << 6) |
      sixBits(line[at + 3])
    out.writeUIntBE(bits, group * 3, 3)
  }
  return out.subarray(0, Math.min(wanted, out.length))
}

function sixBits(byte = 0x20): number {
  return (byte - 0x20) & 0x3f
}
