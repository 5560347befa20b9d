import type { Instant } from '../mail/instant.ts'

/** What a heap orders. `heapIndex` belongs to the heap: -1 while outside. */
export interface Due {
  readonly number: number
  readonly dueAt: Instant
  heapIndex: number
}

/** A binary heap by due time, then by age. `dueAt` must not change while inside. */
export class DueHeap<T extends Due> {
  readonly #items: T[] = []

  get first(): T | undefined {
    return this.#items[0]
  }

  add(item: T): void {
    item.heapIndex = this.#items.length
    this.#items.push(item)
    this.#rise(item)
  }

  /** Removing what is outside does nothing. */
  remove(item: T): void {
    const at = item.heapIndex
    if (at < 0) return
    item.heapIndex = -1
    const last = this.#items.pop()
    if (last === undefined || last === item) return
    this.#put(last, at)
    this.#rise(last)
    this.#sink(last)
  }

  /** In order, those due at `now`; they stay inside. */
  due(now: Instant, limit: number): T[] {
    const found: T[] = []
    for (let next = this.first; next !== undefined && found.length < limit; next = this.first) {
      if (next.dueAt > now) break
      this.remove(next)
      found.push(next)
    }
    for (const item of found) this.add(item)
    return found
  }

  #rise(item: T): void {
    while (item.heapIndex > 0) {
      const at = item.heapIndex
      const above = this.#items[(at - 1) >> 1]
      if (above === undefined || !before(item, above)) return
      this.#put(item, above.heapIndex)
      this.#put(above, at)
    }
  }

  #sink(item: T): void {
    for (;;) {
      const at = item.heapIndex
      const left = this.#items[2 * at + 1]
      if (left === undefined) return
      const right = this.#items[2 * at + 2]
      const least = right !== undefined && before(right, left) ? right : left
      if (!before(least, item)) return
      this.#put(item, least.heapIndex)
      this.#put(least, at)
    }
  }

  #put(item: T, at: number): void {
    this.#items[at] = item
    item.heapIndex = at
  }
}

function before(a: Due, b: Due): boolean {
  return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.number < b.number)
}
