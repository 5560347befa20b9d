/**
 * What happens, as it happens: one tail of the trace store for all who watch, and only while somebody does. It asks the store
 * once a second, so it lives through restarts of the gateway, and costs nothing that receives mail. Those who see the same mail
 * share a feed: whoever sees some of it alone gets the last of that, however busy others are.
 */
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { MessageOperations } from './operations.ts'
import type { Scope } from './permissions.ts'
import type { MessageSummary } from './schemas/messages.ts'
import type { Now } from './schemas/system.ts'

export interface Watcher {
  /** What they may see. */
  readonly scope: Scope
  /** @param id where the stream stands after it. @returns false where it takes no more: it is dropped */
  transaction(message: MessageSummary, id: string | undefined): boolean
  /** So many came besides those that follow. */
  more(count: number): boolean
  now(now: Now): boolean
  /** Nothing happened; somebody who is gone is found by it, and one whose session ended. */
  beat(): boolean
}

const tickMs = 1_000
const nowEvery = 5
const beatEvery = 15
const mostWatchers = 32
/** Of one tick; of more only how many they are, for nobody reads them: a stream costs the same however much mail there is. */
const mostEvents = 20
/** Of what somebody has missed. */
const mostMissed = 200

/** What watchers of one scope are told. */
interface Feed {
  readonly scope: Scope
  readonly watchers: Set<Watcher>
  last: string | undefined
}

export class EventTail {
  readonly #messages: Pick<MessageOperations, 'since' | 'now'>
  readonly #clock: Pick<Clock, 'after'>
  readonly #log: Log
  /** By their scope. */
  readonly #feeds = new Map<string, Feed>()
  #timer: Timer | undefined
  /** A tick waits for the store: nobody begins another. */
  #asking = false
  #ticks = 0
  /** The sums are on their way. */
  #counting = false
  #closed = false

  constructor(
    messages: Pick<MessageOperations, 'since' | 'now'>,
    clock: Pick<Clock, 'after'>,
    log: Log,
  ) {
    this.#messages = messages
    this.#clock = clock
    this.#log = log
  }

  get size(): number {
    return [...this.#feeds.values()].reduce((sum, { watchers }) => sum + watchers.size, 0)
  }

  /**
   * @param after the last event that the watcher has seen: it gets what came since, as far as that is kept
   * @returns how to stop, or undefined where too many watch
   */
  watch(watcher: Watcher, after?: string): (() => void) | undefined {
    if (this.#closed || this.size >= mostWatchers) return undefined
    const key = JSON.stringify(watcher.scope)
    const feed = this.#feeds.get(key) ?? {
      scope: watcher.scope,
      watchers: new Set(),
      last: undefined,
    }
    this.#feeds.set(key, feed)
    feed.watchers.add(watcher)
    if (after !== undefined) void this.#catchUp(watcher, after)
    if (this.#timer === undefined && !this.#asking) {
      this.#timer = this.#clock.after(0, () => void this.#tick())
    }
    return () => this.#drop(watcher)
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
    this.#feeds.clear()
  }

  #drop(watcher: Watcher): void {
    const key = JSON.stringify(watcher.scope)
    const feed = this.#feeds.get(key)
    feed?.watchers.delete(watcher)
    if (feed?.watchers.size === 0) this.#feeds.delete(key)
    if (this.#feeds.size > 0) return
    this.#timer?.cancel()
    this.#timer = undefined
  }

  async #catchUp(watcher: Watcher, after: string): Promise<void> {
    try {
      const { scope } = watcher
      const { items, more, next } = await this.#messages.since(after, mostMissed, scope)
      if (more > 0 && !watcher.more(more)) return this.#drop(watcher)
      for (const [index, message] of items.entries()) {
        if (this.#feeds.get(JSON.stringify(scope))?.watchers.has(watcher) !== true) return
        const id = index === items.length - 1 ? next : undefined
        if (!watcher.transaction(message, id)) return this.#drop(watcher)
      }
    } catch (error) {
      this.#log.warn('admin.events-failed', { error: String(error) })
    }
  }

  async #tick(): Promise<void> {
    const ticks = this.#ticks++
    this.#timer = undefined
    this.#asking = true
    // oxlint-disable-next-line no-await-in-loop -- the store has one thread, and others want it too
    for (const feed of this.#feeds.values()) await this.#advance(feed)
    this.#asking = false
    // The sums may take longer than a second: what happens does not wait for them.
    if (ticks % nowEvery === 0 && !this.#counting) void this.#count()
    if (ticks % beatEvery === 0) this.#tellAll((to) => to.beat())
    if (this.#closed || this.#feeds.size === 0) return
    this.#timer = this.#clock.after(tickMs, () => void this.#tick())
  }

  async #advance(feed: Feed): Promise<void> {
    try {
      const { items, more, next } = await this.#messages.since(feed.last, mostEvents, feed.scope)
      feed.last = next
      if (more > 0) this.#tell(feed, (to) => to.more(more))
      for (const [index, message] of items.entries()) {
        const id = index === items.length - 1 ? next : undefined
        this.#tell(feed, (to) => to.transaction(message, id))
      }
    } catch (error) {
      // The store may be on its way to another file; the next second knows more.
      this.#log.warn('admin.events-failed', { error: String(error) })
    }
  }

  async #count(): Promise<void> {
    this.#counting = true
    try {
      const now = await this.#messages.now()
      this.#tellAll((to) => to.now(now))
    } catch (error) {
      this.#log.warn('admin.events-failed', { error: String(error) })
    } finally {
      this.#counting = false
    }
  }

  #tellAll(what: (watcher: Watcher) => boolean): void {
    for (const feed of this.#feeds.values()) this.#tell(feed, what)
  }

  #tell({ watchers }: Feed, what: (watcher: Watcher) => boolean): void {
    for (const watcher of watchers) if (!what(watcher)) this.#drop(watcher)
  }
}
