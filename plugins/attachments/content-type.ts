/** What bytes are by how they begin, whatever they are called. */
import { fileTypeFromBuffer } from 'file-type'
import { isPlainText } from './plain-text.ts'

export interface ContentType {
  /** Without a dot: `exe`. */
  readonly extension: string
  readonly type: string
}

/** So much of the beginning decides. */
export const headBytes = 4100

const archives = new Set(['zip', 'gz', 'tar'])

/** @param head the first `headBytes` */
export async function contentTypeOf(head: Uint8Array): Promise<ContentType | undefined> {
  if (head.length === 0) return undefined
  const quick = quickly(head)
  if (quick !== undefined) return quick
  if (isPlainText(head)) return undefined
  const found = await fileTypeFromBuffer(head.subarray(0, headBytes)).catch(() => undefined)
  return found === undefined ? undefined : { extension: found.ext, type: found.mime }
}

/** What is in these is not looked at. */
const otherArchives = new Set([
  'rar',
  '7z',
  'xz',
  'bz2',
  'zst',
  'lz',
  'Z',
  'arj',
  'cab',
  'lzh',
  'ace',
])

/** Also what is only called so: unpackers that go by the name find a zip archive behind whatever was put in front of it. */
export function mayBeArchive(content: ContentType | undefined, names: readonly string[]): boolean {
  return isArchive(content) || names.some((name) => /\.(?:zip|jar)$/i.test(name))
}

export function isAnyArchive(content: ContentType | undefined): boolean {
  return isArchive(content) || (content !== undefined && otherArchives.has(content.extension))
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
  if (begins(head, ustar, 257)) return { extension: 'tar', type: 'application/x-tar' }
  return undefined
}

const localEntry = Buffer.from('PK\x03\x04')
const noEntries = Buffer.from('PK\x05\x06')
const deflated = Buffer.from([0x1f, 0x8b, 0x08])
const ustar = Buffer.from('ustar')

function begins(head: Uint8Array, wanted: Uint8Array, from = 0): boolean {
  for (let at = 0; at < wanted.length; at++) {
    if (head[from + at] !== wanted[at]) return false
  }
  return true
}
