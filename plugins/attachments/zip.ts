/** The entries of a zip archive, by yauzl: from memory, one after another, unpacked only as far as somebody reads. */
import type { Readable } from 'node:stream'
import { fromBuffer, type Entry, type ZipFile } from 'yauzl'

export interface ZipEntry {
  /** By the directory at the end, and by the entry's own header where that says something else. */
  readonly names: readonly string[]
  readonly packedBytes: number
  readonly sizeBytes: number
  readonly encrypted: boolean
  /** Whether it is packed in a way that can be undone here. */
  readonly readable: boolean
  /** Where it stands: its own header, and what belongs to it. */
  readonly span: Span
  /** @throws Error for damaged data */
  open(): Promise<Readable>
}

/** A file of which no more is known. */
export interface NamedFile {
  readonly names: readonly string[]
  readonly sizeBytes: number
}

export interface Span {
  readonly from: number
  readonly to: number
}

/** @throws Error for what is no zip archive */
export async function* zipEntries(given: Buffer): AsyncGenerator<ZipEntry> {
  const front = prefixOf(given) ?? 0
  const bytes = given.subarray(front)
  const zip = await openZip(bytes)
  for (;;) {
    const entry = await nextEntry(zip)
    if (entry === undefined) return
    yield {
      names: namesOf(bytes, entry),
      packedBytes: entry.compressedSize,
      sizeBytes: entry.uncompressedSize,
      encrypted: entry.isEncrypted(),
      readable: entry.canDecodeFileData(),
      span: spanOf(bytes, entry, front),
      open: () => openEntry(zip, entry),
    }
  }
}

const endRecord = Buffer.from('PK\x05\x06', 'latin1')
const directoryRecord = Buffer.from('PK\x01\x02', 'latin1')
const localHeader = Buffer.from('PK\x03\x04', 'latin1')
const endBytes = 22
const longestComment = 65_535

/**
 * How many bytes stand in front of the archive, as in one that unpacks itself: unpackers count from its end.
 * @returns undefined where the end is none of a zip archive with files in it
 */
export function prefixOf(bytes: Buffer): number | undefined {
  const from = Math.max(0, bytes.length - endBytes - longestComment)
  const at = bytes.subarray(from).lastIndexOf(endRecord)
  if (at < 0 || from + at + endBytes > bytes.length) return undefined
  const end = from + at
  const directory = end - bytes.readUInt32LE(end + 12)
  const prefix = directory - bytes.readUInt32LE(end + 16)
  const isThere = directory >= 0 && bytes.subarray(directory, directory + 4).equals(directoryRecord)
  return isThere && prefix >= 0 ? prefix : undefined
}

/**
 * What stands in front of each file: tools that repair go by it where an archive is damaged, and unpackers that read from front
 * to back go by nothing else.
 * @param listed where the files are that the directory names: these are left out, with all that is in them
 */
export function* localNames(bytes: Buffer, listed: readonly Span[] = []): Generator<NamedFile> {
  const spans = listed.toSorted((a, b) => a.from - b.from)
  let next = 0
  let past = 0
  for (let at = 0; ;) {
    at = bytes.indexOf(localHeader, at)
    if (at < 0 || at + localHeaderBytes > bytes.length) return
    for (; (spans[next]?.from ?? Infinity) <= at; next++)
      past = Math.max(past, spans[next]?.to ?? 0)
    if (at < past) {
      at = past
      continue
    }
    yield { names: localNamesAt(bytes, at), sizeBytes: bytes.readUInt32LE(at + 22) }
    // Not by the sizes it claims: what is damaged may lie about them.
    at += localHeaderBytes
  }
}

const directoryRecordBytes = 46

/** What a directory names, wherever there is one: unpackers find it behind what is damaged, and in front of what was added. */
export function* directoryNames(bytes: Buffer): Generator<NamedFile> {
  for (let at = 0; ; at += directoryRecordBytes) {
    at = bytes.indexOf(directoryRecord, at)
    if (at < 0 || at + directoryRecordBytes > bytes.length) return
    const from = at + directoryRecordBytes
    const nameEnd = from + bytes.readUInt16LE(at + 28)
    const extra = bytes.subarray(nameEnd, nameEnd + bytes.readUInt16LE(at + 30))
    const names = [decodeName(bytes.subarray(from, nameEnd)), ...unicodePaths(extra)]
    yield { names, sizeBytes: bytes.readUInt32LE(at + 24) }
  }
}

// Names stay bytes: yauzl refuses some that a rule must see.
function openZip(bytes: Buffer): Promise<ZipFile> {
  return new Promise((resolve, reject) => {
    fromBuffer(bytes, { lazyEntries: true, decodeStrings: false }, (error, zip) =>
      error === null && zip !== undefined ? resolve(zip) : reject(error ?? new Error('no zip')),
    )
  })
}

function nextEntry(zip: ZipFile): Promise<Entry | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<Entry | undefined>()
  const done = (): void => {
    zip.off('entry', onEntry)
    zip.off('end', onEnd)
    zip.off('error', onError)
  }
  const onEntry = (entry: Entry): void => (done(), resolve(entry))
  const onEnd = (): void => (done(), resolve(undefined))
  const onError = (error: Error): void => (done(), reject(error))
  zip.on('entry', onEntry).on('end', onEnd).on('error', onError)
  zip.readEntry()
  return promise
}

function openEntry(zip: ZipFile, entry: Entry): Promise<Readable> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, {}, (error, stream) =>
      error === null && stream !== undefined
        ? resolve(stream)
        : reject(error ?? new Error('no entry')),
    )
  })
}

const localHeaderBytes = 30

/** What unpacks from front to back goes by the local header, what goes by the directory sees the other name. */
function namesOf(bytes: Buffer, entry: Entry): readonly string[] {
  const listed = [decodeName(entry.fileNameRaw), ...unicodePaths(entry.extraFieldRaw)]
  const at = entry.relativeOffsetOfLocalHeader
  return [...new Set([...listed, ...localNamesAt(bytes, at).filter((name) => name !== '')])]
}

function localNamesAt(bytes: Buffer, at: number): readonly string[] {
  if (at + localHeaderBytes > bytes.length) return []
  const from = at + localHeaderBytes
  const nameEnd = from + bytes.readUInt16LE(at + 26)
  const extra = bytes.subarray(nameEnd, nameEnd + bytes.readUInt16LE(at + 28))
  return [decodeName(bytes.subarray(from, nameEnd)), ...unicodePaths(extra)]
}

/** Bytes in front of the name in a field of Info-ZIP's: a version, and a checksum that some do not look at. */
const unicodePath = { id: 0x7075, before: 5 } as const

/** Of a file's names in these fields those in front and those at the end count: unpackers take the first or the last. */
export const mostNames = 16

/** APPNOTE §4.6.9: the name that is meant, where unpackers know this field. */
function unicodePaths(extra: Buffer): readonly string[] {
  const found: string[] = []
  for (let at = 0; at + 4 <= extra.length;) {
    const end = at + 4 + extra.readUInt16LE(at + 2)
    if (extra.readUInt16LE(at) === unicodePath.id && end <= extra.length) {
      found.push(extra.toString('utf8', at + 4 + unicodePath.before, end))
    }
    at = end
  }
  const names = [...new Set(found)].filter((name) => name !== '')
  if (names.length <= mostNames) return names
  return [...names.slice(0, mostNames / 2), ...names.slice(-mostNames / 2)]
}

/** By the size that its own header gives, where it gives one: a directory that claims more hides nothing behind it. */
function spanOf(bytes: Buffer, entry: Entry, front: number): Span {
  const at = entry.relativeOffsetOfLocalHeader
  const from = front + at
  if (at + localHeaderBytes > bytes.length) return { from, to: from }
  const header = localHeaderBytes + bytes.readUInt16LE(at + 26) + bytes.readUInt16LE(at + 28)
  const size = bytes.readUInt32LE(at + 18)
  const packed = size === 0 || size === 0xff_ff_ff_ff ? entry.compressedSize : size
  return { from, to: from + header + packed }
}

function decodeName(raw: Buffer): string {
  const utf8 = raw.toString('utf8')
  return utf8.includes('\uFFFD') ? raw.toString('latin1') : utf8
}
