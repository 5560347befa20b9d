/** How many octets a message has for clients: counted once, since the message behind a Maildir's name never changes. */
import { OctetCount } from '../formats/octet-count.ts'
import type { Disk } from '../runtime/disk.ts'

const readBytes = 65_536

export class OctetBook {
  readonly #most: number
  readonly #known = new Map<string, number>()

  /** @param most what is remembered; beyond it the oldest is forgotten */
  constructor(most = 100_000) {
    this.#most = most
  }

  /**
   * @param key of the message, for ever
   * @throws PosternError NOT_FOUND, DISK_FAILED
   */
  async octets(key: string, read: () => AsyncIterable<Uint8Array>): Promise<number> {
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const count = new OctetCount()
    for await (const chunk of read()) count.add(chunk)
    const [oldest] = this.#known.keys()
    if (this.#known.size >= this.#most && oldest !== undefined) this.#known.delete(oldest)
    this.#known.set(key, count.octets)
    return count.octets
  }
}

/** @throws PosternError NOT_FOUND, DISK_FAILED */
export async function* contentOf(disk: Disk, path: string): AsyncGenerator<Uint8Array> {
  const file = await disk.open(path, 'read')
  try {
    for (let at = 0; ;) {
      const chunk = await file.read(at, readBytes)
      if (chunk.length > 0) yield chunk
      if (chunk.length < readBytes) return
      at += chunk.length
    }
  } finally {
    await file.close()
  }
}
