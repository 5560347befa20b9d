import { OctetCount } from '../../formats/octet-count.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Disk, DiskFile } from '../../runtime/disk.ts'
import type { HostProcess } from '../../runtime/process.ts'
import type { Random } from '../../runtime/random.ts'
import { DiskDrop, type FileDrop } from '../../runtime/file-drop.ts'
import { FolderSyncs } from '../../runtime/folder-syncs.ts'

export interface MaildirOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  readonly process: Pick<HostProcess, 'pid'>
  /** Our own name, part of every file's name. */
  readonly hostname: string
  /** What files come by that are not large; absent: written here. */
  readonly drop?: FileDrop
}

/** One file of a Maildir, with LF line ends. */
export interface MaildirContent {
  /** What the delivery puts on top: whole lines. */
  readonly header: Uint8Array
  readonly message: Uint8Array | AsyncIterable<Uint8Array>
}

/** So much is gathered before it is written: what has no more is written as a whole. */
export const writeBytes = 262_144

/** So much of a host's name stands in a file's: that may have 255 bytes, and a host's as many. */
const mostHost = 100

/** Writes into Maildirs that exist. What a failed try wrote is removed. */
export class MaildirWriter {
  readonly #disk: Disk
  readonly #syncs: FolderSyncs
  readonly #drop: FileDrop
  readonly #nextName: () => string
  /** Of messages that go into several Maildirs, each line is counted once. */
  readonly #counts = new WeakMap<Uint8Array, OctetCount>()

  constructor(options: MaildirOptions) {
    this.#disk = options.disk
    this.#syncs = new FolderSyncs(options.disk)
    this.#drop = options.drop ?? new DiskDrop(options.disk)
    this.#nextName = uniqueNames(options)
  }

  /**
   * Returns with the file and its name in `new/` on stable storage.
   * @param taken called where nothing but the disk is waited for any more
   * @returns its size in bytes
   * @throws PosternError NOT_FOUND where there is no Maildir, DISK_FULL, DISK_FAILED
   */
  async write(
    path: string,
    { header, message }: MaildirContent,
    taken?: () => void,
  ): Promise<number> {
    const name = this.#nextName()
    const draft = `${path}/tmp/${name}`
    const whole = message instanceof Uint8Array ? message : await gathered(message)
    if (!(whole instanceof Uint8Array)) {
      try {
        return await this.#writeLarge({ path, name, draft }, { header, message: whole })
      } finally {
        // Where writing fails, what is left has a file open.
        await whole.close()
      }
    }
    const sizes = this.#sizesOf(header, whole)
    const file = { draft, path: `${path}/new/${name}${inName(sizes)}`, head: header, body: whole }
    await this.#drop.put(file, taken)
    return sizes.bytes
  }

  async #writeLarge(
    { path, name, draft }: { readonly path: string; readonly name: string; readonly draft: string },
    content: LargeContent,
  ): Promise<number> {
    const open = await this.#disk.open(draft, 'create')
    let sizes: Sizes
    try {
      sizes = await writeContent(open, content)
      await this.#disk.rename(draft, `${path}/new/${name}${inName(sizes)}`)
    } catch (error) {
      // Whatever this meets, the first error is the one that tells what happened.
      await this.#disk.remove(draft).catch(() => undefined)
      throw error
    }
    await this.#syncs.sync(`${path}/new`)
    return sizes.bytes
  }

  #sizesOf(header: Uint8Array, message: Uint8Array): Sizes {
    const known = this.#counts.get(message)
    const count = known ?? new OctetCount()
    if (known === undefined) {
      count.add(message)
      this.#counts.set(message, count)
    }
    const bytes = header.length + message.length
    if (!count.ended) return { bytes }
    const above = new OctetCount()
    above.add(header)
    return { bytes, octets: above.octets + count.octets }
  }
}

/** Of one file. */
interface Sizes {
  readonly bytes: number
  /** With CRLF line ends; absent where the last line has none, which servers count as they like. */
  readonly octets?: number
}

/** As Maildir++ and Dovecot have it: who asks for a quota, or for sizes by POP3 and IMAP, need not look into the file. */
function inName({ bytes, octets }: Sizes): string {
  return octets === undefined ? `,S=${bytes}` : `,S=${bytes},W=${octets}`
}

interface LargeContent {
  readonly header: Uint8Array
  readonly message: AsyncIterable<Uint8Array>
}

/** A message of which the beginning has been read. */
export interface BegunMessage extends AsyncIterable<Uint8Array> {
  /** Reads no further. */
  close(): Promise<void>
}

/** The message in one piece, or where it is larger than that, as it came. */
export async function gathered(
  message: AsyncIterable<Uint8Array>,
): Promise<Uint8Array | BegunMessage> {
  const chunks = message[Symbol.asyncIterator]()
  const parts: Uint8Array[] = []
  let sizeBytes = 0
  while (sizeBytes <= writeBytes) {
    const next = await chunks.next()
    if (next.done === true) return inOnePiece(parts, sizeBytes)
    parts.push(next.value)
    sizeBytes += next.value.length
  }
  return {
    [Symbol.asyncIterator]: () => goOn(parts, chunks),
    close: async () => void (await chunks.return?.()),
  }
}

/** In memory that another thread may read, too. */
export function inOnePiece(parts: readonly Uint8Array[], sizeBytes: number): Uint8Array {
  const whole = new Uint8Array(new SharedArrayBuffer(sizeBytes))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

async function* goOn(
  parts: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* parts
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value
}

/**
 * `time.MusecPpidQserialRrandom.host`: the serial number is this delivery's, the random one this start's. No other
 * delivery, process, start or host makes the same name, so the rename into new/ can not hit a file that is there.
 */
function uniqueNames({ clock, random, process, hostname }: MaildirOptions): () => string {
  const host = hostname.slice(0, mostHost).replaceAll('/', '\\057').replaceAll(':', '\\072')
  let serial = 0
  let start: { readonly pid: number; readonly chance: string } | undefined
  return () => {
    start ??= { pid: process.pid, chance: Buffer.from(random.bytes(4)).toString('hex') }
    const now = clock.now()
    const unique = `M${(now % 1000) * 1000}P${start.pid}Q${++serial}R${start.chance}`
    return `${Math.floor(now / 1000)}.${unique}.${host}`
  }
}

/** Returns with the file synced and closed. */
async function writeContent(file: DiskFile, { header, message }: LargeContent): Promise<Sizes> {
  const count = new OctetCount()
  count.add(header)
  let parts: Uint8Array[] = [header]
  let gathered = header.length
  let written = 0
  const flush = async (): Promise<void> => {
    await file.write(parts, written)
    written += gathered
    gathered = 0
    parts = []
  }
  try {
    for await (const chunk of message) {
      parts.push(chunk)
      count.add(chunk)
      gathered += chunk.length
      if (gathered >= writeBytes) await flush()
    }
    if (gathered > 0) await flush()
    await file.sync()
    return count.ended ? { bytes: written, octets: count.octets } : { bytes: written }
  } finally {
    await file.close()
  }
}
