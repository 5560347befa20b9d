import { createHash } from 'node:crypto'
import type { Disk } from '../runtime/disk.ts'

/**
 * Remembers what was read, and what could not be: whether that would be so again. What became another while it was read more
 * than once never is.
 */
export class KeptFiles implements Pick<Disk, 'readFileNow'> {
  readonly #disk: Pick<Disk, 'readFileNow'>
  /** By the path: a digest of its bytes, or what was wrong. */
  readonly #kept = new Map<string, string>()

  constructor(disk: Pick<Disk, 'readFileNow'>) {
    this.#disk = disk
  }

  readFileNow(path: string, maxBytes?: number): Uint8Array {
    try {
      const bytes = this.#disk.readFileNow(path, maxBytes)
      this.#keep(path, digest(bytes))
      return bytes
    } catch (error) {
      this.#keep(path, String(error))
      throw error
    }
  }

  /** As if it had been read: somebody else did. */
  note(path: string): void {
    this.#keep(path, this.#now(path))
  }

  areTheSame(): boolean {
    return [...this.#kept].every(([path, before]) => this.#now(path) === before)
  }

  #keep(path: string, found: string): void {
    const before = this.#kept.get(path) ?? found
    this.#kept.set(path, before === found ? found : changedMeanwhile)
  }

  #now(path: string): string {
    try {
      return digest(this.#disk.readFileNow(path))
    } catch (error) {
      return String(error)
    }
  }
}

/** No digest, and no error. */
const changedMeanwhile = ''

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64')
}
