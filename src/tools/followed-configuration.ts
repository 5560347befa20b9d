import type { Configuration } from '../config/configuration.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Disk } from '../runtime/disk.ts'
import { KeptFiles } from './kept-files.ts'
import { readFolder } from './read-offline.ts'

/** Whoever asks again so soon is told the same. */
const freshMs = 200

interface FollowedParts {
  readonly folder: string
  /** What is told while the folder cannot be read. */
  readonly first: Configuration
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly disk: Pick<Disk, 'readFileNow'>
}

/**
 * The configuration as it lies on the disk, for whoever asks again and again; while it cannot be read, as it was. To look
 * whether its files still hold the same costs a tenth of making it from them, so it is made anew only where one does not.
 */
export class FollowedConfiguration {
  readonly #parts: FollowedParts
  #last: { readonly configuration: Configuration; readonly files: KeptFiles | undefined }
  #at = -Infinity

  constructor(parts: FollowedParts) {
    this.#parts = parts
    this.#last = { configuration: parts.first, files: undefined }
  }

  get current(): Configuration {
    const { clock, folder, disk } = this.#parts
    const now = clock.monotonicMs()
    if (now - this.#at <= freshMs) return this.#last.configuration
    this.#at = now
    if (this.#last.files?.areTheSame() === true) return this.#last.configuration
    const files = new KeptFiles(disk)
    const { configuration = this.#last.configuration } = readFolder(folder, files)
    this.#last = { configuration, files }
    return configuration
  }

  /** Somebody has just written them. */
  forget(): void {
    this.#at = -Infinity
  }
}
