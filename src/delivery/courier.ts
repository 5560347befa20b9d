/**
 * Keeps what the queue promised: takes messages as they fall due, as many at a time as the limits allow,
 * and records what came of each. Promises: a failure is settled only after its bounce has been committed,
 * so a crash between may bounce twice and never not at all; and what is under way at a stop is either
 * settled or given back.
 */
import type { DeliveryResult } from '../mail/delivery-result.ts'
import type { Instant } from '../mail/instant.ts'
import type { Claim, Queue, QueueId, Selector, Unsubscribe } from '../queue/queue.ts'
import type { Route } from '../mail/route.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { HopTurns } from '../runtime/hop-turns.ts'
import type { SlotChannel, SlotLeases } from '../runtime/slot-leases.ts'
import type { Log } from '../runtime/log.ts'
import type { Attempt, AttemptObserver } from './attempt.ts'
import type { Bouncer } from './bounce.ts'
import { CallOff } from './call-off.ts'
import { knowsOfDelay, reportsOf, type Report } from './notices.ts'
import { HopHealth } from './hop-health.ts'
import { Lanes } from './lanes.ts'
import {
  isTried,
  runPass,
  type Carriers,
  type DestinationLimits,
  type NotTried,
  type PassOptions,
  type PassResult,
} from './pass.ts'
import type { Pauses } from './pauses.ts'
import { nextTry } from './schedule.ts'
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
  /** Without it one destination may have half of the slots for remote deliveries. */
  readonly destination?: (route: Route) => DestinationLimits
  readonly pauses?: Pick<Pauses, 'covers' | 'all'>
  /** Where other processes deliver as well: what all of them keep to. */
  readonly turns?: HopTurns | undefined
  /** Where they share the slots. */
  readonly slots?: SlotLeases | undefined
  readonly clock: Clock
  readonly log: Log
  readonly observer?: AttemptObserver
}

export interface CourierStatus {
  readonly messages: number
  readonly local: number
  readonly remote: number
  readonly paused: boolean
  /** Deliveries that wait for their turn. */
  readonly waiting: { readonly local: number; readonly remote: number }
  /** Next hops that did not answer. */
  readonly hopsDown: number
}

type LeaseTerms = [whole: () => number, changed: () => void]

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
/** Read from the queue in one turn: it may hold very many that are due. */
const claimsAtOnce = 32
/** Until messages are taken again after one could not be claimed or recorded. */
const troubleMs = 1_000
/** Until a message is tried again at which we failed ourselves. */
const giveBackMs = 60_000

export class Courier {
  readonly #options: CourierOptions
  readonly #pass: PassOptions
  readonly #underWay = new Map<QueueId, Promise<void>>()
  readonly #callOff = new CallOff()
  #unsubscribe: Unsubscribe | undefined
  #timer: Timer | undefined
  #paused = false
  #claiming = 0
  #soon = false

  constructor(options: CourierOptions) {
    const { limits } = options
    this.#options = options
    const { clock, log, turns, slots } = options
    const callBack = (ids: readonly QueueId[]): void => void this.#callBack(ids)
    const channel = (name: SlotChannel) => ({
      clock,
      callBack,
      turns,
      limit: () => limits()[name],
      lease: slots && ((...how: LeaseTerms) => slots.open(name, ...how)),
    })
    let deliveries = 0
    this.#pass = {
      nextDelivery: () => ++deliveries,
      destination: () => ({ concurrency: 'half', intervalMs: 0 }),
      ...options,
      lifetimeMs: () => limits().lifetimeMs,
      hops: new HopHealth(clock, log),
      lanes: {
        local: new Lanes(channel('local')),
        // Dials that nobody answers take a minute each: not every slot may hang on them.
        remote: new Lanes({ ...channel('remote'), reserved: reservedOf }),
      },
    }
  }

  get status(): CourierStatus {
    const { local, remote } = this.#pass.lanes
    return {
      messages: this.#underWay.size,
      local: local.taken,
      remote: remote.taken,
      paused: this.#isPaused,
      waiting: { local: local.waiting, remote: remote.waiting },
      hopsDown: this.#pass.hops.down,
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

  /** What is paused has changed. */
  pausesChanged(): void {
    if (this.#isPaused) this.#timer?.cancel()
    else this.#takeDue()
  }

  /** The configuration has changed: whether deliveries are paused there, and maybe the limits. */
  reloaded({ paused }: { readonly paused: boolean }): void {
    if (paused) this.pause()
    else this.#paused = false
    this.#pass.lanes.local.limitChanged()
    this.#pass.lanes.remote.limitChanged()
    this.#takeDue()
  }

  /** Next hops that did not answer are called again. */
  forgetDownHops(): void {
    this.#pass.hops.forget()
  }

  /**
   * Makes messages due now; by default all of them, as SIGALRM does to qmail-send. Whoever asks wants next hops called that
   * did not answer, too. @returns how many
   */
  retryNow(selector: Selector = {}): Promise<number> {
    this.forgetDownHops()
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
    this.#pass.lanes.local.close()
    this.#pass.lanes.remote.close()
    const deadline = this.#options.clock.after(deadlineMs, () => this.#callOff.call())
    await Promise.all(this.#underWay.values())
    deadline.cancel()
    for (const { transport } of Object.values(this.#options.carriers)) transport.close?.()
  }

  get #runs(): boolean {
    return this.#unsubscribe !== undefined && !this.#isPaused
  }

  get #isPaused(): boolean {
    return this.#paused || this.#options.pauses?.all === true
  }

  #takeDue(): void {
    if (!this.#runs) return
    const { queue, clock, limits } = this.#options
    const now = clock.now()
    const room = Math.min(limits().messages - this.#underWay.size, claimsAtOnce - this.#claiming)
    for (const { id } of room > 0 ? queue.due(now, room + this.#claiming) : []) {
      // A queue may still list what is being claimed, or what is due again while its settling is being written.
      if (!this.#underWay.has(id)) this.#underWay.set(id, this.#attend(id))
    }
    const nextDueAt = queue.nextDueAt()
    if (nextDueAt === undefined) return
    const waitMs = nextDueAt - clock.now()
    this.#sleep(waitMs > 0 ? Math.min(waitMs, longestSleepMs) : troubleMs)
  }

  /** In a turn of its own, so that a long list of what is due holds nobody up. */
  #takeSoon(): void {
    if (this.#soon) return
    this.#soon = true
    setImmediate(() => {
      this.#soon = false
      this.#takeDue()
    })
  }

  /** Messages that went back to the queue because too many waited. Never rejects. */
  async #callBack(away: readonly QueueId[]): Promise<void> {
    // One that is under way still has recipients at work: when it comes back is settled with them.
    const ids = [...new Set(away)].filter((id) => !this.#underWay.has(id))
    if (ids.length === 0) return
    try {
      await this.#options.queue.change({ ids }, 'retry')
    } catch (error) {
      // They come back by themselves, later.
      this.#options.log.warn('courier.call-back-failed', { error: String(error) })
    }
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
      if (claim !== undefined) this.#takeSoon()
      if (claim !== undefined) await this.#settle(await this.#work(claim))
    } catch (error) {
      trouble = true
      this.#options.log.error('courier.trouble', { queueId: id, error: String(error) })
    }
    this.#underWay.delete(id)
    if (trouble || claim === undefined) this.#sleep(troubleMs)
    else this.#takeSoon()
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
      const attempts = await runPass(claim, this.#pass, this.#callOff)
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
    if (!attempts.some(isTried)) return queue.release(claim, earliest(attempts), 'volatile')
    const outcomes = attempts.map((attempt, i) => {
      if (!isTried(attempt)) return { result: waiting(attempt), retryAt: attempt.until }
      if (attempt.result.outcome === 'failed' && !told) return untold(attempt, claim)
      const nowTold = told && reports[i] !== undefined
      const known = nowTold || knowsOfDelay(claim.entry, claim.recipientIndexes[i])
      return known ? { ...attempt, result: withDelayTold(attempt.result) } : attempt
    })
    await queue.settle(
      claim,
      outcomes.map(({ result }) => result),
      outcomes.map(({ retryAt }) => retryAt ?? clock.now()),
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

/** A quarter, and one of few: a worker of several has two or three. */
function reservedOf(slots: number): number {
  return slots < 2 ? 0 : Math.max(1, Math.floor(slots / 4))
}

/** Of the recipients of a message none of which was tried. */
function earliest(attempts: readonly PassResult[]): Instant {
  return attempts.reduce(
    (first, attempt) => (isTried(attempt) ? first : Math.min(first, attempt.until)),
    Infinity,
  )
}

/** Others of the message were tried. */
function waiting({ notTried }: NotTried): DeliveryResult {
  const text = `${notTried}: this recipient's turn has not come yet`
  return { outcome: 'deferred', status: '4.3.2', text }
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
