/** What all drafts share: memory (who gets none writes to the disk instead), and the knowledge of each other. */
export class DraftBudget {
  #freeBytes: number
  #underway = 0

  constructor(bytes: number) {
    this.#freeBytes = bytes
  }

  get freeBytes(): number {
    return this.#freeBytes
  }

  /** Drafts that are neither given up nor on their way into the log. */
  get underway(): number {
    return this.#underway
  }

  begin(): void {
    this.#underway += 1
  }

  end(): void {
    this.#underway -= 1
  }

  /** @returns whether it was granted */
  take(bytes: number): boolean {
    if (bytes > this.#freeBytes) return false
    this.#freeBytes -= bytes
    return true
  }

  give(bytes: number): void {
    this.#freeBytes += bytes
  }
}
