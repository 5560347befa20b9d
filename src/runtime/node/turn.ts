/** A connection that takes its part in the turns of the event loop. */
export interface Party {
  /** What came in first: by it those that say the same are taken one after the other. */
  readonly firstByte: number
  /** Hands on what came in. Never throws. */
  hear(): void
  /** Writes what is to be said. Never throws. */
  send(): void
}

/** So long those who are early in what they do are served at a time, in milliseconds; those near its end wait no longer. */
const sliceMs = 1

/**
 * What comes in from many peers in one turn of the event loop is taken at the end of it, and what is said to them is
 * written after that.
 *
 * Peers that say the same are taken one after the other: the way from RCPT to its reply is long, and what it needs is in
 * the processor's caches when the next one goes it. Written at once, each reply would wake its peer in between, and
 * the caches would be gone. Both together take a third of the receiver's cost away.
 *
 * Who sends a message is taken first. It is near its end, and what it holds is given back the sooner.
 */
export class Turn {
  readonly #nowMs: () => number
  #ending: Party[] = []
  /** Those of earlier turns come before those of this one, so that nobody is passed by for ever. */
  #late: Party[] = []
  #heard: Party[] = []
  #speakers: Party[] = []
  #hearing = false
  #speaking = false

  /** @param nowMs a clock that only goes forward */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs
  }

  /** Lets the party hand on what came in. Each asks once. @param isEnding it is near the end of what it does */
  hears(party: Party, isEnding: boolean): void {
    if (isEnding) this.#ending.push(party)
    else this.#heard.push(party)
    this.#hearLater()
  }

  /** Lets the party write when this turn ends. Each asks once. */
  speaks(party: Party): void {
    this.#speakers.push(party)
    this.#speakLater()
  }

  #hearLater(): void {
    if (this.#hearing) return
    this.#hearing = true
    setImmediate(this.#hear)
    // Asked for now, it comes right after the hearing, and what is said there goes out in the same turn.
    this.#speakLater()
  }

  #speakLater(): void {
    if (this.#speaking) return
    this.#speaking = true
    setImmediate(this.#speak)
  }

  readonly #hear = (): void => {
    this.#hearing = false
    const ending = this.#ending
    this.#ending = []
    for (const party of ending) party.hear()
    if (this.#late.length === 0 && this.#heard.length === 0) return
    const heard = this.#late.concat(this.#heard.sort((a, b) => a.firstByte - b.firstByte))
    this.#heard = []
    this.#late = heard.slice(this.#hearSome(heard))
    if (this.#late.length > 0) this.#hearLater()
  }

  readonly #speak = (): void => {
    this.#speaking = false
    const speakers = this.#speakers
    this.#speakers = []
    for (const speaker of speakers) speaker.send()
    // What was not taken yet comes in the next turn, and its replies go out in that one.
    if (this.#hearing) this.#speakLater()
  }

  /** At least one. @returns how many */
  #hearSome(parties: readonly Party[]): number {
    const until = this.#nowMs() + sliceMs
    let taken = 0
    for (const party of parties) {
      party.hear()
      taken += 1
      if (this.#nowMs() > until) break
    }
    return taken
  }
}
