/**
 * The file of a message too large for the log, as received, in `large/`. It counts only once a record names it, so it
 * is synced, with its folder, before that record is written; one without a record was never promised.
 */
import { crc32 } from 'node:zlib'
import { headerEnd } from '../mail/header.ts'
import type { Disk, DiskFile } from '../runtime/disk.ts'
import type { LargeBody } from './message-meta.ts'

const headerStepBytes = 65_536
/** A header beyond this is taken to end here: what follows is kept as body. */
const maxHeaderBytes = 1 << 20

export class LargeFile {
  readonly #disk: Disk
  readonly #folder: string
  readonly #name: string
  readonly #file: DiskFile
  #sizeBytes = 0
  #crc = 0
  #closed: Promise<void> | undefined

  private constructor(
    disk: Disk,
    folder: string,
    { name, file }: { name: string; file: DiskFile },
  ) {
    this.#disk = disk
    this.#folder = folder
    this.#name = name
    this.#file = file
  }

  /** @throws PosternError DISK_FULL, DISK_FAILED */
  static async create(disk: Disk, folder: string, name: string): Promise<LargeFile> {
    const file = await disk.open(`${folder}/${name}`, 'create')
    return new LargeFile(disk, folder, { name, file })
  }

  get path(): string {
    return `${this.#folder}/${this.#name}`
  }

  /** The chunk must not change until this resolves. @throws PosternError DISK_FULL, DISK_FAILED */
  async append(chunk: Uint8Array): Promise<void> {
    const position = this.#sizeBytes
    this.#sizeBytes += chunk.length
    this.#crc = crc32(chunk, this.#crc)
    await this.#file.write([chunk], position)
  }

  /** The header with its empty line; to be called when all is written. */
  async readHead(): Promise<Uint8Array> {
    let length = Math.min(headerStepBytes, this.#sizeBytes)
    for (;;) {
      const bytes = await this.#file.read(0, length)
      const end = headerEnd(bytes)
      if (end >= 0) return bytes.subarray(0, end)
      if (length >= Math.min(this.#sizeBytes, maxHeaderBytes)) return bytes
      length = Math.min(2 * length, this.#sizeBytes, maxHeaderBytes)
    }
  }

  describe(bodyOffset: number): LargeBody {
    return { name: this.#name, bodyOffset, sizeBytes: this.#sizeBytes, crc: this.#crc }
  }

  /** On stable storage when this resolves, its name included. @throws PosternError DISK_FULL, DISK_FAILED */
  async seal(): Promise<void> {
    await this.#file.sync()
    await this.#close()
    await this.#disk.syncDirectory(this.#folder)
  }

  async remove(): Promise<void> {
    await this.#close()
    await this.#disk.remove(this.path)
  }

  #close(): Promise<void> {
    return (this.#closed ??= this.#file.close())
  }
}
