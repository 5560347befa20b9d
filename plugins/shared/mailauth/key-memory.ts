/**
 * Keys of signatures, read once for each record that is published: what a record says never changes, and to read one costs
 * as much as to verify with it. The DNS is asked all the same, with each message.
 */
import { createPublicKey, type KeyObject } from 'node:crypto'
import type * as ToolsLibrary from 'mailauth/lib/tools.js'
import type { TextResolver } from './dns-resolver.ts'

/** What mailauth knows of a key; only what we use is named. */
export interface PublishedKey {
  readonly publicKey: KeyObject | string
  readonly rr: string
}

/** What a key is wanted for, as mailauth says it. */
export interface KeyTerms {
  readonly strict?: boolean
  readonly hashAlgo?: string
}

/** mailauth's own is made for one message and its resolver, and this one likewise. */
export interface KeyCache {
  readonly resolver: TextResolver
  get(
    type: string,
    name: string,
    minBitLength: number | undefined,
    terms?: KeyTerms,
  ): Promise<PublishedKey>
}

/** Of domains that send to us now. */
const mostKeys = 2_000
/** Longer than that of any key people use; a record of the DNS may have 64 KB, and anybody publishes as many as he likes. */
const longestRecord = 4_000

export class KeyMemory {
  readonly #keys = new Map<string, PublishedKey>()

  /** For one message: each name is asked for once. What makes a key unusable is an error with a code of mailauth's. */
  cacheFor(resolver: TextResolver, { getPublicKey, toALabel }: typeof ToolsLibrary): KeyCache {
    const asked = new Map<string, Promise<PublishedKey>>()
    const find: KeyCache['get'] = async (type, name, minBitLength, terms = {}) => {
      const records = await resolver(toALabel(name), 'TXT')
      const place = JSON.stringify([terms.strict, terms.hashAlgo, minBitLength, records[0]])
      const known = this.#keys.get(place)
      if (known !== undefined) return known
      const key = await getPublicKey(type, name, minBitLength, async () => records, terms)
      // As text it would be read anew with each signature.
      const read = { ...key, publicKey: createPublicKey(key.publicKey) }
      if (place.length <= longestRecord) this.#keep(place, read)
      return read
    }
    return {
      resolver,
      get(type, name, minBitLength, terms = {}) {
        const question = JSON.stringify([name, terms.strict, terms.hashAlgo, minBitLength])
        const before = asked.get(question)
        if (before !== undefined) return before
        const answer = find(type, name, minBitLength, terms)
        // Whoever waits for it hears of it; one that is asked for ahead of time has nobody yet.
        answer.catch(() => undefined)
        asked.set(question, answer)
        return answer
      },
    }
  }

  #keep(place: string, key: PublishedKey): void {
    const [oldest] = this.#keys.keys()
    if (this.#keys.size >= mostKeys && oldest !== undefined) this.#keys.delete(oldest)
    this.#keys.set(place, key)
  }
}
