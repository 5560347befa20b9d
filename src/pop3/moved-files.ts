/** Where the files of a Maildir are that others have moved or renamed since a session began. */
import type { Clock } from '../runtime/clock.ts'
import type { Disk } from '../runtime/disk.ts'
import { exists } from '../runtime/missing.ts'

export interface MovedFilesDoors {
  readonly disk: Pick<Disk, 'list' | 'stat'>
  readonly clock: Pick<Clock, 'monotonicMs'>
}

/** An IMAP server moves all that is new at once: of a large Maildir one listing has to do for many of them. */
const listedForMs = 1_000

export class MovedFiles {
  readonly #path: string
  readonly #doors: MovedFilesDoors
  #listing: Promise<ReadonlyMap<string, string>> | undefined
  #until = 0

  constructor(path: string, doors: MovedFilesDoors) {
    this.#path = path
    this.#doors = doors
  }

  /** What is asked next is seen afresh. */
  forget(): void {
    this.#listing = undefined
  }

  /**
   * @returns below the Maildir; undefined where it is gone, or was not there up to a second ago
   * @throws PosternError DISK_FAILED
   */
  async find(unique: string): Promise<string | undefined> {
    const listing = this.#recent()
    const file = (await listing).get(unique)
    if (file === undefined || (await exists(this.#doors.disk, `${this.#path}/${file}`))) return file
    // It has moved on since; who sees the same meanwhile has the next listing, too.
    if (this.#listing === listing) this.forget()
    return (await this.#recent()).get(unique)
  }

  #recent(): Promise<ReadonlyMap<string, string>> {
    const now = this.#doors.clock.monotonicMs()
    if (this.#listing !== undefined && now < this.#until) return this.#listing
    this.#until = now + listedForMs
    this.#listing = this.#list()
    return this.#listing
  }

  async #list(): Promise<ReadonlyMap<string, string>> {
    try {
      const files = new Map<string, string>()
      for (const folder of ['new', 'cur']) {
        for (const name of await this.#doors.disk.list(`${this.#path}/${folder}`)) {
          files.set(uniqueName(name), `${folder}/${name}`)
        }
      }
      return files
    } catch (error) {
      this.forget()
      throw error
    }
  }
}

/** The name of a Maildir's file as far as a `:`, which never changes. */
export function uniqueName(name: string): string {
  const colon = name.indexOf(':')
  return colon < 0 ? name : name.slice(0, colon)
}
