/** One who has said something that is not written yet. */
export interface Speaker {
  /** Writes it. Never throws. */
  send(): void
}

/**
 * What is said to many peers in one turn of the event loop is written at the end of it, one write after the other. A
 * write wakes its peer: between the commands of other sessions each wakes another one, and what this session had in the
 * processor's caches is gone when it comes back. It halves what the receiver costs above the least that Node can do.
 */
export class WriteTurn {
  #speakers: Speaker[] = []

  /** Lets the speaker write when this turn ends. Each asks once. */
  add(speaker: Speaker): void {
    if (this.#speakers.push(speaker) === 1) setImmediate(this.#ends)
  }

  readonly #ends = (): void => {
    const speakers = this.#speakers
    this.#speakers = []
    for (const speaker of speakers) speaker.send()
  }
}
