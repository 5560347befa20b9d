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
  /** @throws Error for damaged data */
  open(): Promise<Readable>
}

/** @throws Error for what is no zip archive */
export async function* zipEntries(given: Buffer): AsyncGenerator<ZipEntry> {
  const bytes = given.subarray(prefixOf(given) ?? 0)
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

/** Of a damaged archive what tools that repair go by: the header in front of each file. */
export function* localNames(bytes: Buffer): Generator<{ name: string; sizeBytes: number }> {
  for (let at = 0; ;) {
    at = bytes.indexOf(localHeader, at)
    if (at < 0 || at + localHeaderBytes > bytes.length) return
    const from = at + localHeaderBytes
    const name = decodeName(bytes.subarray(from, from + bytes.readUInt16LE(at + 26)))
    yield { name, sizeBytes: bytes.readUInt32LE(at + 22) }
    // Not by the sizes it claims: what is damaged may lie about them.
    at = from
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
  const name = decodeName(entry.fileNameRaw)
  const at = entry.relativeOffsetOfLocalHeader
  if (at + localHeaderBytes > bytes.length) return [name]
  const from = at + localHeaderBytes
  const local = decodeName(bytes.subarray(from, from + bytes.readUInt16LE(at + 26)))
  return local === name || local === '' ? [name] : [name, local]
}

function decodeName(raw: Buffer): string {
  const utf8 = raw.toString('utf8')
  return utf8.includes('\uFFFD') ? raw.toString('latin1') : utf8
}
