/** What is set in a script by now, and what of it the programs that it starts are given. */
import { longestValue, unknownMark } from './expansion.ts'
import type { ScriptNotes } from './script-notes.ts'

const nameOnly = /^[A-Za-z_][A-Za-z0-9_]*$/

export class ScriptVariables {
  readonly #values: Map<string, string>
  readonly #exported: Set<string>
  readonly #notes: ScriptNotes

  /** @param given to the process that runs the script */
  constructor(given: ReadonlyMap<string, string> | undefined, notes: ScriptNotes) {
    this.#values = new Map(given ?? [['PATH', '/usr/bin:/bin']])
    this.#exported = new Set(given?.keys())
    this.#notes = notes
  }

  get values(): Map<string, string> {
    return this.#values
  }

  /** Those that are exported. */
  environment(): Map<string, string> {
    return new Map(
      [...this.#exported].flatMap((name) => {
        const value = this.#values.get(name)
        return value === undefined ? [] : [[name, value] as const]
      }),
    )
  }

  /** @throws Ended */
  set(name: string, value: string, line: number): void {
    if (value.length > longestValue) throw this.#notes.lost(line, `${name} grows too long`)
    this.#values.set(name, value)
  }

  exportName(name: string): void {
    this.#exported.add(name)
  }

  /** @param texts `NAME` or `NAME=value` */
  export(texts: readonly string[], line: number): void {
    for (const text of texts) {
      const { name, value } = assignmentIn(text)
      if (name === undefined) this.#notes.note(line, `export ${text}`)
      else {
        if (value !== undefined) this.set(name, value, line)
        this.#exported.add(name)
      }
    }
  }

  /** Taken for variables of the script: names that mean two things are not what such scripts have. */
  local(texts: readonly string[], line: number): void {
    for (const text of texts) {
      const { name, value } = assignmentIn(text)
      if (name === undefined) this.#notes.note(line, `local ${text}`)
      else this.set(name, value ?? '', line)
    }
  }

  read(names: readonly string[], line: number): void {
    this.#notes.note(line, 'what read reads is not known')
    for (const name of names) {
      if (nameOnly.test(name)) this.set(name, unknownMark, line)
    }
  }

  unset(name: string): void {
    this.#values.delete(name)
    this.#exported.delete(name)
  }

  /** @returns what makes them again what they are now */
  kept(): () => void {
    const [values, exported] = [new Map(this.#values), new Set(this.#exported)]
    return () => {
      putBack(this.#values, values)
      this.#exported.clear()
      for (const name of exported) this.#exported.add(name)
    }
  }

  areAs(before: ReadonlyMap<string, string>): boolean {
    return (
      before.size === this.#values.size &&
      [...before].every(([name, value]) => this.#values.get(name) === value)
    )
  }
}

export function putBack<Value>(map: Map<string, Value>, before: ReadonlyMap<string, Value>): void {
  map.clear()
  for (const [name, value] of before) map.set(name, value)
}

function assignmentIn(text: string): {
  readonly name?: string | undefined
  readonly value?: string | undefined
} {
  const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)(?:=([^]*))?$/.exec(text) ?? []
  return { name, value }
}
