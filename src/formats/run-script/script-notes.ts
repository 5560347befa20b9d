/** What of a script could not be followed, and where following it has an end. */

export interface UnknownConstruct {
  /** From 1. */
  readonly line: number
  readonly problem: string
}

const mostNotes = 100

/** The script has ended: by exec, exit, or because nobody knows how it goes on. */
export class Ended extends Error {}

export class ScriptNotes {
  readonly #all: UnknownConstruct[] = []

  /** In the order of the script. */
  get all(): readonly UnknownConstruct[] {
    return this.#all
  }

  note(line: number, problem: string): void {
    if (this.#all.length < mostNotes) this.#all.push({ line, problem })
  }

  /** @returns what to throw: nobody knows how the script goes on */
  lost(line: number, what: string): Ended {
    this.note(line, `${what}: not followed any further`)
    return new Ended()
  }
}
