/** Messages as the API shows them: the trace store, read beside the gateway. */
import type { MessageOperations, PageRequest, StreamedMessages } from '../../admin/operations.ts'
import type { Scope } from '../../admin/permissions.ts'
import type { EntryNumbers } from '../../admin/schemas/chain.ts'
import type {
  MessageDetails,
  MessageFilter,
  MessagePage,
  MessageSummary,
} from '../../admin/schemas/messages.ts'
import type { Now } from '../../admin/schemas/system.ts'
import { isWithin } from '../../admin/scope.ts'
import type { Configuration } from '../../config/configuration.ts'
import type { TracedStep } from '../../filter/trace-reader.ts'
import { isPosternError } from '../../mail/errors.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { TraceQuery, TraceSearch } from '../../trace/trace-search.ts'
import { openTraceSearch } from '../open-traces.ts'
import { Cached } from './cached.ts'
import { entryNumbers } from './entry-numbers.ts'
import { nothingYet, RecentCounts, sliceMs } from './recent-counts.ts'
import { storyView, summaryFor } from './message-view.ts'

export interface MessageParts {
  /** The configuration as it is now. */
  readonly current: () => Configuration
  readonly clock: Clock
  readonly depth: () => Promise<Now['queue']>
  /** Undefined where no gateway answers. */
  readonly health: () => Promise<Now['health']>
}

export interface SampledEntries {
  /** Transactions. */
  readonly sample: number
  readonly entries: ReadonlyMap<string, EntryNumbers>
}

const sampled = 200
const usualPage = 50
/** Pages of the archive for one of ours. */
const mostTurns = 20

export class StoredMessages implements MessageOperations {
  readonly #parts: MessageParts
  readonly #now: Cached<Now>
  readonly #entries: Cached<SampledEntries>
  readonly #recent = new RecentCounts()
  #open: { readonly path: string; readonly search: Promise<TraceSearch> } | undefined

  constructor(parts: MessageParts) {
    this.#parts = parts
    this.#now = new Cached(parts.clock, 2_000, () => this.#count())
    this.#entries = new Cached(parts.clock, 20_000, () => this.#sample())
  }

  async search(filter: MessageFilter, page: PageRequest, scope: Scope): Promise<MessagePage> {
    const { remote, ...rest } = filter
    const query = { ...rest, ...page, ...(remote === undefined ? {} : { client: remote }) }
    const mine = narrowed(query, scope)
    if (mine === undefined) return { items: [] }
    const { limit = usualPage } = page
    const items: MessageSummary[] = []
    let asked: TraceQuery = { ...mine, limit }
    for (let turn = 1; ; turn++) {
      const now = asked
      // oxlint-disable-next-line no-await-in-loop -- each page begins where the one before ended
      const found = await this.#asking((search) => search.search(now))
      if (found === undefined) return { items }
      items.push(...found.items.flatMap((each) => summaryFor(each, filter, scope) ?? []))
      const { next } = found
      if (next === undefined) return { items }
      // What is not theirs was taken out: the page is filled up, but not for ever; with a text, by whoever asks for the next.
      const isOnce = scope.what === 'all' || filter.text !== undefined
      const full = isOnce || items.length >= limit || turn >= mostTurns
      if (full) return { items, next }
      asked = { ...mine, cursor: next, limit: limit - items.length }
    }
  }

  async show(id: string, scope: Scope): Promise<MessageDetails | undefined> {
    const story = await this.#asking((search) => search.read(id))
    return story && storyView(story, scope)
  }

  async since(cursor: string | undefined, limit: number, scope: Scope): Promise<StreamedMessages> {
    const after = cursor === '' ? undefined : cursor
    const recipients = recipientsOf(scope)
    const found = await this.#asking((search) => search.latest(after, limit, recipients))
    const { items = [], more = 0, next = '' } = found ?? {}
    return { items: items.flatMap((each) => summaryFor(each, {}, scope) ?? []), more, next }
  }

  now(): Promise<Now> {
    return this.#now.get()
  }

  /** From the newest transactions: what the entries of the chain did with them. */
  entryNumbers(): Promise<SampledEntries> {
    return this.#entries.get()
  }

  async close(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    this.#recent.forget()
    await (await open?.search.catch(() => undefined))?.close()
  }

  async #count(): Promise<Now> {
    const at = this.#parts.clock.now()
    const counted = this.#asking((search) => this.#recent.count(search, at))
    const [found, queue, health] = await Promise.all([
      counted.then((counts) => counts ?? nothingYet(at)).catch(() => undefined),
      this.#parts.depth().catch(() => undefined),
      this.#parts.health().catch(() => undefined),
    ])
    return {
      at,
      sliceMs,
      ...(found ?? nothingYet(at)),
      stale: found === undefined,
      ...(queue === undefined ? {} : { queue }),
      ...(health === undefined ? {} : { health }),
    }
  }

  async #sample(): Promise<SampledEntries> {
    const page = await this.#asking((search) => search.search({ limit: sampled }))
    const steps: TracedStep[] = []
    for (const { id } of page?.items ?? []) {
      // oxlint-disable-next-line no-await-in-loop -- the archive has one thread, and others want it too
      const story = await this.#asking((search) => search.read(id))
      steps.push(...(story?.steps ?? []))
    }
    return { sample: page?.items.length ?? 0, entries: entryNumbers(steps) }
  }

  /** @returns undefined where nothing was ever recorded */
  async #asking<T>(ask: (search: TraceSearch) => Promise<T>): Promise<T | undefined> {
    try {
      return await ask(await this.#search())
    } catch (error) {
      // The next one opens it anew: the file may have been replaced.
      if (isPosternError(error, 'STORE_FAILED')) await this.close()
      if (isPosternError(error, 'NOT_FOUND')) {
        this.#open = undefined
        return undefined
      }
      throw error
    }
  }

  #search(): Promise<TraceSearch> {
    const configuration = this.#parts.current()
    const { path } = configuration.traces
    if (this.#open?.path !== path) {
      const before = this.#open
      this.#recent.forget()
      this.#open = { path, search: openTraceSearch(configuration) }
      void before?.search.then((search) => search.close()).catch(() => undefined)
    }
    return this.#open.search
  }
}

/** What of the question may be asked; undefined for what can only be somebody else's. */
function narrowed(
  query: Omit<TraceQuery, 'recipient'> & Pick<MessageFilter, 'recipient'>,
  scope: Scope,
): TraceQuery | undefined {
  const { recipient } = query
  if (scope.what === 'all') return query
  if (recipient !== undefined) {
    const asked = recipient.includes('@') ? recipient : `@${recipient}`
    return isWithin(asked.startsWith('@') ? `x${asked}` : asked, scope) ? query : undefined
  }
  const recipients = recipientsOf(scope)
  return recipients.length === 0 ? undefined : { ...query, recipient: recipients }
}

/** Of whom the mail is theirs. */
function recipientsOf(scope: Exclude<Scope, { what: 'all' }>): readonly string[]
function recipientsOf(scope: Scope): readonly string[] | undefined
function recipientsOf(scope: Scope): readonly string[] | undefined {
  switch (scope.what) {
    case 'all':
      return undefined
    case 'mailbox':
      return [scope.address]
    case 'domains':
      return scope.domains.map((domain) => `@${domain}`)
  }
}
