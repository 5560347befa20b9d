/** What an import has to say: each fact of the installation, where it stood, and what became of it. */

export type ImportOutcome = 'mapped' | 'difference' | 'unsupported' | 'dangerous'

export interface ImportFact {
  readonly outcome: ImportOutcome
  /** As the installation has it. */
  readonly what: string
  /** File, and line where there is one. */
  readonly source: string
  /** The key of postern.yaml, or the file, that it went to. */
  readonly to?: string
  /** What is different, why not, or what to do. */
  readonly remark?: string
}

/** So many of one outcome; a tree may hold anything. */
const mostFacts = 2000

export class ImportFindings {
  readonly facts: ImportFact[] = []

  mapped(what: string, source: string, to: string): void {
    this.#add({ outcome: 'mapped', what, source, to })
  }

  difference(
    what: string,
    source: string,
    about: { readonly to?: string; readonly remark: string },
  ): void {
    this.#add({ outcome: 'difference', what, source, ...about })
  }

  unsupported(what: string, source: string, remark: string): void {
    this.#add({ outcome: 'unsupported', what, source, remark })
  }

  dangerous(what: string, source: string, remark: string): void {
    this.#add({ outcome: 'dangerous', what, source, remark })
  }

  #add(fact: ImportFact): void {
    if (this.facts.length < mostFacts) this.facts.push(fact)
  }
}
