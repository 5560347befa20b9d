/** The files in what Outlook sends as winmail.dat (MS-OXTNEF): attributes one after the other, of which some are about attachments. */

export interface TnefFile {
  /** By the attribute for it, and by the properties of MAPI. */
  readonly names: readonly string[]
  readonly content: Buffer
}

const headerBytes = 6
const attributeBytes = 9
const checksumBytes = 2
const ofAttachment = 2
/** Ids of attributes of an attachment: it begins with the first, whatever else it has. */
const attribute = { begin: 0x9002, title: 0x8010, data: 0x800f, properties: 0x9005 } as const
/** Some readers go by the id alone, whatever level is written beside it. */
const ofAttachments = new Set<number>(Object.values(attribute))
const property = { object: 0x3701, name: 0x3001, shortName: 0x3704, longName: 0x3707 } as const
/** In front of an embedded object stands what kind of object it is. */
const kindBytes = 16

/** @returns whether it was read to its end */
export function* tnefFiles(bytes: Buffer): Generator<TnefFile, 'whole' | 'damaged'> {
  let file: { names: string[]; contents: Buffer[] } | undefined
  let end: 'whole' | 'damaged' = 'whole'
  for (let at = headerBytes; at + attributeBytes <= bytes.length;) {
    const level = bytes.readUInt8(at)
    const id = bytes.readUInt16LE(at + 1)
    const from = at + attributeBytes
    const to = from + bytes.readUInt32LE(at + 5)
    const value = bytes.subarray(from, to)
    if (level === ofAttachment || ofAttachments.has(id)) {
      if (id === attribute.begin || file === undefined) {
        yield* filesOf(file)
        file = { names: [], contents: [] }
      }
      if (id === attribute.title) file.names.push(textOf(value, 'latin1'))
      if (id === attribute.data) file.contents.push(value)
      if (id === attribute.properties && !readProperties(value, file)) end = 'damaged'
    }
    if (to > bytes.length) {
      yield* filesOf(file)
      return 'damaged'
    }
    at = to + checksumBytes
  }
  yield* filesOf(file)
  return end
}

/** One for each content that it has: which of them a program takes is its own affair. */
function* filesOf(
  file: { readonly names: readonly string[]; readonly contents: readonly Buffer[] } | undefined,
): Generator<TnefFile> {
  if (file === undefined) return
  const names = [...new Set(file.names)].filter((name) => name !== '').slice(0, mostNames)
  const contents = file.contents.length === 0 ? [Buffer.alloc(0)] : file.contents
  for (const content of contents) yield { names, content }
}

const mostNames = 16
const mostProperties = 2000
const types = { ansi: 0x1e, unicode: 0x1f, object: 0x0d, binary: 0x102 } as const
const variable = new Set<number>(Object.values(types))
const manyFlag = 0x1000
const named = 0x8000

/** Properties that are damaged end the list: what was read of it counts. @returns whether all of them were read */
function readProperties(
  bytes: Buffer,
  file: { readonly names: string[]; readonly contents: Buffer[] },
): boolean {
  try {
    const list = new Properties(bytes)
    const count = list.number()
    for (let index = 0; index < count; index++) {
      if (index === mostProperties) return false
      const { id, type, values } = list.next()
      for (const value of values) {
        if (id === property.object && type === types.object)
          file.contents.push(value.subarray(kindBytes))
        if (id === property.name || id === property.shortName || id === property.longName)
          file.names.push(textOf(value, type === types.unicode ? 'utf16le' : 'latin1'))
      }
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return false
  }
  return true
}

interface Property {
  readonly id: number
  readonly type: number
  /** Of types with a length alone. */
  readonly values: readonly Buffer[]
}

/** MS-OXTNEF §2.1.3.4. */
class Properties {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** @throws RangeError behind the end */
  number(): number {
    const value = this.#bytes.readUInt32LE(this.#at)
    this.#at += 4
    return value
  }

  /** @throws RangeError behind the end */
  next(): Property {
    const tag = this.number()
    const type = tag & 0xfff
    const id = tag >>> 16
    const many = (tag & manyFlag) !== 0
    if (id >= named) this.#skipName()
    if (!variable.has(type)) {
      const count = many ? this.number() : 1
      this.#at += count * sizeOf(type)
      return { id, type, values: [] }
    }
    const values: Buffer[] = []
    const count = this.number()
    if (count > mostProperties) throw new RangeError('a property has too many values')
    for (let left = count; left > 0; left--) values.push(this.#padded(this.number()))
    return { id, type, values }
  }

  #skipName(): void {
    this.#at += kindBytes
    const isText = this.number() === 1
    if (isText) this.#padded(this.number())
    else this.#at += 4
  }

  /** A value, and what fills it up to four bytes. */
  #padded(length: number): Buffer {
    const value = this.#bytes.subarray(this.#at, this.#at + length)
    this.#at += Math.ceil(length / 4) * 4
    return value
  }
}

/** Of a value that says nothing of its own length: 8 or 16 bytes, or less, filled up to 4. */
function sizeOf(type: number): number {
  if (type === 0x48) return 16
  return [0x05, 0x06, 0x07, 0x14, 0x40].includes(type) ? 8 : 4
}

function textOf(value: Buffer, encoding: 'latin1' | 'utf16le'): string {
  const text = value.toString(encoding)
  const end = text.indexOf('\0')
  return end < 0 ? text : text.slice(0, end)
}
