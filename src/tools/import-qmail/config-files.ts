/** Which files of the installation the new folder needs, and how its postern.yaml names them. */
import { posix } from 'node:path'
import type { ImportFindings } from './findings.ts'
import type { Installation } from './installation.ts'

const home = '/var/qmail'

export class ConfigFiles {
  /** By their place in the new folder. */
  readonly copies = new Map<string, Uint8Array>()
  readonly #installation: Installation
  readonly #findings: ImportFindings
  /** The tree itself is served: its files are named where they lie. */
  readonly inPlace: boolean

  constructor(installation: Installation, findings: ImportFindings, inPlace: boolean) {
    this.#installation = installation
    this.#findings = findings
    this.inPlace = inPlace
  }

  /**
   * What postern.yaml calls a file that the installation names: below control/ by its own name, others below `folder`.
   * @returns undefined where it cannot be read
   */
  refer(path: string, folder: string, source: string): string | undefined {
    // A path that leads up again must not lead out of the new folder.
    const absolute = posix.normalize(path.startsWith('/') ? path : `${home}/${path}`)
    const bytes = this.#installation.bytes(absolute)
    if (bytes === undefined) {
      this.#findings.unsupported(`the file ${path}`, source, 'it is missing, or cannot be read')
      return undefined
    }
    const own = absolute.startsWith(`${home}/control/`)
    const to = own ? absolute.slice(home.length + 1) : `${folder}/${posix.basename(absolute)}`
    if (this.inPlace) return own ? to : this.#installation.locate(absolute)
    const free = own ? to : this.#freeName(to, bytes)
    this.copies.set(free, bytes)
    return free
  }

  /** Two files of one name, in two folders, may say two things. */
  #freeName(to: string, bytes: Uint8Array): string {
    const { dir, name, ext } = posix.parse(to)
    for (let number = 1; ; number++) {
      const free = number === 1 ? to : `${dir}/${name}-${number}${ext}`
      const before = this.copies.get(free)
      if (before === undefined || Buffer.compare(before, bytes) === 0) return free
    }
  }

  /** Takes a file over; not where the tree itself is served. */
  copy(to: string, bytes: Uint8Array): void {
    if (!this.inPlace) this.copies.set(to, bytes)
  }

  /** Puts a file there that the installation does not have. */
  make(to: string, bytes: Uint8Array): void {
    this.copies.set(to, bytes)
  }

  /**
   * The same, beside what is there under that name and says something else.
   * @returns the name that it has got
   */
  makeBeside(to: string, text: string): string {
    const bytes = Buffer.from(text)
    const free = this.#freeName(to, bytes)
    this.copies.set(free, bytes)
    return free
  }
}
