/** What the headers of a rar archive say of its files, of RAR 1.5 to 4 and of RAR 5. What is packed stays so. */

export interface RarEntry {
  readonly names: readonly string[]
  readonly sizeBytes: number
  readonly encrypted: boolean
}

/** How the list ended: `hidden` where nothing further can be read without the password. */
export type RarEnd = 'whole' | 'damaged' | 'hidden'

const signature = Buffer.from('Rar!\x1a\x07', 'latin1')

/** Where it begins, also behind a program that unpacks it; undefined where none does. */
export function rarStart(bytes: Buffer): number | undefined {
  for (let at = bytes.indexOf(signature); at >= 0; at = bytes.indexOf(signature, at + 1)) {
    const version = bytes[at + signature.length]
    // Unpackers look on behind one that is of no format they know.
    if (version === 0 || version === 1) return at
  }
  return undefined
}

/** @param bytes from the signature on */
export function* rarEntries(bytes: Buffer): Generator<RarEntry, RarEnd> {
  try {
    return yield* bytes[signature.length] === 1 ? entriesOf5(bytes) : entriesOf4(bytes)
  } catch (error) {
    // A header that ends too early.
    if (error instanceof RangeError) return 'damaged'
    throw error
  }
}

const type4 = { archive: 0x73, file: 0x74, end: 0x7b } as const
const shortest4 = 7

function* entriesOf4(bytes: Buffer): Generator<RarEntry, RarEnd> {
  for (let at = signature.length + 1; at < bytes.length;) {
    const type = bytes.readUInt8(at + 2)
    const flags = bytes.readUInt16LE(at + 3)
    const size = bytes.readUInt16LE(at + 5)
    if (size < shortest4) return 'damaged'
    if (type === type4.end) return 'whole'
    if (type === type4.archive && (flags & 0x80) !== 0) return 'hidden'
    const folder = (flags & 0xe0) === 0xe0
    if (type === type4.file && !folder) yield fileOf4(bytes.subarray(at, at + size), flags)
    const isLarge = type !== type4.archive && (flags & 0x8000) !== 0
    // Of a file the length of what is packed has an upper half, of whatever else has not.
    const upper = isLarge && (flags & 0x100) !== 0 ? bytes.readUInt32LE(at + 32) : 0
    at += size + (isLarge ? bytes.readUInt32LE(at + 7) + upper * 2 ** 32 : 0)
  }
  return 'whole'
}

function fileOf4(header: Buffer, flags: number): RarEntry {
  const hasUpper = (flags & 0x100) !== 0
  const from = hasUpper ? 40 : 32
  const raw = header.subarray(from, from + header.readUInt16LE(26))
  const upper = hasUpper ? header.readUInt32LE(36) : 0
  return {
    names: namesOf4(raw, (flags & 0x200) !== 0),
    sizeBytes: header.readUInt32LE(11) + upper * 2 ** 32,
    encrypted: (flags & 0x04) !== 0,
  }
}

/** In the charset of whoever packed it, and behind a NUL once more, in Unicode; without the NUL in UTF-8. */
function namesOf4(raw: Buffer, isUnicode: boolean): readonly string[] {
  const end = raw.indexOf(0)
  if (end < 0) return [isUnicode ? raw.toString('utf8') : raw.toString('latin1')]
  const plain = raw.subarray(0, end)
  const names = [plain.toString('latin1')]
  if (isUnicode) names.push(unicodeName(plain, raw.subarray(end + 1)))
  return names.filter((name) => name !== '')
}

/** Two bits for each character say what it is made of: a byte, a byte of the usual page, two bytes, or a run of the plain name. */
function unicodeName(plain: Buffer, packed: Buffer): string {
  const page = (packed[0] ?? 0) << 8
  const codes: number[] = []
  let kinds = 0
  let bits = 0
  for (let at = 1; at < packed.length && codes.length < longestName4;) {
    if (bits === 0) {
      kinds = packed[at++] ?? 0
      bits = 8
    }
    bits -= 2
    const kind = (kinds >> bits) & 3
    const byte = packed[at++] ?? 0
    if (kind === 0) codes.push(byte)
    else if (kind === 1) codes.push(page | byte)
    else if (kind === 2) codes.push(byte | ((packed[at++] ?? 0) << 8))
    else {
      const shift = (byte & 0x80) === 0 ? undefined : (packed[at++] ?? 0)
      for (let left = (byte & 0x7f) + 2; left > 0; left--) {
        const own = plain[codes.length] ?? 0
        codes.push(shift === undefined ? own : page | ((own + shift) & 0xff))
      }
    }
  }
  return String.fromCharCode(...codes)
}

const longestName4 = 2048

const type5 = { file: 2, encryption: 4, end: 5 } as const

function* entriesOf5(bytes: Buffer): Generator<RarEntry, RarEnd> {
  for (let at = signature.length + 2; at < bytes.length;) {
    const head = new Fields(bytes, at + 4)
    const size = head.number()
    const end = head.at + size
    if (size === 0 || end > bytes.length) return 'damaged'
    const type = head.number()
    const flags = head.number()
    const extra = (flags & 1) === 0 ? 0 : head.number()
    const packed = (flags & 2) === 0 ? 0 : head.number()
    if (type === type5.end) return 'whole'
    if (type === type5.encryption) return 'hidden'
    const file =
      type === type5.file ? fileOf5(bytes, head, { from: end - extra, to: end }) : undefined
    if (file !== undefined) yield file
    at = end + packed
  }
  return 'whole'
}

/** @returns undefined for a folder */
function fileOf5(
  bytes: Buffer,
  head: Fields,
  extra: { readonly from: number; readonly to: number },
): RarEntry | undefined {
  const flags = head.number()
  const sizeBytes = head.number()
  head.number() // attributes
  if ((flags & 2) !== 0) head.at += 4 // time
  if ((flags & 4) !== 0) head.at += 4 // checksum
  head.number() // how it is packed
  head.number() // where it was packed
  const length = head.number()
  const name = bytes.toString('utf8', head.at, Math.min(head.at + length, extra.to))
  if ((flags & 1) !== 0) return undefined
  return { names: [name], sizeBytes, encrypted: isEncrypted5(bytes, extra) }
}

function isEncrypted5(
  bytes: Buffer,
  { from, to }: { readonly from: number; readonly to: number },
): boolean {
  for (const record = new Fields(bytes, from); record.at < to;) {
    const size = record.number()
    const next = record.at + size
    if (size === 0) return false
    if (record.number() === 1) return true
    record.at = next
  }
  return false
}

/** Numbers as RAR 5 writes them: seven bits a byte, the lowest first. */
class Fields {
  at: number
  readonly #bytes: Buffer

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.at = at
  }

  /** @throws RangeError beyond the end, or what no archive can mean */
  number(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes.readUInt8(this.at)
      this.at += 1
      value += (byte & 0x7f) * scale
      if (value > Number.MAX_SAFE_INTEGER) throw new RangeError('a number is too large')
      if (byte < 0x80) return value
    }
  }
}
