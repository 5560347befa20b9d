/** The multiparts whose delimiters are looked for, outermost first. */
import { BoundaryTrie, type BoundaryMatch } from './boundary-trie.ts'

interface OpenMultipart {
  readonly part: number
  readonly spellings: readonly Buffer[]
  /** Its last delimiter was met; what follows is its epilogue. */
  ended: boolean
}

export class OpenMultiparts {
  readonly #stack: OpenMultipart[] = []
  readonly #trie = new BoundaryTrie()

  get none(): boolean {
    return this.#stack.length === 0
  }

  /** @returns whether another open one has the same boundary */
  open(part: number, boundaries: readonly string[]): boolean {
    const spellings = boundaries.flatMap(spellingsOf)
    const reused = this.#stack.some(
      (other) =>
        !other.ended && other.spellings.some((one) => spellings.some((two) => one.equals(two))),
    )
    for (const spelling of spellings) this.#trie.add(spelling, this.#stack.length)
    this.#stack.push({ part, spellings, ended: false })
    return reused
  }

  /** What the text of a line from after its two hyphens to `to` says. */
  match(bytes: Uint8Array, from: number, to: number): BoundaryMatch | undefined {
    return this.#trie.match(bytes, from, to)
  }

  /** Whether a line whose two hyphens end at `from` may be a delimiter. */
  mayMatch(bytes: Uint8Array, from: number): boolean {
    return this.#trie.mayMatch(bytes, from)
  }

  /** The multipart that a delimiter belongs to: the innermost with this boundary that is not at its end. Those within it are over. */
  select({
    levels,
  }: BoundaryMatch):
    | { readonly multipart: OpenMultipart; readonly unended: readonly number[] }
    | undefined {
    const level = levels.findLast((each) => this.#stack[each]?.ended === false) ?? levels.at(-1)
    const multipart = level === undefined ? undefined : this.#stack[level]
    if (level === undefined || multipart === undefined) return undefined
    const inner = this.#stack.splice(level + 1)
    for (const [index, { spellings }] of inner.entries()) {
      for (const spelling of spellings) this.#trie.remove(spelling, level + 1 + index)
    }
    return { multipart, unended: partsWithoutEnd(inner) }
  }

  /** The multiparts that never ended. */
  get unended(): readonly number[] {
    return partsWithoutEnd(this.#stack)
  }
}

function partsWithoutEnd(multiparts: readonly OpenMultipart[]): readonly number[] {
  return multiparts.filter(({ ended }) => !ended).map(({ part }) => part)
}

/** The header says it in text; in the body it stands as the bytes that the text was read from. */
function spellingsOf(boundary: string): readonly Buffer[] {
  const utf8 = Buffer.from(boundary, 'utf8')
  const latin1 = Buffer.from(boundary, 'latin1')
  return utf8.equals(latin1) ? [utf8] : [utf8, latin1]
}
