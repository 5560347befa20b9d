/**
 * An installed qmail as it lies on a disk: read, never written. Scripts and rules name absolute paths; they are looked up
 * below the folder that the tree was found in, so that a copy or a mounted disk can be read as well.
 */
import { posix, resolve } from 'node:path'
import { isPosternError, PosternError } from '../../mail/errors.ts'
import type { Disk, FileStat } from '../../runtime/disk.ts'
import { CopiedLinks } from './copied-links.ts'

const home = '/var/qmail'
const largestFile = 256 << 20
const largestText = 1 << 20

export class Installation {
  /** Where it lies, absolute. */
  readonly tree: string
  readonly #root: string
  readonly #disk: Disk
  /** Absent where it is in its place. */
  readonly #links: CopiedLinks | undefined

  /** @param followOutside links in a copy may lead to what this host has, and that is read */
  constructor(disk: Disk, tree: string, followOutside = false) {
    this.#disk = disk
    this.tree = resolve(tree)
    this.#root = this.tree.endsWith(home) ? this.tree.slice(0, -home.length) : ''
    const place = (path: string): string => this.#place(path)
    const [top, was] = this.#root === '' ? [this.tree, home] : [this.#root, '']
    this.#links =
      this.tree === home ? undefined : new CopiedLinks({ top, was, place, followOutside })
  }

  /** Links that were met, and lead to what the copy does not have: where they lie, and where they lead. */
  get linksOutside(): ReadonlyMap<string, string> {
    return this.#links?.outside ?? new Map()
  }

  /** Links that were met, and to which more led than are followed, perhaps in a circle. */
  get endlessLinks(): ReadonlySet<string> {
    return this.#links?.endless ?? new Set()
  }

  /** A copy of the folder alone: what it names elsewhere (/service, /etc, homes) is looked up on this host. */
  get isFolderOnly(): boolean {
    return this.tree !== home && this.#root === ''
  }

  /** Where a path that the installation names lies; to be named, for what is there may not be for us to read. */
  locate(path: string): string {
    const placed = this.#place(path)
    return this.#links?.follow(placed) ?? placed
  }

  /** For whoever reads folder by folder: as a disk, but that links lead where they led in its place. */
  reader(): Pick<Disk, 'list' | 'readFile' | 'stat'> {
    return {
      list: async (path) => this.#disk.list(this.#readable(path)),
      readFile: async (path, maxBytes) => this.#disk.readFile(this.#readable(path), maxBytes),
      stat: async (path) => this.#disk.stat(this.#readable(path)),
    }
  }

  /** @throws PosternError NOT_FOUND for what links lead to that is not to be read: to us it is not there */
  #readable(path: string): string {
    const placed = this.#place(path)
    const found = this.#links === undefined ? placed : this.#links.follow(placed)
    if (found === undefined)
      throw new PosternError('NOT_FOUND', `${placed}: a link that is not followed`)
    return found
  }

  #place(path: string): string {
    const clean = posix.normalize(path)
    if (!clean.startsWith('/')) return resolve(this.tree, clean)
    if (clean === home || clean.startsWith(`${home}/`))
      return `${this.tree}${clean.slice(home.length)}`
    // As it was typed, already.
    if (this.#root !== '' && clean.startsWith(`${this.#root}/`)) return clean
    return `${this.#root}${clean}`
  }

  /** Undefined where there is none, or where nobody may read it. */
  bytes(path: string, maxBytes: number = largestFile): Uint8Array | undefined {
    // These never end, or wait for somebody.
    if (/^\/(?:dev|proc|sys)\//.test(posix.resolve('/', path))) return undefined
    try {
      // A FIFO would wait for somebody, too.
      if (this.#disk.statNow(this.#readable(path)).kind !== 'file') return undefined
      return this.#disk.readFileNow(this.#readable(path), maxBytes)
    } catch (error) {
      if (isPosternError(error)) return undefined
      throw error
    }
  }

  text(path: string): string | undefined {
    const bytes = this.bytes(path, largestText)
    return bytes === undefined ? undefined : Buffer.from(bytes).toString()
  }

  /** A file that the operator names: of the installation, or of this host. */
  textAsTyped(path: string): string | undefined {
    const own = path.startsWith('/') ? this.text(path) : undefined
    if (own !== undefined) return own
    try {
      return Buffer.from(this.#disk.readFileNow(resolve(path), largestText)).toString()
    } catch (error) {
      if (isPosternError(error)) return undefined
      throw error
    }
  }

  exists(path: string): boolean {
    try {
      this.#disk.statNow(this.#readable(path))
      return true
    } catch (error) {
      // A folder, or one that nobody may read, is there all the same.
      if (isPosternError(error)) return !isPosternError(error, 'NOT_FOUND')
      throw error
    }
  }

  async stat(path: string): Promise<FileStat | undefined> {
    try {
      return await this.#disk.stat(this.#readable(path))
    } catch (error) {
      if (isPosternError(error)) return undefined
      throw error
    }
  }

  /** Sorted names; none where there is no such folder. */
  async names(folder: string): Promise<readonly string[]> {
    try {
      return (await this.#disk.list(this.#readable(folder))).toSorted()
    } catch (error) {
      if (isPosternError(error)) return []
      throw error
    }
  }
}
