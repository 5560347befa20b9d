/** The parts found so far: begun at their header, described at its end, closed by a delimiter or by the end of the message. */
import type { Header } from '../header.ts'
import type { PartFacts } from './part-facts.ts'
import type { MimePart } from './tree.ts'

interface Draft {
  readonly index: number
  readonly parent: number
  readonly depth: number
  offset: number
  readonly defaultType: string
  described: Described | undefined
  end: number | undefined
}

interface Described {
  readonly header: Header
  readonly facts: PartFacts
  readonly bodyOffset: number
  readonly container: boolean
}

export class PartList {
  readonly #drafts: Draft[] = []
  /** Those that are not closed, outermost first. */
  readonly #open: Draft[] = []

  get length(): number {
    return this.#drafts.length
  }

  begin(part: Pick<Draft, 'parent' | 'offset' | 'defaultType'>): void {
    const depth = part.parent < 0 ? 0 : this.depthOf(part.parent) + 1
    const draft: Draft = {
      ...part,
      index: this.length,
      depth,
      described: undefined,
      end: undefined,
    }
    this.#drafts.push(draft)
    this.#open.push(draft)
  }

  /** The part begun last: its number, and the type it has where it says nothing. */
  get current(): Pick<Draft, 'index' | 'parent' | 'defaultType'> {
    return this.#drafts.at(-1) ?? { index: -1, parent: -1, defaultType: 'text/plain' }
  }

  /** The part begun last begins here. */
  moveTo(offset: number): void {
    const draft = this.#drafts.at(-1)
    if (draft !== undefined) draft.offset = offset
  }

  describe(described: Described): void {
    const draft = this.#drafts.at(-1)
    if (draft !== undefined) draft.described = described
  }

  depthOf(index: number): number {
    return this.#drafts[index]?.depth ?? 0
  }

  offsetOf(index: number): number {
    return this.#drafts[index]?.offset ?? 0
  }

  typeOf(index: number): string | undefined {
    return this.#drafts[index]?.described?.facts.type
  }

  /** Closes whatever is open inside the part, not the part itself. */
  closeInside(index: number, end: number): void {
    while ((this.#open.at(-1)?.index ?? -1) > index) {
      const draft = this.#open.pop()
      if (draft !== undefined) draft.end = end
    }
  }

  /** A part whose header was not read to its end is left out: nothing is known of it. */
  finish(sizeBytes: number): readonly MimePart[] {
    this.closeInside(-1, sizeBytes)
    return this.#drafts.flatMap((draft) => {
      const { described, index, parent, depth, offset } = draft
      if (described === undefined) return []
      const { header, facts, bodyOffset, container } = described
      const length = Math.max(0, (draft.end ?? sizeBytes) - bodyOffset)
      return {
        index,
        parent,
        depth,
        header,
        headerRange: { offset, length: bodyOffset - offset },
        bodyRange: { offset: bodyOffset, length },
        type: facts.type,
        otherTypes: facts.otherTypes,
        container,
        charset: facts.charset,
        encodings: facts.encodings,
        disposition: facts.disposition,
        fileNames: facts.fileNames,
      }
    })
  }
}
