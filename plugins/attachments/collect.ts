/**
 * Gathers what the rules judge: every part in every reading and by every encoding, and what is in archives. A part is read once,
 * as a stream; only archives are held, and only up to `largestHeld`.
 */
import {
  contentChunks,
  contentOf,
  extensionOf,
  parseHeader,
  readMimeTree,
  type ByteSource,
  type MimePart,
  type MimeReading,
  type MimeTree,
  type TransferEncoding,
} from 'postern/plugin'
import type { ArchiveContents, ArchiveTask } from './archive.ts'
import { archiveLimits } from './archive.ts'
import { bytesAsSource, rangeAsSource } from './byte-sources.ts'
import {
  contentTypeOf,
  headBytes,
  isCompoundFile,
  isLookedInto,
  mayBeArchive,
  mayBeListed,
  type ContentType,
} from './content-type.ts'
import { isEncryptedDocument } from './office-document.ts'
import { largestHeld, readPart } from './read-part.ts'
import {
  unpackedNames,
  withBaseNames,
  type Collection,
  type PartField,
  type Specimen,
  type Unseen,
} from './specimen.ts'
import { uuFilesIn } from './uu-files.ts'

export interface Gathering {
  /** Whether a rule asks for digests. */
  readonly digests: boolean
  readonly signal: AbortSignal
  /** Looks into an archive, elsewhere. */
  openArchive(task: ArchiveTask): Promise<ArchiveContents>
}

interface Decoding {
  readonly encoding: TransferEncoding
  /** How many encoded messages it is in. */
  readonly depth: number
}

/** How deep messages that are encoded, which no standard allows, are read within each other. */
const deepest = 3
const mostArchives = 50
const mostHeaders = 20_000

/** @throws PosternError ABORTED, DISK_FAILED, JOB_FAILED */
export async function collect(
  source: ByteSource,
  tree: MimeTree,
  gathering: Gathering,
): Promise<Collection> {
  const collector = new Collector(gathering)
  await collector.tree(source, tree, 0)
  return collector.collection
}

class Collector {
  readonly #gathering: Gathering
  readonly #specimens: Specimen[] = []
  readonly #unseen: Unseen[] = []
  readonly #ambiguities = new Set<string>()
  readonly #parts: MimePart[] = []
  #archives = 0

  constructor(gathering: Gathering) {
    this.#gathering = gathering
  }

  get collection(): Collection {
    const parts = this.#parts
    let headers: readonly PartField[] | undefined
    return {
      specimens: this.#specimens,
      unseen: this.#unseen,
      ambiguities: [...this.#ambiguities],
      headers: () => (headers ??= headersOf(parts)),
    }
  }

  /** @param depth of messages in messages */
  async tree(source: ByteSource, tree: MimeTree, depth: number): Promise<void> {
    for (const { kind } of tree.ambiguities) this.#ambiguities.add(kind)
    if (tree.limit !== undefined) this.#unseen.push({ problem: 'mime', detail: tree.limit.limit })
    // Only another reading finds the same bytes once more.
    const seen = tree.readings.length === 1 ? undefined : new Set<string>()
    for (const { part, holdsParts } of tree.readings.flatMap(partsOf)) {
      const fresh = (what: () => string): boolean => {
        if (seen === undefined) return true
        const key = `${part.bodyRange.offset} ${part.bodyRange.length} ${what()}`
        return seen.size < seen.add(key).size
      }
      if (fresh(() => `header ${part.headerRange.offset}`)) this.#parts.push(part)
      for (const encoding of part.encodings) {
        const how = { encoding, depth }
        if (part.container && encoding !== 'identity' && fresh(() => encoding))
          await this.#encoded(source, part, how)
        if (!fresh(() => `${encoding} ${part.type} ${part.fileNames.join('\0')}`)) continue
        if (!part.container) await this.#part(source, part, how)
        else if (isMessage(part)) await this.#message(source, part, how)
        // Without a delimiter it is a file to readers, whatever it is declared to be.
        else if (!holdsParts) await this.#file(source, part, encoding)
      }
    }
  }

  /**
   * A message that is attached is a file as well, which many readers keep under the name it is given. No message begins as files
   * of other types do: one that does is read as these are. Its name is often its subject, and a subject ends in `example.com`
   * more often than in any other name of a program: no system of today runs a text as a `.com` file, so none is meant. Scripts are
   * another matter: some interpreters go on behind lines that they do not understand.
   */
  async #message(source: ByteSource, part: MimePart, { encoding }: Decoding): Promise<void> {
    const head = await contentOf(source, part, { encoding, maxBytes: headBytes })
    if ((await contentTypeOf(head)) !== undefined) {
      await this.#file(source, part, encoding)
      return
    }
    const names = withBaseNames(part.fileNames)
    this.#specimens.push({
      names: beginsWithField(head) ? names.filter((name) => extensionOf(name) !== 'com') : names,
      within: [],
      types: [part.type, ...part.otherTypes],
      sizeBytes: part.bodyRange.length,
      encrypted: false,
    })
  }

  /**
   * A file with a message: mail programs open it, so what is in it counts. A large one is read where it lies; where it is
   * encoded it is judged as every part of its size is, by its own header, first bytes and digest.
   */
  async #mailFile(
    source: ByteSource,
    part: MimePart,
    how: Decoding & { readonly sizeBytes: number },
  ): Promise<void> {
    if (how.sizeBytes <= largestHeld) return this.#encoded(source, part, how)
    if (how.encoding !== 'identity') return
    if (how.depth === deepest) return this.#limit(`a message in ${deepest} others`)
    const inner = rangeAsSource(source, part.bodyRange)
    const tree = await readMimeTree(inner, this.#gathering.signal)
    const isMessage = isPlain(tree) || (await mentionsContent(inner))
    await this.tree(inner, isMessage ? tree : withoutDoubts(tree), how.depth + 1)
  }

  /** A message or multipart whose bytes are encoded: some readers open it, so what is in it counts. */
  async #encoded(source: ByteSource, part: MimePart, { encoding, depth }: Decoding): Promise<void> {
    if (depth === deepest || part.bodyRange.length > largestHeld * 2) {
      this.#limit(`an encoded ${part.type}`)
      return
    }
    const body = await contentOf(source, part, { encoding, maxBytes: largestHeld + 1 })
    if (body.length > largestHeld)
      this.#limit(`of an encoded ${part.type} no more than ${largestHeld} bytes are read`)
    const [declared = part.type] = part.header.all('content-type')
    const head = part.type.startsWith('multipart/')
      ? Buffer.from(`Content-Type: ${declared}\r\n\r\n`)
      : Buffer.alloc(0)
    const bytes = Buffer.concat([head, body])
    const inner = bytesAsSource(bytes)
    const tree = await readMimeTree(inner, this.#gathering.signal)
    const isMessage = isPlain(tree) || contentField.test(bytes.toString('latin1'))
    await this.tree(inner, isMessage ? tree : withoutDoubts(tree), depth + 1)
  }

  async #part(source: ByteSource, part: MimePart, how: Decoding): Promise<void> {
    const sizeBytes = await this.#file(source, part, how.encoding)
    if (isMailFile(part)) await this.#mailFile(source, part, { ...how, sizeBytes })
  }

  /** What a part is by its names, types and bytes, and what is in it. @returns how many bytes it has, decoded */
  async #file(source: ByteSource, part: MimePart, encoding: TransferEncoding): Promise<number> {
    const { digests, signal } = this.#gathering
    const isText = part.type.startsWith('text/')
    const read = await readPart(contentChunks(source, part, { encoding }), {
      digests,
      signal,
      isText,
      isHeld: (content) => isText || isLookedInto(content, part.fileNames),
    })
    const { content, sizeBytes, sha256, held } = read
    const types = [part.type, ...part.otherTypes]
    this.#specimens.push({
      names: withBaseNames(part.fileNames),
      within: [],
      types,
      sizeBytes,
      encrypted: isLocked(content, held),
      ...(content === undefined ? {} : { content }),
      ...(sha256 === undefined ? {} : { sha256 }),
    })
    const [name = part.type] = part.fileNames
    if (mayBeArchive(content, part.fileNames)) await this.#archive(held, name)
    // A large one cannot be unpacked any less than a small one.
    else if (mayBeListed(content, part.fileNames) && held !== undefined)
      await this.#archive(held, name)
    // Whatever a text begins with, readers that know uuencode look for it everywhere.
    if (isText && held !== undefined) await this.#uuencoded(held)
    else if (read.uuencoded) this.#limit(`${name}: uuencoded files in a text of ${sizeBytes} bytes`)
    if (encoding === 'uuencode') {
      const maxBytes = largestHeld + 1
      const text = await contentOf(source, part, { encoding: 'identity', maxBytes })
      if (text.length > largestHeld)
        this.#limit(`${name}: more than ${largestHeld} bytes, uuencoded`)
      await this.#uuencoded(text)
    }
    return sizeBytes
  }

  async #archive(bytes: Buffer | undefined, name: string): Promise<void> {
    this.#archives += 1
    if (bytes === undefined || this.#archives > mostArchives) {
      const detail =
        bytes === undefined ? `${name} is larger than ${largestHeld} bytes` : 'too many archives'
      this.#limit(detail)
      return
    }
    const { digests } = this.#gathering
    const task = { bytes, name, digests, limits: archiveLimits }
    const { entries, problems } = await this.#gathering.openArchive(task)
    for (const entry of entries) {
      this.#specimens.push({ ...entry, names: unpackedNames(entry.names), types: [] })
    }
    this.#unseen.push(...problems)
  }

  async #uuencoded(text: Buffer): Promise<void> {
    const { digests, signal } = this.#gathering
    const { files, more } = uuFilesIn(text)
    if (more) this.#limit(`more than ${files.length} uuencoded files in a text`)
    for (const { name, bytes } of files) {
      const { content, sizeBytes, sha256 } = await readPart([bytes], {
        digests,
        signal,
        isText: false,
        isHeld: () => false,
      })
      const known = {
        ...(content === undefined ? {} : { content }),
        ...(sha256 === undefined ? {} : { sha256 }),
      }
      this.#specimens.push({
        names: unpackedNames([name]),
        within: [],
        types: [],
        sizeBytes,
        encrypted: isLocked(content, bytes),
        ...known,
      })
      if (mayBeArchive(content, [name]) || mayBeListed(content, [name]))
        await this.#archive(bytes, name)
    }
  }

  #limit(detail: string): void {
    this.#unseen.push({ problem: 'limit', detail })
  }
}

/** The parts of a reading, and whether it finds others in each. */
function partsOf({ parts }: MimeReading): readonly { part: MimePart; holdsParts: boolean }[] {
  const parents = new Set(parts.map(({ parent }) => parent))
  return parts.map((part) => ({ part, holdsParts: parents.has(part.index) }))
}

/** Of what holds parts: whether that is one message. */
function isMessage({ type }: MimePart): boolean {
  return type.startsWith('message/')
}

/** As messages do. */
function beginsWithField(head: Uint8Array): boolean {
  const [first] = parseHeader(head).fields
  return first !== undefined && first.name !== ''
}

/** A document with a password. */
function isLocked(content: ContentType | undefined, bytes: Buffer | undefined): boolean {
  return bytes !== undefined && isCompoundFile(content) && isEncryptedDocument(bytes)
}

/** What mail programs open as a message when it is clicked, whatever it is declared to be. */
function isMailFile({ type, fileNames }: MimePart): boolean {
  if (type === 'text/rfc822' || (type.startsWith('message/') && !reports.has(type))) return true
  return fileNames.some((name) => /\.(?:eml|email|mht|mhtml|mim|mime|nws)[\s.]*$/i.test(name))
}

/**
 * What has limits or doubts may be a message with something in it. A file is no message for its name: without a line that
 * begins like a field of MIME's all readers see one text, however long its first lines are taken for a header.
 */
const contentField = /(?:^|[\r\n])content-/i
const contentFieldBytes = '\r\ncontent-'.length

function isPlain({ limit, ambiguities }: MimeTree): boolean {
  return limit === undefined && ambiguities.length === 0
}

async function mentionsContent(source: ByteSource): Promise<boolean> {
  let before = ''
  for await (const chunk of source.read()) {
    const text = before + Buffer.from(chunk).toString('latin1')
    if (contentField.test(text)) return true
    before = text.slice(-contentFieldBytes)
  }
  return false
}

function withoutDoubts({ readings }: MimeTree): MimeTree {
  return { readings, ambiguities: [] }
}

/** Text about messages. */
const reports = new Set([
  'message/delivery-status',
  'message/disposition-notification',
  'message/feedback-report',
  'message/global-delivery-status',
  'message/global-disposition-notification',
  'message/global-headers',
  'message/tracking-status',
])

/** Of all headers together, in lower case. */
function headersOf(parts: readonly MimePart[]): readonly PartField[] {
  return parts
    .flatMap(({ header }) => header.fields)
    .slice(0, mostHeaders)
    .map(({ name, value }) => ({ name: name.toLowerCase(), value }))
}
