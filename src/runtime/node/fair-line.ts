/**
 * Who waits for something of which there is little, in a fair order: one kind of work after the other, and within a kind
 * one client after the other. Whoever comes a thousand times waits behind himself.
 */
export interface Waiting {
  readonly kind: string
  /** The client that it is done for; all that have none are one. */
  readonly whose: string
}

interface Kind<W> {
  count: number
  /** By client; the next one's is the first. */
  readonly lines: Map<string, Set<W>>
}

export class FairLine<W extends Waiting> {
  readonly #most: number
  /** The next one's is the first. */
  readonly #kinds = new Map<string, Kind<W>>()

  /** @param most of one kind */
  constructor(most: number) {
    this.#most = most
  }

  get size(): number {
    return [...this.#kinds.values()].reduce((sum, { count }) => sum + count, 0)
  }

  /**
   * @returns who has to leave for it where too many wait: of whoever has most in line the one that came last, maybe
   * `waiting` itself; that one is out already
   */
  join(waiting: W): W | undefined {
    const kind = this.#kinds.get(waiting.kind) ?? { count: 0, lines: new Map() }
    this.#kinds.set(waiting.kind, kind)
    const own = kind.lines.get(waiting.whose) ?? new Set()
    kind.lines.set(waiting.whose, own.add(waiting))
    kind.count += 1
    if (kind.count <= this.#most) return undefined
    let longest = own
    for (const line of kind.lines.values()) if (line.size > longest.size) longest = line
    const last = [...longest].at(-1)
    if (last !== undefined) this.leave(last)
    return last
  }

  /** Nothing happens to one that is not in line. */
  leave(waiting: W): void {
    const kind = this.#kinds.get(waiting.kind)
    const line = kind?.lines.get(waiting.whose)
    if (kind === undefined || line?.delete(waiting) !== true) return
    kind.count -= 1
    if (line.size === 0) kind.lines.delete(waiting.whose)
    if (kind.count === 0) this.#kinds.delete(waiting.kind)
  }

  /** Whose turn it is; it is in line no longer. */
  next(): W | undefined {
    for (const [name, kind] of this.#kinds) {
      for (const [whose, line] of kind.lines) {
        const [first] = line
        if (first === undefined) continue
        // Both go to the end of their lines.
        this.#kinds.delete(name)
        this.#kinds.set(name, kind)
        kind.lines.delete(whose)
        kind.lines.set(whose, line)
        this.leave(first)
        return first
      }
    }
    return undefined
  }
}
