/** Which files of the installation the new folder needs, and how its postern.yaml names them. */
import { basename } from 'node:path'
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
    const absolute = path.startsWith('/') ? path : `${home}/${path}`
    const bytes = this.#installation.bytes(absolute)
    if (bytes === undefined) {
      this.#findings.unsupported(`the file ${path}`, source, 'it is missing, or cannot be read')
      return undefined
    }
    const own = absolute.startsWith(`${home}/control/`)
    const to = own ? absolute.slice(home.length + 1) : `${folder}/${basename(absolute)}`
    if (this.inPlace) return own ? to : this.#installation.locate(absolute)
    this.copies.set(to, bytes)
    return to
  }

  /** Takes a file over; not where the tree itself is served. */
  copy(to: string, bytes: Uint8Array): void {
    if (!this.inPlace) this.copies.set(to, bytes)
  }

  /** Puts a file there that the installation does not have. */
  make(to: string, bytes: Uint8Array): void {
    this.copies.set(to, bytes)
  }
}
