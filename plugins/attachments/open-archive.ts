/**
 * Looks into an archive and into the archives in it: names, sizes, what each entry is. Nothing is extracted; of an entry no more
 * than its beginning is unpacked, unless it is an archive itself or its digest is wanted. Bounded by `ArchiveLimits`.
 */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type {
  ArchiveContents,
  ArchiveEntry,
  ArchiveLimits,
  ArchiveProblem,
  ArchiveTask,
} from './archive.ts'
import {
  contentTypeOf,
  headBytes,
  isAnyArchive,
  isCompoundFile,
  isLookedInto,
  mayBeArchive,
  mayBeListed,
  type ContentType,
} from './content-type.ts'
import { isEncryptedDocument } from './office-document.ts'
import { rarEntries, rarStart } from './rar.ts'
import { lookAtSevenZip, sevenZipStart } from './seven-zip.ts'
import { tarEntries } from './tar.ts'
import { tnefFiles } from './tnef.ts'
import {
  directoryNames,
  localNames,
  mostNames,
  prefixOf,
  zipEntries,
  type NamedFile,
  type Span,
} from './zip.ts'

/** @throws nothing for any bytes; what cannot be seen is among the problems */
export async function openArchive(
  task: ArchiveTask,
  signal: AbortSignal,
): Promise<ArchiveContents> {
  const visit = new Visit(task, signal)
  const bytes = Buffer.from(task.bytes.buffer, task.bytes.byteOffset, task.bytes.length)
  await visit.archive(bytes, { within: [], name: task.name })
  return { entries: visit.entries, problems: visit.problems }
}

interface Where {
  readonly within: readonly string[]
  readonly name: string
}

/** An entry whose content can be had. */
interface Found extends Where {
  readonly names: readonly string[]
  readonly sizeBytes: number
  readonly open: () => Promise<Readable>
}

const longestName = 1024
const mostProblems = 20
const smallBytes = 1_048_576

class Visit {
  readonly entries: ArchiveEntry[] = []
  readonly problems: { readonly problem: ArchiveProblem; readonly detail: string }[] = []
  readonly #limits: ArchiveLimits
  readonly #digests: boolean
  readonly #signal: AbortSignal
  #bytesLeft: number
  /** What no sound archive has costs as much to look at as an entry, and may come to nothing that counts as one. */
  #oddities = 0
  #over = false

  constructor({ limits, digests }: ArchiveTask, signal: AbortSignal) {
    this.#limits = limits
    this.#digests = digests
    this.#signal = signal
    this.#bytesLeft = limits.bytes
  }

  async archive(bytes: Buffer, where: Where): Promise<void> {
    if (where.within.length >= this.#limits.depth)
      return this.#exceed('too many archives within each other')
    const content = await contentTypeOf(bytes.subarray(0, headBytes))
    try {
      if (content?.extension === 'gz') await this.#gzip(bytes, inside(where))
      if (content?.extension === 'tnef') await this.#tnef(bytes, inside(where))
      if (content?.extension === 'tar') await this.#tar(bytes, inside(where))
      const listed = mayBeListed(content, [where.name]) && this.#listed(bytes, inside(where))
      // Unpackers that go by the name find a zip archive from its end, whatever stands in front of it.
      const isZip = content?.extension === 'zip' || prefixOf(bytes) !== undefined
      if (isZip) await this.#zip(bytes, inside(where))
      else if (listed && content === undefined)
        this.#note('broken', `${where.name} begins with something else than its archive`)
      else if (!listed && !isAnyArchive(content)) {
        this.#note('broken', `${where.name} is no archive`)
        this.#named(bytes, inside(where))
      }
    } catch (error) {
      // Whoever sends a damaged archive hears of it by a rule; it is no fault of ours.
      this.#note(
        'broken',
        `${where.name}: ${error instanceof Error ? error.message : String(error)}`,
      )
      const isZip = content?.extension === 'zip' || prefixOf(bytes) !== undefined
      if (isZip) this.#named(bytes, inside(where))
    }
  }

  /** Of archives behind each other some unpackers open the first, others the last: all of them are looked into. */
  async #zip(bytes: Buffer, within: readonly string[]): Promise<void> {
    const listed: Span[] = []
    for (let rest = bytes; rest.length > 0;) {
      const front = prefixOf(rest) ?? 0
      await this.#directory(rest, within, listed)
      if (this.#over) return
      rest = rest.subarray(0, front)
      if (prefixOf(rest) === undefined) break
      if (!this.#mayLookOn()) return
    }
    if (this.#unlisted(within, localNames(bytes, listed)) > 0) {
      this.#note('broken', `${within.at(-1) ?? ''} holds files that its directory does not name`)
    }
  }

  async #directory(bytes: Buffer, within: readonly string[], listed: Span[]): Promise<void> {
    for await (const entry of zipEntries(bytes)) {
      const [name = ''] = entry.names
      listed.push(entry.span)
      if (!this.#mayGoOn()) return
      if (name.endsWith('/')) continue
      if (entry.names.length > mostNames) this.#note('broken', `${name} has too many other names`)
      const { sizeBytes, packedBytes, encrypted } = entry
      if (sizeBytes > smallBytes && sizeBytes > packedBytes * this.#limits.ratio) {
        this.#exceed(`${name} is ${sizeBytes} bytes out of ${packedBytes}`)
      }
      if (encrypted || !entry.readable) {
        this.#add({ within, names: entry.names, sizeBytes, encrypted })
        if (!encrypted) this.#note('broken', `${name} is packed in an unknown way`)
        continue
      }
      await this.#entry({
        within,
        name,
        names: entry.names,
        sizeBytes,
        open: () => entry.open(),
      })
    }
  }

  /** Of a damaged archive the names that are left, in front of the files and in what is a directory to some unpackers. */
  #named(bytes: Buffer, within: readonly string[]): void {
    this.#unlisted(within, localNames(bytes))
    this.#unlisted(within, directoryNames(bytes))
  }

  /** Some programs unpack what no directory names, or what is left of a damaged archive. @returns how many such files there are */
  #unlisted(within: readonly string[], files: Iterable<NamedFile>): number {
    const known = new Set(this.entries.flatMap(({ names }) => names))
    let count = 0
    for (const { names, sizeBytes } of files) {
      if (!this.#mayLookOn()) return count
      if (names.every((name) => known.has(bounded(name)))) continue
      for (const name of names) known.add(bounded(name))
      count += 1
      this.#add({ within, names, sizeBytes, encrypted: false })
    }
    return count
  }

  /** Of rar and 7z what their headers say, wherever they begin. @returns whether there is one */
  #listed(bytes: Buffer, within: readonly string[]): boolean {
    const rar = rarStart(bytes)
    const sevenZip = sevenZipStart(bytes)
    if (rar !== undefined) this.#rar(bytes.subarray(rar), within)
    if (sevenZip !== undefined) this.#sevenZip(bytes.subarray(sevenZip), within)
    return rar !== undefined || sevenZip !== undefined
  }

  #rar(bytes: Buffer, within: readonly string[]): void {
    const entries = rarEntries(bytes)
    for (;;) {
      const next = entries.next()
      if (next.done === true) {
        if (next.value === 'hidden') this.#hidden(within)
        if (next.value === 'damaged')
          this.#note('broken', `${within.at(-1) ?? ''} is a damaged rar archive`)
        return
      }
      if (!this.#mayGoOn()) return
      this.#add({ within, ...next.value })
    }
  }

  #sevenZip(bytes: Buffer, within: readonly string[]): void {
    const look = lookAtSevenZip(bytes)
    if (look === 'encrypted') this.#hidden(within)
    if (look === 'damaged') this.#note('broken', `${within.at(-1) ?? ''} is a damaged 7z archive`)
  }

  /** Files that have no names without a password. */
  #hidden(within: readonly string[]): void {
    this.#add({ within, names: [], sizeBytes: 0, encrypted: true })
  }

  async #gzip(bytes: Buffer, within: readonly string[]): Promise<void> {
    const names = gzipNames(bytes, within.at(-1) ?? '')
    const [name = ''] = names
    // The last four bytes are the size, if it is one stream, and honest.
    const sizeBytes = bytes.length < 8 ? 0 : bytes.readUInt32LE(bytes.length - 4)
    const open = async (): Promise<Readable> => {
      const gunzip = createGunzip()
      Readable.from([bytes]).pipe(gunzip)
      return gunzip
    }
    if (sizeBytes > smallBytes && sizeBytes > bytes.length * this.#limits.ratio) {
      this.#exceed(`${name} is ${sizeBytes} bytes out of ${bytes.length}`)
    }
    if (this.#mayGoOn()) await this.#entry({ within, name, names, sizeBytes, open })
  }

  async #tar(bytes: Buffer, within: readonly string[]): Promise<void> {
    const entries = tarEntries(bytes)
    for (;;) {
      const next = entries.next()
      if (next.done === true) {
        if (next.value === 'damaged')
          this.#note('broken', `${within.at(-1) ?? ''} is a damaged tar archive`)
        return
      }
      const { names, sizeBytes, offset } = next.value
      const [name] = names
      if (!this.#mayGoOn()) return
      if (name.endsWith('/')) continue
      const content = bytes.subarray(offset, offset + sizeBytes)
      await this.#entry({
        within,
        name,
        names,
        sizeBytes,
        open: async () => Readable.from([content]),
      })
    }
  }

  async #tnef(bytes: Buffer, within: readonly string[]): Promise<void> {
    const files = tnefFiles(bytes)
    for (;;) {
      const next = files.next()
      if (next.done === true) {
        if (next.value === 'damaged')
          this.#note('broken', `${within.at(-1) ?? ''} is a damaged message of Outlook`)
        return
      }
      if (!this.#mayGoOn()) return
      const { names, content } = next.value
      const open = async (): Promise<Readable> => Readable.from([content])
      const [name = 'an attachment'] = names
      await this.#entry({ within, name, names, sizeBytes: content.length, open })
    }
  }

  /** One entry: its beginning, and all of it where it is an archive or its digest is wanted. */
  async #entry({ within, name, names, sizeBytes, open }: Found): Promise<void> {
    try {
      const { content, whole } = await this.#read(await open(), names)
      const sha256 = whole === undefined || !this.#digests ? undefined : digestOf(whole)
      this.#add({
        within,
        names,
        sizeBytes: whole?.length ?? sizeBytes,
        encrypted: whole !== undefined && isCompoundFile(content) && isEncryptedDocument(whole),
        content,
        sha256,
      })
      if (whole !== undefined && (mayBeArchive(content, names) || mayBeListed(content, names)))
        await this.archive(whole, { within, name })
    } catch (error) {
      this.#add({ within, names, sizeBytes, encrypted: false })
      this.#note('broken', `${name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  async #read(
    stream: Readable,
    names: readonly string[],
  ): Promise<{ readonly content: ContentType | undefined; readonly whole?: Buffer }> {
    const chunks: Buffer[] = []
    let size = 0
    let content: ContentType | undefined
    let decided = false
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      size += chunk.length
      this.#bytesLeft -= chunk.length
      if (!this.#mayGoOn()) break
      if (size < headBytes || decided) continue
      decided = true
      content = await contentTypeOf(Buffer.concat(chunks).subarray(0, headBytes))
      if (!this.#digests && !isLookedInto(content, names)) return { content }
    }
    const all = Buffer.concat(chunks)
    if (!decided) content = await contentTypeOf(all.subarray(0, headBytes))
    return this.#over ? { content } : { content, whole: all }
  }

  #add(entry: {
    readonly within: readonly string[]
    readonly names: readonly string[]
    readonly sizeBytes: number
    readonly encrypted: boolean
    readonly content?: ContentType | undefined
    readonly sha256?: string | undefined
  }): void {
    const { content, sha256, names, ...rest } = entry
    this.entries.push({
      ...rest,
      names: names.map(bounded),
      ...(content === undefined ? {} : { content }),
      ...(sha256 === undefined ? {} : { sha256 }),
    })
  }

  #mayGoOn(): boolean {
    if (this.#signal.aborted) this.#exceed('took too long')
    if (this.entries.length >= this.#limits.entries)
      this.#exceed(`more than ${this.#limits.entries} entries`)
    if (this.#bytesLeft < 0) this.#exceed(`more than ${this.#limits.bytes} bytes unpacked`)
    return !this.#over
  }

  /** At one archive behind another, or a header that no directory names: `mayGoOn`, for these. */
  #mayLookOn(): boolean {
    this.#oddities += 1
    if (this.#oddities > this.#limits.entries)
      this.#exceed(`more than ${this.#limits.entries} archives or headers behind each other`)
    return this.#mayGoOn()
  }

  #exceed(detail: string): void {
    // Once, and never lost behind what else is wrong.
    if (!this.#over) this.problems.push({ problem: 'limit', detail: detail.slice(0, 200) })
    this.#over = true
  }

  #note(problem: ArchiveProblem, detail: string): void {
    if (this.problems.length < mostProblems)
      this.problems.push({ problem, detail: detail.slice(0, 200) })
  }
}

function inside({ within, name }: Where): readonly string[] {
  return [...within, bounded(name)]
}

/** A name keeps its end, which is its extension. */
function bounded(name: string): string {
  if (name.length <= longestName) return name
  return name.slice(0, longestName / 2) + name.slice(-longestName / 2)
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** RFC 1952 §2.3: the name in its header; and what programs make of the archive's own. */
function gzipNames(bytes: Buffer, archive: string): readonly string[] {
  const outer = archive.replace(/\.tgz$/i, '.tar').replace(/\.gz$/i, '')
  if (((bytes[3] ?? 0) & 0x08) === 0) return [outer]
  const from =
    ((bytes[3] ?? 0) & 0x04) === 0 ? 10 : 12 + (bytes.length < 12 ? 0 : bytes.readUInt16LE(10))
  const end = bytes.indexOf(0, from)
  const stored = bytes.toString('latin1', from, end < 0 ? from : end)
  return stored === '' || stored === outer ? [outer] : [outer, stored]
}
