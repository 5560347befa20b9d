/** What bytes are by how they begin, whatever they are called. */
import { fileTypeFromBuffer } from 'file-type'
import { isPlainText } from './plain-text.ts'
import { isContainer } from './signed-container.ts'

export interface ContentType {
  /** Without a dot: `exe`. */
  readonly extension: string
  readonly type: string
}

/** So much of the beginning decides: behind it only disk images show what they are. */
export const headBytes = 4100
export const imageHeadBytes = 32_774

const archives = new Set(['zip', 'gz', 'tar', 'tnef'])

/** @param head the first `headBytes` */
export async function contentTypeOf(head: Uint8Array): Promise<ContentType | undefined> {
  if (head.length === 0) return undefined
  const quick = quickly(head)
  if (quick !== undefined) return quick
  if (isPlainText(head)) return undefined
  const found = await fileTypeFromBuffer(head.subarray(0, headBytes)).catch(() => undefined)
  return found === undefined ? undefined : { extension: found.ext, type: found.mime }
}

/** Of these no more is looked at than how they begin, of rar and 7z what their headers say. */
const otherArchives = new Set(
  'rar 7z xz bz2 zst lz lz4 lzma Z arj cab lzh ace ar cpio xar wim iso udf dmg vhd vhdx asar p7m'.split(
    ' ',
  ),
)

/** Also what is only called so: unpackers that go by the name find an archive behind whatever was put in front of it. */
export function mayBeArchive(content: ContentType | undefined, names: readonly string[]): boolean {
  return isArchive(content) || names.some((name) => /\.(?:zip|jar)$/i.test(name))
}

/** Whether its headers may say what is in it, though it cannot be unpacked here. */
export function mayBeListed(content: ContentType | undefined, names: readonly string[]): boolean {
  if (content?.extension === 'rar' || content?.extension === '7z') return true
  return names.some((name) => /\.(?:rar|7z)$/i.test(name))
}

/** Whether all of it is wanted, not its beginning alone. */
export function isLookedInto(content: ContentType | undefined, names: readonly string[]): boolean {
  return mayBeArchive(content, names) || mayBeListed(content, names) || isCompoundFile(content)
}

/** Whether what is in it stays unseen, or is seen by its names alone. */
export function isUnreadArchive(content: ContentType | undefined): boolean {
  return content !== undefined && otherArchives.has(content.extension)
}

export function isAnyArchive(content: ContentType | undefined): boolean {
  return isArchive(content) || isUnreadArchive(content)
}

/** OLE's: a document of Office, or one that is encrypted. */
export function isCompoundFile(content: ContentType | undefined): boolean {
  return content?.extension === 'cfb'
}

/** Whether what is in it can be looked at. */
function isArchive(content: ContentType | undefined): boolean {
  return content !== undefined && archives.has(content.extension)
}

/** Archives are told by their first bytes alone: what they hold is looked at elsewhere, with limits. */
function quickly(head: Uint8Array): ContentType | undefined {
  if (begins(head, localEntry) || begins(head, noEntries))
    return { extension: 'zip', type: 'application/zip' }
  if (begins(head, deflated)) return { extension: 'gz', type: 'application/gzip' }
  if (begins(head, tnef)) return { extension: 'tnef', type: 'application/ms-tnef' }
  if (begins(head, ustar, 257)) return { extension: 'tar', type: 'application/x-tar' }
  if (isLzma(head)) return { extension: 'lzma', type: 'application/x-lzma' }
  if (isCpio(head)) return { extension: 'cpio', type: 'application/x-cpio' }
  if (isContainer(head)) return { extension: 'p7m', type: 'application/pkcs7-mime' }
  return imageTypeOf(head)
}

/** Without a signature: properties as everybody has them, then how long it is, or that nobody knows. */
function isLzma(head: Uint8Array): boolean {
  if (head.length < 13 || !begins(head, lzma)) return false
  const length = head.subarray(5, 13)
  return length.every((octet) => octet === 0xff) || length.subarray(5).every((octet) => octet === 0)
}

/** Of the kinds in use the ones that are all digits: file-type knows the others. */
function isCpio(head: Uint8Array): boolean {
  return begins(head, cpio) && /^07070[12][\da-f]{104}/i.test(asText(head.subarray(0, 110)))
}

function asText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

/** @param head the first `imageHeadBytes`: what of the rest is looked at, where nothing else has told the type */
export function imageTypeOf(head: Uint8Array): ContentType | undefined {
  return images.find(({ at, magic }) => begins(head, magic, at))?.is
}

const localEntry = Buffer.from('PK\x03\x04')
const noEntries = Buffer.from('PK\x05\x06')
const deflated = Buffer.from([0x1f, 0x8b, 0x08])
const tnef = Buffer.from([0x78, 0x9f, 0x3e, 0x22])
const ustar = Buffer.from('ustar')
const lzma = Buffer.from([0x5d, 0, 0])
const cpio = Buffer.from('07070')

/** Disks and archives that Windows opens, and file-type does not know, or not by so little of them. */
const images = (
  [
    ['MSWIM\0\0\0', 0, 'wim', 'application/x-ms-wim'],
    ['xar!\0\x1c', 0, 'xar', 'application/x-xar'],
    ['conectix', 0, 'vhd', 'application/x-vhd'],
    ['vhdxfile', 0, 'vhdx', 'application/x-vhdx'],
    ['CD001', 32_769, 'iso', 'application/x-iso9660-image'],
    ['BEA01', 32_769, 'udf', 'application/x-udf-image'],
  ] as const
).map(([magic, at, extension, type]) => ({
  magic: Buffer.from(magic),
  at,
  is: { extension, type },
}))

function begins(head: Uint8Array, wanted: Uint8Array, from = 0): boolean {
  for (let at = 0; at < wanted.length; at++) {
    if (head[from + at] !== wanted[at]) return false
  }
  return true
}
