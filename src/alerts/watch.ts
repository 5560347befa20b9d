/**
 * Looks at the numbers of the whole gateway now and then, and tells an operator of what begins and what ends. Nothing
 * waits for it, and nothing that it does can stop mail: what it cannot tell now it tells later, within bounds.
 */
import { errorMessage } from '../mail/errors.ts'
import type { Instant } from '../mail/instant.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import { processMetrics } from '../runtime/metrics/inventory.ts'
import type { Metrics } from '../runtime/metrics/metrics.ts'
import type { MetricsSnapshot } from '../runtime/metrics/snapshot.ts'
import type { Net } from '../runtime/net.ts'
import type { StoreTable } from '../runtime/store.ts'
import {
  afterLook,
  freshState,
  noTrends,
  readState,
  testNotice,
  withNotices,
  type ActiveAlert,
  type AlertState,
  type Notice,
  type Told,
  type Trends,
} from './book.ts'
import { look } from './look.ts'
import { steadyMs, type AlertSettings } from './settings.ts'
import { callWebhook } from './webhook.ts'
import { bodyOf, letterOf, type AlertLetter } from './words.ts'

export interface AlertWatchOptions {
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  readonly net: Pick<Net, 'connect'>
  readonly memory: Pick<StoreTable, 'get' | 'put'>
  /** In force now; undefined: nobody wants to know. */
  readonly settings: () => AlertSettings | undefined
  readonly hostname: () => string
  /** Of all workers. */
  readonly snapshot: () => Promise<MetricsSnapshot>
  /** To all that the settings name. @throws where it could not be queued */
  readonly send: (letter: AlertLetter) => Promise<void>
  /** The process id of the supervisor. */
  readonly supervisor: number
}

export interface AlertReport {
  /** Somebody is told. */
  readonly configured: boolean
  readonly active: readonly ActiveAlert[]
  /** Notices that nobody could be told of yet. */
  readonly untold: number
  /** What went wrong when somebody was told last. */
  readonly trouble?: string
}

const rememberedAs = 'state'
const hourMs = 3_600_000
/** Where nobody is to be told, it looks whether that has changed. */
const idleMs = 60_000
/** Calls of one look. */
const mostCalls = 20
const firstPauseMs = 15_000
const longestPauseMs = 900_000

export class AlertWatch {
  readonly #options: AlertWatchOptions
  readonly #stopped = new AbortController()
  readonly #unwatch: () => void
  #state: AlertState = freshState
  #trends: Trends = noTrends
  #isRead = false
  #timer: Timer | undefined
  #work: Promise<void> = Promise.resolve()
  #failures = 0
  /** No call before. */
  #callsFrom: Instant = 0
  /** Why somebody is not told yet. */
  readonly #trouble = new Map<keyof Told, string>()

  constructor(options: AlertWatchOptions) {
    this.#options = options
    this.#unwatch = options.metrics.watch((report) =>
      report(processMetrics.alerts, this.#state.active.length),
    )
  }

  start(): void {
    if (this.#stopped.signal.aborted) return
    const everyMs = this.#options.settings()?.lookEveryMs ?? idleMs
    this.#timer = this.#options.clock.after(everyMs, () => {
      void this.look().then(() => this.start())
    })
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    this.#timer?.cancel()
    this.#unwatch()
    await this.#work
  }

  /** One look after the other. Never rejects. */
  look(): Promise<void> {
    return this.#after(async () => {
      const settings = this.#options.settings()
      if (settings === undefined) return
      const { clock, supervisor } = this.#options
      const snapshot = await this.#options.snapshot()
      const { active, memory: before } = this.#state
      const { readings, memory } = look(snapshot, {
        limits: settings,
        before,
        supervisor,
        active: active.map(({ key }) => key),
      })
      const endsAfterMs = steadyMs(settings).good
      const seen = { readings, now: clock.now(), owes: channels(settings), endsAfterMs }
      const { state, trends } = afterLook(this.#state, this.#trends, seen)
      this.#state = { ...state, memory }
      this.#trends = trends
      this.#log(active)
      await this.#keep()
      await this.#tell(settings)
    })
  }

  /** Sends a test to everybody who would be told of an alert. @returns what came of it */
  async test(): Promise<AlertReport> {
    await this.#after(async () => {
      const settings = this.#options.settings()
      if (settings === undefined) return
      const now = this.#options.clock.now()
      this.#state = withNotices(this.#state, [testNotice(now, channels(settings))], now)
      this.#callsFrom = 0
      await this.#tell(settings)
    })
    return this.report
  }

  get report(): AlertReport {
    return {
      configured: this.#options.settings() !== undefined,
      active: this.#state.active,
      untold: this.#state.notices.length,
      ...(this.#trouble.size === 0 ? {} : { trouble: [...this.#trouble.values()].join('; ') }),
    }
  }

  #after(work: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(async () => {
      try {
        await this.#read()
        await work()
      } catch (error) {
        this.#options.log.error('alerts.trouble', { error: String(error) })
      }
    })
    return this.#work
  }

  /** Where the store fails, something may be told twice: better than not at all. */
  async #read(): Promise<void> {
    if (this.#isRead) return
    this.#isRead = true
    try {
      this.#state = readState(await this.#options.memory.get(rememberedAs))
    } catch (error) {
      this.#options.log.warn('alerts.not-remembered', { error: String(error) })
    }
  }

  /** A store that fails must not keep anybody from being told. */
  async #keep(): Promise<void> {
    try {
      await this.#options.memory.put(rememberedAs, this.#state)
    } catch (error) {
      this.#options.log.warn('alerts.not-kept', { error: String(error) })
    }
  }

  #log(before: readonly ActiveAlert[]): void {
    const { log } = this.#options
    const { active } = this.#state
    for (const { key, summary } of active) {
      if (!before.some((each) => each.key === key)) log.warn('alert.begun', { alert: key, summary })
    }
    for (const { key } of before) {
      if (!active.some((each) => each.key === key)) log.info('alert.ended', { alert: key })
    }
  }

  async #tell(settings: AlertSettings): Promise<void> {
    if (this.#state.notices.length === 0) return this.#trouble.clear()
    await this.#mail(settings)
    await this.#call(settings)
    await this.#keep()
  }

  /** All that is owed goes in one mail; too many within an hour, and it waits. */
  async #mail({ to, mailsPerHour }: AlertSettings): Promise<void> {
    const { clock, hostname, send } = this.#options
    const owed = this.#state.notices.filter(({ owes }) => owes.mail)
    const now = clock.now()
    const mails = this.#state.mails.filter((at) => now - at < hourMs)
    if (owed.length === 0 || to.length === 0) return this.#paid(owed, 'mail')
    if (mails.length >= mailsPerHour) return
    try {
      await send(letterOf(owed, { hostname: hostname(), active: this.#state.active }))
      this.#state = { ...this.#state, mails: [...mails, now] }
      this.#paid(owed, 'mail')
    } catch (error) {
      this.#failed('mail', error)
    }
  }

  async #call({ webhook }: AlertSettings): Promise<void> {
    const { clock, net, hostname } = this.#options
    const owed = this.#state.notices.filter(({ owes }) => owes.webhook)
    if (webhook === undefined) return this.#paid(owed, 'webhook')
    if (clock.now() < this.#callsFrom) return
    const { signal } = this.#stopped
    for (const notice of owed.slice(0, mostCalls)) {
      const body = JSON.stringify(bodyOf(notice, hostname()))
      try {
        await callWebhook({ net, clock }, webhook, { body, signal })
        this.#failures = 0
        this.#paid([notice], 'webhook')
      } catch (error) {
        const pauseMs = Math.min(firstPauseMs * 2 ** Math.min(this.#failures, 20), longestPauseMs)
        this.#failures += 1
        this.#callsFrom = clock.now() + pauseMs
        return this.#failed('webhook', error)
      }
    }
  }

  #failed(channel: keyof Told, error: unknown): void {
    const text = errorMessage(error)
    this.#trouble.set(channel, `${channel}: ${text}`)
    this.#options.log.warn('alerts.not-told', { channel, error: text })
  }

  #paid(told: readonly Notice[], channel: keyof Told): void {
    this.#trouble.delete(channel)
    const notices = this.#state.notices.map((notice) =>
      told.includes(notice) ? { ...notice, owes: { ...notice.owes, [channel]: false } } : notice,
    )
    this.#state = withNotices({ ...this.#state, notices }, [], this.#options.clock.now())
  }
}

function channels({ to, webhook }: AlertSettings): Told {
  return { mail: to.length > 0, webhook: webhook !== undefined }
}
