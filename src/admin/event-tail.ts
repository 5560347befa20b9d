/**
 * What happens, as it happens: one tail of the trace store for all who watch, and only while somebody does. It asks the store
 * once a second, so it lives through restarts of the gateway, and costs nothing that receives mail.
 */
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { MessageOperations, StreamedMessage } from './operations.ts'
import type { Now } from './schemas/system.ts'

export interface Watcher {
  /** @returns false where it takes no more: it is dropped */
  transaction(event: StreamedMessage): boolean
  now(now: Now): boolean
  /** Nothing happened; somebody who is gone is found by it, and one whose session ended. */
  beat(): boolean
}

const tickMs = 1_000
const nowEvery = 5
const beatEvery = 15
const mostWatchers = 32
/** Of one tick; beyond them the stream skips, for it shows and does not count. */
const mostEvents = 200

export class EventTail {
  readonly #messages: Pick<MessageOperations, 'since' | 'now'>
  readonly #clock: Pick<Clock, 'after'>
  readonly #log: Log
  readonly #watchers = new Set<Watcher>()
  #timer: Timer | undefined
  #last: string | undefined
  #ticks = 0
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
    return this.#watchers.size
  }

  /**
   * @param after the last event that the watcher has seen: it gets what came since, as far as that is kept
   * @returns how to stop, or undefined where too many watch
   */
  watch(watcher: Watcher, after?: string): (() => void) | undefined {
    if (this.#closed || this.#watchers.size >= mostWatchers) return undefined
    this.#watchers.add(watcher)
    if (after !== undefined) void this.#catchUp(watcher, after)
    if (this.#timer === undefined) {
      this.#last = undefined
      this.#timer = this.#clock.after(0, () => void this.#tick())
    }
    return () => this.#drop(watcher)
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
    this.#watchers.clear()
  }

  #drop(watcher: Watcher): void {
    this.#watchers.delete(watcher)
    if (this.#watchers.size > 0) return
    this.#timer?.cancel()
    this.#timer = undefined
  }

  async #catchUp(watcher: Watcher, after: string): Promise<void> {
    try {
      for (const event of await this.#messages.since(after, mostEvents)) {
        if (!this.#watchers.has(watcher)) return
        if (!watcher.transaction(event)) return this.#drop(watcher)
      }
    } catch (error) {
      this.#log.warn('admin.events-failed', { error: String(error) })
    }
  }

  async #tick(): Promise<void> {
    const ticks = this.#ticks++
    try {
      const events = await this.#messages.since(
        this.#last,
        this.#last === undefined ? 1 : mostEvents,
      )
      // The first look only finds where the stream stands.
      if (this.#last !== undefined)
        for (const event of events) this.#tell((to) => to.transaction(event))
      this.#last = events.at(-1)?.key ?? this.#last ?? ''
      if (ticks % nowEvery === 0) {
        const now = await this.#messages.now()
        this.#tell((to) => to.now(now))
      }
    } catch (error) {
      // The store may be on its way to another file; the next second knows more.
      this.#log.warn('admin.events-failed', { error: String(error) })
    }
    if (ticks % beatEvery === 0) this.#tell((to) => to.beat())
    if (this.#closed || this.#watchers.size === 0) {
      this.#timer = undefined
      return
    }
    this.#timer = this.#clock.after(tickMs, () => void this.#tick())
  }

  #tell(what: (watcher: Watcher) => boolean): void {
    for (const watcher of [...this.#watchers]) if (!what(watcher)) this.#watchers.delete(watcher)
  }
}
