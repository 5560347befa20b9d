/** The entries of a tar archive (POSIX ustar and pax, GNU long names), within the bytes given. Linear; never throws. */
export interface TarEntry {
  /** As unpackers see it that know long names, and as those that do not. */
  readonly names: readonly [string, ...string[]]
  /** As the header says; what is there may be less. */
  readonly sizeBytes: number
  readonly offset: number
}

const block = 512
const longestName = 4096

/** @returns entries in order; `damaged` where what follows the last is no header */
export function* tarEntries(bytes: Buffer): Generator<TarEntry, 'whole' | 'damaged'> {
  let longName: string | undefined
  for (let at = 0; at + block <= bytes.length;) {
    const header = bytes.subarray(at, at + block)
    if (header[0] === 0) return 'whole'
    const sizeBytes = numberAt(header, 124, 12)
    if (sizeBytes === undefined || !checksumFits(header)) return 'damaged'
    const offset = at + block
    const kind = String.fromCharCode(header[156] ?? 0)
    const content = bytes.subarray(offset, offset + Math.min(sizeBytes, longestName))
    if (kind === 'L') longName = cString(content, 0, longestName)
    else if (kind === 'x') longName = paxPath(content) ?? longName
    else if (kind !== 'g' && kind !== 'K') {
      const name = nameOf(header)
      const names =
        longName === undefined || longName === name
          ? ([name] as const)
          : ([longName, name] as const)
      yield { names, sizeBytes, offset }
      longName = undefined
    }
    at = offset + Math.ceil(sizeBytes / block) * block
  }
  return 'whole'
}

function nameOf(header: Buffer): string {
  const name = cString(header, 0, 100)
  const prefix = header.toString('latin1', 257, 262) === 'ustar' ? cString(header, 345, 155) : ''
  return prefix === '' ? name : `${prefix}/${name}`
}

function cString(bytes: Buffer, from: number, length: number): string {
  const field = bytes.subarray(from, from + length)
  const end = field.indexOf(0)
  return field.toString('utf8', 0, end < 0 ? field.length : end)
}

/** Octal digits; or, by GNU, a binary number behind a set bit. */
function numberAt(header: Buffer, from: number, length: number): number | undefined {
  if ((header[from] ?? 0) >= 0x80) {
    const value = header.readUIntBE(from + length - 6, 6)
    return Number.isSafeInteger(value) ? value : undefined
  }
  const digits = cString(header, from, length).trim()
  return /^[0-7]{0,12}$/.test(digits) ? Number.parseInt(digits || '0', 8) : undefined
}

function checksumFits(header: Buffer): boolean {
  const wanted = numberAt(header, 148, 8)
  let sum = 8 * 0x20
  for (let at = 0; at < block; at++) if (at < 148 || at >= 156) sum += header[at] ?? 0
  return sum === wanted
}

/** The records of a pax header: `23 path=some/long/name\n`, each with its own length in front; the last path counts. */
function paxPath(content: Buffer): string | undefined {
  let path: string | undefined
  for (let at = 0; at < content.length;) {
    const space = content.indexOf(0x20, at)
    const length = Number(content.toString('latin1', at, space < 0 ? at : space))
    if (!Number.isSafeInteger(length) || length <= space + 1 - at) return path
    const record = content.toString('utf8', space + 1, at + length - 1)
    if (record.startsWith('path=')) path = record.slice('path='.length)
    at += length
  }
  return path
}
