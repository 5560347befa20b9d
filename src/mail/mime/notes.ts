import type { MimeAmbiguity, MimeAmbiguityKind } from './tree.ts'

/** The ambiguities met so far, each kind once. */
export class Notes {
  readonly #offsets = new Map<MimeAmbiguityKind, number>()

  add(kind: MimeAmbiguityKind, offset: number): void {
    const earlier = this.#offsets.get(kind)
    if (earlier === undefined || offset < earlier) this.#offsets.set(kind, offset)
  }

  get all(): readonly MimeAmbiguity[] {
    return Array.from(this.#offsets, ([kind, offset]) => ({ kind, offset }))
  }
}
