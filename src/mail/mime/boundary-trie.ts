/**
 * The boundaries of the multiparts that are open, as a trie over their bytes: one walk along a line finds every boundary it
 * begins with, however many are open, so that a line costs no more than its own length.
 */

interface Node {
  readonly next: Map<number, Node>
  /** The levels whose boundary ends here, outermost first. */
  readonly levels: number[]
}

/** A line that begins with a boundary. */
export interface BoundaryMatch {
  /** The levels that have this boundary, outermost first. */
  readonly levels: readonly number[]
  readonly kind: 'open' | 'close'
  /** Whether nothing but blanks follows. */
  readonly exact: boolean
}

const hyphen = 0x2d

export class BoundaryTrie {
  readonly #root: Node = newNode()
  #size = 0

  get size(): number {
    return this.#size
  }

  add(boundary: Uint8Array, level: number): void {
    let node = this.#root
    for (const byte of boundary) {
      const next = node.next.get(byte) ?? newNode()
      node.next.set(byte, next)
      node = next
    }
    node.levels.push(level)
    this.#size += 1
  }

  remove(boundary: Uint8Array, level: number): void {
    const path = [this.#root]
    for (const byte of boundary) {
      const next = path.at(-1)?.next.get(byte)
      if (next === undefined) return
      path.push(next)
    }
    const levels = path.at(-1)?.levels ?? []
    const at = levels.indexOf(level)
    if (at < 0) return
    levels.splice(at, 1)
    this.#size -= 1
    for (let depth = boundary.length; depth > 0; depth--) {
      const node = path[depth]
      if (node === undefined || node.levels.length > 0 || node.next.size > 0) return
      path[depth - 1]?.next.delete(boundary[depth - 1] ?? 0)
    }
  }

  /**
   * What the line says, from after its two hyphens (`from`) to its end (`to`, line end excluded). A boundary that is followed
   * by nothing but blanks beats one that ends earlier; of two prefixes the longer counts.
   */
  match(bytes: Uint8Array, from: number, to: number): BoundaryMatch | undefined {
    let node = this.#root
    let levels: readonly number[] | undefined
    let closes = false
    let exact = false
    let end = -1
    for (let at = from; at < to; at++) {
      const next = node.next.get(bytes[at] ?? 0)
      if (next === undefined) break
      node = next
      if (node.levels.length === 0) continue
      if (end < 0) end = withoutBlanks(bytes, from, to)
      const closesHere = at + 3 <= end && bytes[at + 1] === hyphen && bytes[at + 2] === hyphen
      const exactHere = at + (closesHere ? 3 : 1) >= end
      // A boundary may itself end in hyphens: of two that fit, the longer is meant.
      if (!exactHere && exact) continue
      levels = node.levels
      closes = closesHere
      exact = exactHere
    }
    return levels && { levels, kind: closes ? 'close' : 'open', exact }
  }

  /** Whether the bytes from `from` on may begin with a boundary: no more than a quick look. */
  mayMatch(bytes: Uint8Array, from: number): boolean {
    let node = this.#root
    for (let at = from; at < bytes.length; at++) {
      const next = node.next.get(bytes[at] ?? 0)
      if (next === undefined) return false
      if (next.levels.length > 0) return true
      node = next
    }
    return true
  }
}

function newNode(): Node {
  return { next: new Map(), levels: [] }
}

function withoutBlanks(bytes: Uint8Array, from: number, to: number): number {
  let end = to
  while (end > from && (bytes[end - 1] === 0x20 || bytes[end - 1] === 0x09)) end--
  return end
}
