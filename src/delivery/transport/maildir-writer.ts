import type { Clock } from '../../runtime/clock.ts'
import type { Disk, DiskFile } from '../../runtime/disk.ts'
import type { HostProcess } from '../../runtime/process.ts'
import type { Random } from '../../runtime/random.ts'
import { FolderSyncs } from './folder-syncs.ts'

export interface MaildirOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  readonly process: Pick<HostProcess, 'pid'>
  /** Our own name, part of every file's name. */
  readonly hostname: string
}

/** One file of a Maildir, with LF line ends. */
export interface MaildirContent {
  /** What the delivery puts on top. */
  readonly header: Uint8Array
  readonly message: AsyncIterable<Uint8Array>
}

/** So much is gathered before it is written. */
const writeBytes = 262_144

/** Writes into Maildirs that exist. What a failed try wrote is removed. */
export class MaildirWriter {
  readonly #disk: Disk
  readonly #syncs: FolderSyncs
  readonly #nextName: () => string

  constructor(options: MaildirOptions) {
    this.#disk = options.disk
    this.#syncs = new FolderSyncs(options.disk)
    this.#nextName = uniqueNames(options)
  }

  /**
   * Returns with the file and its name in `new/` on stable storage. @returns its size in bytes
   * @throws PosternError NOT_FOUND where there is no Maildir, DISK_FULL, DISK_FAILED
   */
  async write(path: string, content: MaildirContent): Promise<number> {
    const name = this.#nextName()
    const file = `${path}/tmp/${name}`
    const open = await this.#disk.open(file, 'create')
    let sizeBytes = 0
    try {
      sizeBytes = await writeContent(open, content)
      await this.#disk.rename(file, `${path}/new/${name},S=${sizeBytes}`)
    } catch (error) {
      // Whatever this meets, the first error is the one that tells what happened.
      await this.#disk.remove(file).catch(() => undefined)
      throw error
    }
    await this.#syncs.sync(`${path}/new`)
    return sizeBytes
  }
}

/**
 * `time.MusecPpidQserialRrandom.host`: no other delivery, process, start or host makes the same name,
 * so the rename into new/ can not hit a file that is there.
 */
function uniqueNames({ clock, random, process, hostname }: MaildirOptions): () => string {
  const host = hostname.replaceAll('/', '\\057').replaceAll(':', '\\072')
  let serial = 0
  return () => {
    const now = clock.now()
    const chance = Buffer.from(random.bytes(4)).toString('hex')
    const unique = `M${(now % 1000) * 1000}P${process.pid}Q${++serial}R${chance}`
    return `${Math.floor(now / 1000)}.${unique}.${host}`
  }
}

/** Returns with the file synced and closed. @returns its size */
async function writeContent(file: DiskFile, { header, message }: MaildirContent): Promise<number> {
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
      gathered += chunk.length
      if (gathered >= writeBytes) await flush()
    }
    if (gathered > 0) await flush()
    await file.sync()
    return written
  } finally {
    await file.close()
  }
}
