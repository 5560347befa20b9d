/**
 * Keeps the workers: starts them, replaces those that die, tells them what the operator wants, and keeps what must be
 * exact among them. It never spins: a worker that dies again and again is started ever later and then given up, and
 * what was queued in its shards goes to another one. A worker that answers nothing for a minute is as good as dead.
 */
import type { Mistake } from '../plugin/mistake.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { WorkerEnd, WorkerProcess, WorkerProcesses } from '../runtime/workers.ts'
import type { FromWorker, Known, Suspect, ToWorker, WorkerReport } from './messages.ts'
import { RestartSchedule } from './restart-schedule.ts'
import { SharedCounts } from './shared-counts.ts'

/** Until a worker must be open; a large spool takes a while to read. */
const openMs = 600_000
/** What a worker has beyond the grace it was given, before it is killed. */
const beyondGraceMs = 5_000
const pingMs = 10_000
/** Pings, not time: a supervisor that was stopped itself must not blame the workers. */
const mostUnanswered = 6

export interface SupervisorParts {
  /** The configuration folder. */
  readonly folder: string
  /** For each worker the shards of the spool that it works on, its own first. */
  readonly shards: readonly (readonly [number, ...number[]])[]
  readonly processes: WorkerProcesses<ToWorker, FromWorker>
  readonly clock: Clock
  readonly log: Log
  readonly crashes: CrashRecords
}

/** What workers were judging when they died. */
export interface CrashRecords {
  readonly suspects: readonly Suspect[]
  /** Counts what the worker had in hand; never rejects. @returns those that have become suspect by it */
  workerDied(number: number): Promise<readonly Suspect[]>
}

export type Opening =
  | { readonly ok: true; readonly report: WorkerReport }
  | {
      readonly ok: false
      readonly mistakes: readonly Mistake[]
      readonly doubts: readonly Mistake[]
    }

/** What a worker says first; the end may come before any word. */
type FirstWord =
  | Exclude<FromWorker, { say: 'count' | 'alive' }>
  | { readonly say: 'ended'; readonly how: WorkerEnd }

interface Slot {
  readonly number: number
  readonly shards: [number, ...number[]]
  readonly schedule: RestartSchedule
  process?: WorkerProcess<ToWorker, FromWorker> | undefined
  /** Monotonic; undefined while it is not open. */
  openedAt?: number | undefined
  /** It has been open once, and is to be again. */
  wanted: boolean
  unanswered: number
  restart?: Timer
}

interface Stopping {
  readonly over: () => void
  worst: 0 | 1
}

export class Supervisor {
  readonly #parts: SupervisorParts
  readonly #slots: readonly Slot[]
  readonly #counts = new SharedCounts()
  readonly #abandoned = Promise.withResolvers<void>()
  #known: Known | undefined
  #ping: Timer | undefined
  #stopping: Stopping | undefined

  constructor(parts: SupervisorParts) {
    this.#parts = parts
    this.#slots = parts.shards.map(([own, ...others], index) => ({
      number: index + 1,
      shards: [own, ...others],
      schedule: new RestartSchedule(),
      wanted: false,
      unanswered: 0,
    }))
  }

  /** Resolves when all workers have been given up: nobody serves any more. */
  get abandoned(): Promise<void> {
    return this.#abandoned.promise
  }

  /** The process of each worker that there is now. */
  get pids(): readonly number[] {
    return this.#slots.flatMap(({ process }) => process?.pid ?? [])
  }

  /** Resolves when all workers listen, or none does and it is known why. The first one judges the configuration. */
  async open(): Promise<Opening> {
    const [first, ...others] = this.#slots
    if (first === undefined) throw new Error('no workers are asked for')
    const word = await this.#launch(first)
    if (word.say !== 'opened') return this.#refused(word)
    const { listeners, spool } = word.report
    this.#known = { listeners, spool }
    const words = await Promise.all(others.map((slot) => this.#launch(slot)))
    const refusal = words.find(({ say }) => say !== 'opened')
    if (refusal !== undefined && refusal.say !== 'opened') return this.#refused(refusal)
    this.#watch()
    return { ok: true, report: word.report }
  }

  reload(): void {
    this.#tell({ say: 'reload' })
  }

  retryNow(): void {
    this.#tell({ say: 'retry' })
  }

  /** Lets all workers end within `graceMs`. @returns the exit code: 0 if all of them ended well */
  async stop(graceMs: number): Promise<0 | 1> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const stopping: Stopping = { over: resolve, worst: 0 }
    this.#stopping = stopping
    this.#ping?.cancel()
    for (const { restart } of this.#slots) restart?.cancel()
    this.#tell({ say: 'stop', graceMs })
    const deadline = this.#parts.clock.after(graceMs + beyondGraceMs, () => {
      for (const { process } of this.#slots) process?.kill()
    })
    this.#settleStop()
    await promise
    deadline.cancel()
    return stopping.worst
  }

  async #refused(word: Exclude<FirstWord, { say: 'opened' }>): Promise<Opening> {
    await this.stop(0)
    if (word.say === 'refused') return { ok: false, mistakes: word.mistakes, doubts: word.doubts }
    const problem = `a worker ended (${word.how}) before it listened`
    const remedy = 'what it said last is above; plugins are loaded at this point'
    return { ok: false, mistakes: [{ file: this.#parts.folder, problem, remedy }], doubts: [] }
  }

  /** Resolves with what the new worker says first. */
  #launch(slot: Slot): Promise<FirstWord> {
    const { folder, processes, clock, crashes } = this.#parts
    const { promise, resolve } = Promise.withResolvers<FirstWord>()
    const process = processes.start()
    slot.process = process
    slot.unanswered = 0
    const deadline = clock.after(openMs, () => process.kill())
    const said = (word: FirstWord): void => {
      deadline.cancel()
      resolve(word)
    }
    process.attach({
      heard: (message) => {
        slot.unanswered = 0
        if (message.say === 'alive') return
        if (message.say === 'count') return this.#answer(slot, message.questions)
        if (message.say === 'opened') {
          slot.openedAt = clock.monotonicMs()
          slot.wanted = true
        }
        // It has nothing to close, and nothing else to wait for.
        if (message.say === 'refused') process.send({ say: 'stop', graceMs: 0 })
        said(message)
      },
      ended: (how) => {
        said({ say: 'ended', how })
        this.#ended(slot, how)
      },
    })
    const { number, shards } = slot
    const known = this.#known === undefined ? {} : { known: this.#known }
    const { suspects } = crashes
    const seat = { number, workers: this.#slots.length, shards, suspects, ...known }
    process.send({ say: 'open', folder, seat })
    return promise
  }

  #answer(slot: Slot, questions: Extract<FromWorker, { say: 'count' }>['questions']): void {
    const answers = this.#counts.answer(slot.number, questions)
    if (answers.length > 0) slot.process?.send({ say: 'counted', answers })
  }

  #ended(slot: Slot, how: WorkerEnd): void {
    const { clock } = this.#parts
    const livedMs = slot.openedAt === undefined ? 0 : clock.monotonicMs() - slot.openedAt
    slot.process = undefined
    slot.openedAt = undefined
    this.#counts.giveBack(slot.number)
    if (this.#stopping !== undefined) {
      if (how !== 0) this.#stopping.worst = 1
      this.#settleStop()
    } else if (slot.wanted) {
      void this.#replace(slot, how, livedMs)
    }
  }

  async #replace(slot: Slot, how: WorkerEnd, livedMs: number): Promise<void> {
    const { clock, log, crashes } = this.#parts
    const { number } = slot
    const delayMs = slot.schedule.afterDeath(livedMs)
    log.error('worker.ended', { worker: number, how, livedMs: Math.round(livedMs), delayMs })
    const suspects = await crashes.workerDied(number)
    if (suspects.length > 0) this.#tell({ say: 'suspect', suspects })
    if (this.#stopping !== undefined) return
    if (delayMs === undefined) return this.#giveUp(slot)
    slot.restart = clock.after(delayMs, () => void this.#relaunch(slot))
  }

  async #relaunch(slot: Slot): Promise<void> {
    const { log } = this.#parts
    const { number } = slot
    const word = await this.#launch(slot)
    if (word.say === 'opened') log.info('worker.replaced', { worker: number })
    // It ends by itself, and its end is followed by the next try.
    if (word.say === 'refused') {
      const mistakes = word.mistakes.map(({ file, problem }) => `${file}: ${problem}`)
      log.error('worker.not-opened', { worker: number, mistakes })
    }
  }

  /** Its place stays empty until the gateway is started anew; what is queued there goes to who has least. */
  #giveUp(slot: Slot): void {
    const { log } = this.#parts
    slot.wanted = false
    const heirs = this.#slots.filter(({ wanted }) => wanted)
    const [heir] = heirs.toSorted((a, b) => a.shards.length - b.shards.length)
    log.error('worker.given-up', { alert: true, worker: slot.number, heir: heir?.number })
    if (heir === undefined) return this.#abandoned.resolve()
    for (const shard of slot.shards) {
      heir.shards.push(shard)
      // One that is not there now will find it in its orders.
      heir.process?.send({ say: 'adopt', shard })
    }
  }

  /** Ends those that hang: nobody else would, and the kernel goes on giving them clients. */
  #watch(): void {
    this.#ping = this.#parts.clock.after(pingMs, () => {
      for (const slot of this.#slots) {
        if (slot.process === undefined || slot.openedAt === undefined) continue
        if (++slot.unanswered > mostUnanswered) {
          this.#parts.log.error('worker.hangs', { worker: slot.number, pid: slot.process.pid })
          slot.process.kill()
        } else {
          slot.process.send({ say: 'ping' })
        }
      }
      this.#watch()
    })
  }

  #tell(message: ToWorker): void {
    for (const { process } of this.#slots) process?.send(message)
  }

  #settleStop(): void {
    if (this.#slots.every(({ process }) => process === undefined)) this.#stopping?.over()
  }
}
