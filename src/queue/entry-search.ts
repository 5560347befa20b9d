/**
 * The queued messages that a selector means, in the index and, where that is not enough, by their envelopes. Those are not
 * kept in memory: they are read one by one, and a record that turns out to be damaged is set aside on the way.
 */
import { nextTurn } from '../mail/next-turn.ts'
import type { Departures } from './departures.ts'
import { BrokenRecord, type EntryLoader } from './entry-loader.ts'
import type { MessageIndex } from './message-index.ts'
import type { QueuedEntry } from './queued-entry.ts'
import type { Entry, Selector } from './queue.ts'
import { isByHead, matches, matchesHead } from './selection.ts'

/** Envelopes that are read in one turn of the event loop. */
const readAtOnce = 100

export interface EntrySearchOptions {
  readonly index: MessageIndex
  readonly loader: EntryLoader
  readonly departures: Departures
}

export class EntrySearch {
  readonly #options: EntrySearchOptions

  constructor(options: EntrySearchOptions) {
    this.#options = options
  }

  async select(selector: Selector): Promise<readonly QueuedEntry[]> {
    if (isByHead(selector)) return this.#byHead(selector)
    const found: QueuedEntry[] = []
    for await (const { entry } of this.matching(selector)) found.push(entry)
    return found
  }

  /** With their envelopes, by age. Others have their turn in between. */
  async *matching(
    selector: Selector,
  ): AsyncIterable<{ readonly entry: QueuedEntry; readonly loaded: Entry }> {
    const { index, loader, departures } = this.#options
    const byAge = this.#byHead(selector).toSorted((a, b) => a.number - b.number)
    for (const [at, entry] of byAge.entries()) {
      if (at % readAtOnce === readAtOnce - 1) await nextTurn()
      if (!index.has(entry)) continue
      const loaded = await loader.head(entry)
      if (loaded instanceof BrokenRecord) {
        if (index.has(entry)) await departures.setAside(entry, loaded)
      } else if (matches(loaded, selector)) yield { entry, loaded }
    }
  }

  #byHead(selector: Selector): readonly QueuedEntry[] {
    const { index } = this.#options
    const { ids } = selector
    const among =
      ids === undefined
        ? [...index.values()]
        : [...new Set(ids)].flatMap((id) => index.get(id) ?? [])
    return among.filter((entry) => matchesHead(entry, selector))
  }
}
