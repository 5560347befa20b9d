/** Reads a document by the shapes of its sections, and gathers every mistake with its line. */
import type { JsonObject, JsonValue } from '../mail/json.ts'
import { nearest } from '../plugin/nearest.ts'
import type { OptionResources, OptionShape, OptionValues } from '../plugin/option.ts'
import { resolveOptions } from '../plugin/resolve-options.ts'
import type { ConfigDocument, Path } from './document.ts'
import { mistakeAt, type Mistake } from '../plugin/mistake.ts'

export function isMap(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export class Reading {
  readonly mistakes: Mistake[] = []
  readonly #document: ConfigDocument
  readonly #resources: OptionResources

  constructor(document: ConfigDocument, resources: OptionResources) {
    this.#document = document
    this.#resources = resources
  }

  mistake(path: Path, problem: string, remedy: string): void {
    const { file } = this.#document
    const lineOf = (at: Path): number | undefined => this.#document.lineOf(at)
    this.mistakes.push(mistakeAt({ file, path: [], lineOf }, path, { problem, remedy }))
  }

  /** The values of a section, or undefined where it has mistakes. `beside` names keys that others read. */
  section<O extends OptionShape>(
    path: Path,
    shape: O,
    given: JsonValue | undefined,
    beside: readonly string[] = [],
  ): OptionValues<O> | undefined {
    const own = isMap(given)
      ? Object.fromEntries(Object.entries(given).filter(([key]) => !beside.includes(key)))
      : (given ?? {})
    const resolved = resolveOptions(shape, own, this.#resources)
    if (resolved.ok) return resolved.values
    for (const { key, problem, remedy } of resolved.mistakes) {
      this.mistake(key === '' ? path : [...path, key], problem, remedy)
    }
    return undefined
  }

  /** The same, with the defaults of the shape where there are mistakes, so that reading can go on. */
  sectionOrDefaults<O extends OptionShape>(
    top: JsonObject,
    key: string,
    shape: O,
    beside: readonly string[] = [],
  ): OptionValues<O> {
    const values = this.section([key], shape, top[key], beside)
    if (values !== undefined) return values
    const defaults = resolveOptions(shape, {}, this.#resources)
    if (!defaults.ok) throw new Error(`the section ${key} has no defaults`)
    return defaults.values
  }

  /** The items of a list; anything but a list is a mistake. */
  list(path: Path, given: JsonValue | undefined): readonly JsonValue[] {
    if (given === undefined || given === null) return []
    if (Array.isArray(given)) return given
    this.mistake(path, 'is not a list', 'write its items as lines that begin with "- "')
    return []
  }

  /** Keys that nobody reads. */
  unknownKeys(path: Path, given: JsonObject, known: readonly string[]): void {
    for (const key of Object.keys(given)) {
      if (known.includes(key)) continue
      const meant = nearest(key, known)
      this.mistake(
        [...path, key],
        'is not a key that Postern knows',
        meant === undefined ? `there are: ${known.join(', ')}` : `did you mean ${meant}?`,
      )
    }
  }
}
