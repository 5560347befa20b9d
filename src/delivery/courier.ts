/**
 * Keeps what the queue promised: takes messages as they fall due, as many at a time as the limits allow,
 * and records what came of each. Promises: a failure is settled only after its bounce has been committed,
 * so a crash between may bounce twice and never not at all; and what is under way at a stop is either
 * settled or given back.
 */
import type { DeliveryResult } from '../mail/delivery-result.ts'
import type { Instant } from '../mail/instant.ts'
import type { Claim, Queue, QueueId, Selector, Unsubscribe } from '../queue/queue.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { Attempt, AttemptObserver } from './attempt.ts'
import type { Bouncer } from './bounce.ts'
import { knowsOfDelay, reportsOf, type Report } from './notices.ts'
import { runPass, type Carriers, type PassOptions, type PassResult } from './pass.ts'
import { nextTry } from './schedule.ts'
import { Slots } from './slots.ts'
import type { Router } from './transport.ts'

/** Read each time they matter, so that a reload changes them. */
export interface CourierLimits {
  /** Deliveries at a time: control/concurrencylocal and control/concurrencyremote. */
  readonly local: number
  readonly remote: number
  /** Messages under way at a time, those included that wait for one of the above. */
  readonly messages: number
  /** control/queuelifetime. */
  readonly lifetimeMs: number
  /** So old must a message be before a sender who asked for it is told of the delay. */
  readonly delayNoticeMs: number
}

export interface CourierOptions {
  readonly queue: Queue
  readonly router: Router
  readonly carriers: Carriers
  readonly bouncer: Bouncer
  readonly limits: () => CourierLimits
  readonly clock: Clock
  readonly log: Log
  readonly observer?: AttemptObserver
}

export interface CourierStatus {
  readonly messages: number
  readonly local: number
  readonly remote: number
  readonly paused: boolean
}

interface Outcome {
  readonly claim: Claim
  readonly attempts: readonly PassResult[]
  /** What there was to tell of each attempt. */
  readonly reports: readonly (Report | undefined)[]
  /** Whether whoever must know of it will. */
  readonly told: boolean
}

/** The longest sleep: a wall clock that was set is noticed by then. */
const longestSleepMs = 300_000
/** Until messages are taken again after one could not be claimed or recorded. */
const troubleMs = 1_000
/** Until a message is tried again at which we failed ourselves. */
const giveBackMs = 60_000

export class Courier {
  readonly #options: CourierOptions
  readonly #pass: PassOptions
  readonly #underWay = new Map<QueueId, Promise<void>>()
  readonly #calledOff = new AbortController()
  #unsubscribe: Unsubscribe | undefined
  #timer: Timer | undefined
  #paused = false
  #claiming = 0

  constructor(options: CourierOptions) {
    const { limits } = options
    this.#options = options
    this.#pass = {
      ...options,
      lifetimeMs: () => limits().lifetimeMs,
      slots: {
        local: new Slots(() => limits().local),
        remote: new Slots(() => limits().remote),
      },
    }
  }

  get status(): CourierStatus {
    const { local, remote } = this.#pass.slots
    return {
      messages: this.#underWay.size,
      local: local.taken,
      remote: remote.taken,
      paused: this.#paused,
    }
  }

  start(): void {
    this.#unsubscribe ??= this.#options.queue.onDue(() => this.#takeDue())
    this.#takeDue()
  }

  /** Takes no more messages; what is under way goes on. */
  pause(): void {
    this.#paused = true
    this.#timer?.cancel()
  }

  resume(): void {
    this.#paused = false
    this.#takeDue()
  }

  /** Makes messages due now; by default all of them, as SIGALRM does to qmail-send. @returns how many */
  retryNow(selector: Selector = {}): Promise<number> {
    return this.#options.queue.change(selector, 'retry')
  }

  /**
   * Starts nothing more and waits for what is under way, at most until the deadline: then it is called off and
   * stays in the queue. Resolves when every claim has been settled or given back. A stopped courier stays stopped.
   */
  async stop(deadlineMs: number): Promise<void> {
    this.#unsubscribe?.()
    this.#unsubscribe = undefined
    this.#timer?.cancel()
    this.#pass.slots.local.close()
    this.#pass.slots.remote.close()
    const deadline = this.#options.clock.after(deadlineMs, () => this.#calledOff.abort())
    await Promise.all(this.#underWay.values())
    deadline.cancel()
  }

  get #runs(): boolean {
    return this.#unsubscribe !== undefined && !this.#paused
  }

  #takeDue(): void {
    if (!this.#runs) return
    const { queue, clock, limits } = this.#options
    const most = limits().messages
    const room = most - this.#underWay.size
    if (room <= 0) return
    // A queue may still list what is being claimed at this moment.
    for (const { id } of queue.due(clock.now(), room + this.#claiming)) {
      if (this.#underWay.size >= most) break
      if (!this.#underWay.has(id)) this.#underWay.set(id, this.#attend(id))
    }
    const nextDueAt = queue.nextDueAt()
    if (nextDueAt === undefined) return
    const waitMs = nextDueAt - clock.now()
    this.#sleep(waitMs > 0 ? Math.min(waitMs, longestSleepMs) : troubleMs)
  }

  #sleep(delayMs: number): void {
    this.#timer?.cancel()
    if (this.#runs) this.#timer = this.#options.clock.after(delayMs, () => this.#takeDue())
  }

  /** Never rejects. After trouble nothing is taken at once, or a broken queue would be asked without a pause. */
  async #attend(id: QueueId): Promise<void> {
    let claim: Claim | undefined
    let trouble = false
    try {
      claim = await this.#claim(id)
      if (claim !== undefined) await this.#settle(await this.#work(claim))
    } catch (error) {
      trouble = true
      this.#options.log.error('courier.trouble', { queueId: id, error: String(error) })
    }
    this.#underWay.delete(id)
    if (trouble || claim === undefined) this.#sleep(troubleMs)
    else this.#takeDue()
  }

  async #claim(id: QueueId): Promise<Claim | undefined> {
    this.#claiming++
    try {
      return await this.#options.queue.claim(id)
    } finally {
      this.#claiming--
    }
  }

  /** From the routes to the bounce. A bug on the way gives the claim back. */
  async #work(claim: Claim): Promise<Outcome> {
    try {
      const attempts = await runPass(claim, this.#pass, this.#calledOff.signal)
      const reports = reportsOf(attempts, { ...claim, ...this.#options.limits() })
      const told = await this.#tell(
        claim,
        reports.flatMap((report) => report ?? []),
      )
      return { claim, attempts, reports, told }
    } catch (error) {
      const { queue, clock } = this.#options
      await queue.release(claim, clock.now() + giveBackMs)
      throw error
    }
  }

  async #settle({ claim, attempts, reports, told }: Outcome): Promise<void> {
    const { queue, clock } = this.#options
    if (attempts.every((attempt) => attempt === undefined)) {
      return queue.release(claim, claim.entry.dueAt)
    }
    const outcomes = attempts.map((attempt, i) => {
      if (attempt === undefined) return { result: notTried, retryAt: clock.now() }
      if (attempt.result.outcome === 'failed' && !told) return untold(attempt, claim)
      const nowTold = told && reports[i] !== undefined
      const known = nowTold || knowsOfDelay(claim.entry, claim.recipientIndexes[i])
      return known ? { ...attempt, result: withDelayTold(attempt.result) } : attempt
    })
    const retries = outcomes.flatMap(({ retryAt }) => retryAt ?? [])
    const retryAt = retries.reduce((first, at) => Math.min(first, at), Infinity)
    await queue.settle(
      claim,
      outcomes.map(({ result }) => result),
      retries.length > 0 ? retryAt : clock.now(),
    )
  }

  /** @returns false where a notice was owed and could not be committed */
  async #tell({ entry }: Claim, reports: readonly Report[]): Promise<boolean> {
    if (reports.length === 0) return true
    try {
      await this.#options.bouncer.tell(entry, reports)
      return true
    } catch (error) {
      this.#options.log.error('bounce.trouble', { queueId: entry.id, error: String(error) })
      return false
    }
  }
}

const notTried: DeliveryResult = {
  outcome: 'deferred',
  status: '4.3.2',
  text: 'The gateway was stopped before the turn of this recipient',
}

function withDelayTold(result: DeliveryResult): DeliveryResult {
  return result.outcome === 'deferred' ? { ...result, delayTold: true } : result
}

/** A failure that nobody could be told of is none yet: it is tried once more, and told then. */
function untold(
  { result, startedAt }: Attempt,
  { entry: { receivedAt } }: Claim,
): { readonly result: DeliveryResult; readonly retryAt: Instant } {
  return {
    result: { outcome: 'deferred', status: '4.3.0', text: result.text },
    retryAt: nextTry({ receivedAt, now: startedAt, channel: 'remote' }),
  }
}
