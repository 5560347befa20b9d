/** Which files the options of an entry name, and what they hold: equal entries have equal fingerprints. */
import { createHash } from 'node:crypto'
import type { JsonValue } from '../mail/json.ts'
import type { OptionResources } from '../plugin/option.ts'

export class NamedFiles {
  /** As the entry's own, noting what is opened. */
  readonly resources: OptionResources
  readonly #resources: OptionResources
  readonly #paths = new Set<string>()
  #unreadable = false

  constructor(resources: OptionResources) {
    this.#resources = resources
    const note = <T>(path: string, opened: T): T => {
      this.#paths.add(path)
      return opened
    }
    this.resources = {
      file: (path) => note(path, resources.file(path)),
      table: (path) => note(path, resources.table(path)),
      cdb: (path) => {
        // As large as it may be, it is not read only to be compared.
        this.#unreadable = true
        return note(path, resources.cdb(path))
      },
    }
  }

  get any(): boolean {
    return this.#paths.size > 0
  }

  /** @returns undefined where a file cannot be compared */
  fingerprint(plugin: string, options: JsonValue | undefined): string | undefined {
    if (this.#unreadable) return undefined
    const hash = createHash('sha256').update(JSON.stringify([plugin, options ?? null]))
    try {
      for (const path of [...this.#paths].toSorted()) {
        hash.update('\0').update(this.#resources.file(path).read() ?? '')
      }
    } catch {
      return undefined
    }
    return hash.digest('hex').slice(0, 16)
  }
}
