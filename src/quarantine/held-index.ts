/**
 * What is in quarantine, in the store, so that a search reads no spool. It is a memory aid: the spool says what is held.
 * What the index has forgotten comes back when the spool is gone through (`Keeper`); what has left the spool without
 * telling is not shown, because every row is held against the queue before anybody sees it; and as long as it is not known
 * to have all that is held here (and that it is not, when it is full), nobody is told "nothing" by it: the queue is gone through.
 */
import { isPosternError } from '../mail/errors.ts'
import type { Instant } from '../mail/instant.ts'
import type { Damaged, Entry, Queue } from '../queue/queue.ts'
import type { StoreTable } from '../runtime/store.ts'
import { heldMessage, readHeldMessage, type HeldMessage } from './held-message.ts'
import { meaning, type Search } from './search.ts'

/** So many rows are kept. */
export const indexedMessages = 200_000

const pageSize = 256

export interface TableSize {
  /** Rows in the table, whosever they are. */
  readonly count: () => Promise<number>
  /** Rows beyond this push the oldest out. */
  readonly room: number
}

export class HeldIndex {
  readonly #table: StoreTable
  readonly #size: TableSize
  #isWhole = false
  #losses = 0
  /** Held, and not written down yet. */
  readonly #coming = new Set<string>()

  /** @param table all workers share it */
  constructor(table: StoreTable, size: TableSize) {
    this.#table = table
    this.#size = size
  }

  async has(id: string): Promise<boolean> {
    return (await this.#table.get(id)) !== undefined
  }

  async add(held: HeldMessage, expiresAt?: Instant): Promise<void> {
    await this.#table.put(held.id, held, expiresAt)
  }

  /** Whether all that our queue holds has a row, or is coming. @throws PosternError STORE_FAILED */
  async isWhole(): Promise<boolean> {
    if (this.#isWhole && (await this.isFull())) this.lost()
    return this.#isWhole
  }

  /** Then each new row has cost an old one, whosever it was. @throws PosternError STORE_FAILED */
  async isFull(): Promise<boolean> {
    const { count, room } = this.#size
    return (await count()) >= room
  }

  /** Counts what makes it less than whole. */
  get losses(): number {
    return this.#losses
  }

  /** Something may be missing from now on. */
  lost(): void {
    this.#losses += 1
    this.#isWhole = false
  }

  /** All that is held was found, or written down. @param since the `losses` before that began */
  found(since: number): void {
    this.#isWhole = since === this.#losses
  }

  /** In the order in which they came. */
  get coming(): readonly string[] {
    return [...this.#coming]
  }

  isComing(id: string): boolean {
    return this.#coming.has(id)
  }

  /** These are held, and will have rows in a moment: until `came`. */
  expect(ids: readonly string[]): void {
    for (const id of ids) this.#coming.add(id)
  }

  came(ids: readonly string[]): void {
    for (const id of ids) this.#coming.delete(id)
  }

  async remove(ids: readonly string[]): Promise<void> {
    await Promise.all(ids.map((id) => this.#table.delete(id)))
  }

  /** Newest first, whatever worker's they are; some of them may be gone. */
  async *rows(search: Search): AsyncGenerator<HeldMessage> {
    const isMeant = meaning(search)
    for (let to: string | undefined; ;) {
      const range = { limit: pageSize, order: 'descending' } as const
      // oxlint-disable-next-line no-await-in-loop -- each page begins where the one before ended
      const page = await this.#table.scan(to === undefined ? range : { ...range, to })
      for (const { value } of page) {
        const held = readHeldMessage(value)
        if (held !== undefined && isMeant(held)) yield held
      }
      to = page.at(-1)?.key
      if (page.length < pageSize || to === undefined) return
    }
  }
}

export interface Holding {
  readonly queue: Pick<Queue, 'entries'>
  /** Absent: the queue itself is gone through. */
  readonly index?: HeldIndex
}

/**
 * Those of a search that a queue holds, newest first. Where the store does not answer, or may have forgotten some (a gateway
 * that has just started), the queue is gone through: it takes longer, but what is held can be had.
 */
export async function findHeld(
  { queue, index }: Holding,
  search: Search,
  limit: number,
): Promise<readonly HeldMessage[]> {
  try {
    if (index !== undefined && (await index.isWhole())) {
      const found = await findByIndex(queue, index, { search, limit })
      // It may have learned only now, by our asking, that its rows are gone.
      if (await index.isWhole()) return found
    }
  } catch (error) {
    if (!isPosternError(error, 'STORE_FAILED')) throw error
  }
  return (await searchQueue(queue, search)).toReversed().slice(0, limit)
}

async function findByIndex(
  queue: Holding['queue'],
  index: HeldIndex,
  { search, limit }: { readonly search: Search; readonly limit: number },
): Promise<readonly HeldMessage[]> {
  const isMeant = meaning(search)
  const found: HeldMessage[] = []
  let page: string[] = []
  const keepThoseAlive = async (): Promise<void> => {
    // A row may name somebody for whom it is not held any more.
    const alive = new Map(
      (await heldAmong(queue, page)).filter(isMeant).map((held) => [held.id, held]),
    )
    found.push(...page.flatMap((id) => alive.get(id) ?? []))
    page = []
  }
  const coming = index.coming.toReversed()
  page.push(...coming)
  const isComing = new Set(coming)
  for await (const { id } of index.rows(search)) {
    if (isComing.has(id)) continue
    page.push(id)
    if (page.length < pageSize) continue
    await keepThoseAlive()
    if (found.length >= limit) break
  }
  if (page.length > 0) await keepThoseAlive()
  return found.slice(0, limit)
}

/** Oldest first. @param ids of messages */
async function heldAmong(
  queue: Holding['queue'],
  ids: readonly string[],
): Promise<readonly HeldMessage[]> {
  return collect(queue.entries({ held: true, ids }))
}

/** Oldest first. Reads the envelope of everything that is held and was received in time. */
async function searchQueue(
  queue: Holding['queue'],
  search: Search,
): Promise<readonly HeldMessage[]> {
  const { before, after } = search
  const held = await collect(
    queue.entries({
      held: true,
      ...(before === undefined ? {} : { receivedBefore: before }),
      ...(after === undefined ? {} : { receivedAfter: after }),
    }),
  )
  return held.filter(meaning(search))
}

async function collect(entries: AsyncIterable<Entry | Damaged>): Promise<readonly HeldMessage[]> {
  const found: HeldMessage[] = []
  for await (const entry of entries) {
    const held = 'damaged' in entry ? undefined : heldMessage(entry)
    if (held !== undefined) found.push(held)
  }
  return found
}
