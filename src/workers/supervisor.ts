/**
 * Keeps the workers: starts them, replaces those that die, tells them what the operator wants, and keeps what must be
 * exact among them. It never spins: a worker that dies again and again is started ever later and then given up, and
 * what was queued in its shards goes to another one. A worker that answers nothing for a minute is as good as dead.
 */
import type { Mistake } from '../plugin/mistake.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import { listenKey } from '../runtime/listen-key.ts'
import type { HandedListener } from '../runtime/net.ts'
import type { WorkerEnd, WorkerProcesses } from '../runtime/workers.ts'
import { firstLife } from './first-life.ts'
import { FirstWords, type FirstWord } from './first-words.ts'
import { LentSlots } from './lent-slots.ts'
import {
  needsStart,
  type FromWorker,
  type Known,
  type ReloadReport,
  type Seat,
  type ToWorker,
  type WorkerReport,
} from './messages.ts'
import { Replacement } from './replacement.ts'
import type { Member } from './claims.ts'
import { beyondGraceMs, succeed, type Newcomer } from './succession.ts'
import {
  notNow,
  problemOf,
  type CrashRecords,
  type Heard,
  type Opening,
  type Restart,
  type Stopping,
  type Successor,
  type WorkerState,
} from './supervision.ts'
import { SharedCounts } from './shared-counts.ts'
import { Watchdog } from './watchdog.ts'
import { WorkerQuestions } from './worker-questions.ts'
import { WorkerSlot, type Worker } from './worker-slot.ts'
import { statesOf } from './worker-states.ts'

/** Until a worker must be open; a large spool takes a while to read. */
const openMs = 600_000

export interface SupervisorParts {
  /** The configuration folder. */
  readonly folder: string
  /** For each worker the shards of the spool that it works on, its own first. */
  readonly shards: readonly (readonly [number, ...number[]])[]
  readonly processes: WorkerProcesses<ToWorker, FromWorker>
  readonly clock: Clock
  readonly log: Log
  readonly crashes: CrashRecords
  /** Called before new workers write by what lies in the folder; what comes back, when all of them are there. */
  readonly restarting?: () => Promise<() => void>
  /** Called when what lies in the folder has come into force. */
  readonly reconfigured?: () => void
}

export class Supervisor {
  readonly #parts: SupervisorParts
  readonly #slots: readonly WorkerSlot[]
  readonly #counts: SharedCounts
  readonly #lent: LentSlots
  readonly #questions: WorkerQuestions
  readonly #watchdog: Watchdog
  readonly #replacement: Replacement
  readonly #abandoned = Promise.withResolvers<void>()
  #known: Known | undefined
  #stopping: Stopping | undefined
  #stopped: Promise<0 | 1> | undefined
  #successor: Successor | undefined
  #isRestarting = false
  #lastReload: ReloadReport | undefined
  #admits = true

  constructor(parts: SupervisorParts) {
    this.#parts = parts
    this.#slots = parts.shards.map((shards, index) => new WorkerSlot(index + 1, shards))
    this.#counts = new SharedCounts(parts.clock)
    this.#lent = new LentSlots(this.#slots, parts.clock)
    this.#questions = new WorkerQuestions(parts.clock)
    this.#watchdog = new Watchdog(this.#slots, parts)
    this.#replacement = new Replacement({
      slots: this.#slots,
      clock: parts.clock,
      log: parts.log,
      crashes: parts.crashes,
      launch: (slot) => this.#launch(slot),
      beware: (wariness) => this.#tell({ say: 'beware', wariness }),
      stopping: () => this.#stopping !== undefined,
      waiting: () => this.#waitingSuccessor,
      abandoned: () => this.#abandoned.resolve(),
    })
  }

  /** Resolves when all workers have been given up: nobody serves any more. */
  get abandoned(): Promise<void> {
    return this.#abandoned.promise
  }

  /** The process of each worker that there is now. */
  get pids(): readonly number[] {
    return this.#processes.map(({ pid }) => pid)
  }

  /** Where the workers listen. */
  get listeners(): Known['listeners'] {
    return this.#known?.listeners ?? []
  }

  /** What came of the last one that a worker has made, whoever wanted it. */
  get lastReload(): ReloadReport | undefined {
    return this.#lastReload
  }

  /** Whether clients are let in. */
  get admits(): boolean {
    return this.#admits
  }

  /** Resolves when all workers listen, or none does and it is known why. The first one judges the configuration. */
  async open(): Promise<Opening> {
    const [first, ...others] = this.#slots
    if (first === undefined) throw new Error('no workers are asked for')
    first.leads = true
    const word = await this.#firstLife(first)
    if (word.say !== 'opened' || this.#stopping !== undefined) return this.#refused(word)
    const { listeners, spool } = word.report
    this.#known = { listeners, spool }
    const words = await Promise.all(others.map((slot) => this.#firstLife(slot)))
    const refusal = words.find(({ say }) => say !== 'opened' || this.#stopping !== undefined)
    if (refusal !== undefined) return this.#refused(refusal)
    this.#watchdog.watch()
    return { ok: true, report: word.report }
  }

  /** @returns what the workers say of it; undefined where none answers */
  async reload(): Promise<ReloadReport | undefined> {
    const reports = await this.#questions.askAll(this.#processes, 'reload', ({ report }) => report)
    return reports.find(({ ok }) => !ok) ?? reports[0]
  }

  /** @returns how many messages are due now */
  async retryNow(): Promise<number> {
    const counts = await this.#questions.askAll(this.#processes, 'retry', ({ count }) => count)
    return counts.reduce((sum, count) => sum + count, 0)
  }

  status(): Promise<readonly WorkerState[]> {
    return statesOf(this.#slots, this.#questions, this.#parts.clock.monotonicMs())
  }

  /** As `Replacement.gathered`. */
  gathered(patienceMs: number): Promise<readonly number[]> {
    return this.#replacement.gathered(patienceMs)
  }

  /** Lets clients in, or tells them to come back later; sessions go on. */
  admit(everybody: boolean): void {
    this.#admits = everybody
    this.#tell({ say: 'admit', everybody })
  }

  /**
   * A new process for each worker, one after the other, with the configuration and the plugins as they are now. Each is
   * prepared before the old one is asked to go, and takes over its listening sockets: who connects in between waits.
   * Where the first of them does not like what it reads, everything stays as it was.
   */
  async restart(graceMs: number): Promise<Restart> {
    if (this.#stopping !== undefined || this.#isRestarting) return notNow(this.#parts.folder)
    this.#isRestarting = true
    try {
      return await this.#restart(graceMs)
    } finally {
      this.#isRestarting = false
    }
  }

  async #restart(graceMs: number): Promise<Restart> {
    const restarted = await this.#parts.restarting?.()
    if (this.#stopping !== undefined) return notNow(this.#parts.folder)
    let doubts: readonly Mistake[] | undefined
    // The one that leads first: from the others nobody would hear of UNIX sockets.
    for (const slot of this.#slots.toSorted((a, b) => Number(b.leads) - Number(a.leads))) {
      // What it had went to another one.
      if (!slot.wanted) continue
      const word = await this.#succeed(slot, graceMs, doubts === undefined)
      if (word.say !== 'opened') return problemOf(this.#parts.folder, word)
      doubts ??= this.#follow(word.report)
      slot.keepOnly(new Set(this.listeners.map(({ address }) => listenKey(address))))
      if (this.#stopping !== undefined) return notNow(this.#parts.folder)
    }
    restarted?.()
    this.#noteRestart()
    this.#parts.log.info('workers.restarted', { workers: this.pids.length })
    this.#parts.reconfigured?.()
    return { ok: true, doubts: doubts ?? [] }
  }

  /** All was read anew: what a reload did not take is taken. */
  #noteRestart(): void {
    if (this.#lastReload === undefined) return
    const needsRestart = this.#lastReload.needsRestart.filter(needsStart)
    this.#lastReload = { at: this.#parts.clock.now(), ok: true, mistakes: [], needsRestart }
  }

  /** Lets all workers end within `graceMs`. @returns the exit code: 0 if all of them ended well */
  stop(graceMs: number): Promise<0 | 1> {
    this.#stopped ??= this.#stop(graceMs)
    return this.#stopped
  }

  async #stop(graceMs: number): Promise<0 | 1> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const stopping: Stopping = { over: resolve, worst: 0 }
    this.#stopping = stopping
    this.#watchdog.end()
    for (const { restart } of this.#slots) restart?.cancel()
    this.#tell({ say: 'stop', graceMs })
    // It has nothing open that it would have to close.
    this.#waitingSuccessor?.process.kill()
    for (const slot of this.#slots) slot.keepOnly(new Set())
    const deadline = this.#parts.clock.after(graceMs + beyondGraceMs, () => {
      for (const slot of this.#slots) {
        slot.overdue = true
        slot.process?.kill()
      }
    })
    this.#settleStop()
    await promise
    deadline.cancel()
    await Promise.all(this.#slots.map(({ counted }) => counted))
    return stopping.worst
  }

  /** @returns the last word of the new worker */
  async #succeed(slot: WorkerSlot, graceMs: number, judges: boolean): Promise<FirstWord> {
    const newcomer = this.#start(slot, { succeeds: true, ...(judges ? { judges } : {}) })
    this.#successor = { slot, process: newcomer.process }
    const word = await succeed(slot, newcomer, {
      clock: this.#parts.clock,
      graceMs,
      stopping: () => this.#stopping !== undefined,
      ended: (how) => this.#ended(slot, how),
    })
    this.#successor = undefined
    return word
  }

  get #processes(): readonly Worker[] {
    return this.#slots.flatMap(({ process }) => process ?? [])
  }

  /** Of a restart under way: the one that does not sit in its place yet. */
  get #waitingSuccessor(): Successor | undefined {
    const successor = this.#successor
    return successor?.slot.process === successor?.process ? undefined : successor
  }

  /** The others listen where the first one does now. @returns its doubts */
  #follow({ listeners, doubts }: WorkerReport): readonly Mistake[] {
    if (this.#known !== undefined) this.#known = { ...this.#known, listeners }
    return doubts
  }

  async #refused(word: FirstWord): Promise<Opening> {
    await this.stop(0)
    return problemOf(this.#parts.folder, word)
  }

  #firstLife(slot: WorkerSlot): Promise<FirstWord> {
    return firstLife(slot, {
      ...this.#parts,
      openMs,
      launch: () => this.#launch(slot),
      stopping: () => this.#stopping !== undefined,
    })
  }

  /** Resolves with what the new worker says first. */
  #launch(slot: WorkerSlot): Promise<FirstWord> {
    const newcomer = this.#start(slot, {})
    slot.process = newcomer.process
    slot.unanswered = 0
    return newcomer.next()
  }

  /** A process with its orders, which sits nowhere yet. */
  #start(slot: WorkerSlot, more: Pick<Seat, 'succeeds' | 'judges'>): Newcomer {
    const { folder, processes, clock, crashes } = this.#parts
    const process = processes.start()
    const words = new FirstWords()
    const member: Member = { worker: slot.number, send: (message) => process.send(message) }
    process.attach({
      heard: (message, listener) =>
        this.#heard({ slot, process, words, member }, message, listener),
      ended: (how) => {
        this.#questions.gone(process)
        words.said({ say: 'ended', how })
        if (slot.process === process) this.#ended(slot, how)
        this.#counts.left(member)
      },
    })
    const { number, shards, leads } = slot
    const known = this.#known === undefined ? {} : { known: this.#known }
    const { wariness } = crashes
    const closed = this.#admits ? {} : { closed: true as const }
    const lead = leads ? { leads } : {}
    const workers = this.#slots.length
    const seat = { number, workers, shards, wariness, ...lead, ...known, ...more, ...closed }
    slot.handTo(process)
    this.#counts.joined(member)
    process.send({ say: 'open', folder, seat })
    const next = async (): Promise<FirstWord> => {
      const deadline = clock.after(openMs, () => process.kill())
      const word = await words.next()
      deadline.cancel()
      return word
    }
    return { process, words, next }
  }

  #heard(
    { slot, process, words, member }: Heard,
    message: FromWorker,
    listener: HandedListener | undefined,
  ): void {
    if (slot.process === process) slot.unanswered = 0
    switch (message.say) {
      case 'alive':
        return
      case 'count': {
        const answers = this.#counts.answer(member, message.questions)
        if (answers.length > 0) process.send({ say: 'counted', answers })
        return
      }
      case 'slots':
        return this.#lent.heard(slot, process, message.wanted)
      case 'answered':
        return this.#questions.answered(message.number, message.answer)
      case 'reloaded':
        this.#lastReload = message.report
        if (message.report.ok) this.#parts.reconfigured?.()
        return
      case 'listener':
        if (listener !== undefined) slot.keep(message.address, listener)
        return
      case 'opened':
        slot.openedAt = this.#parts.clock.monotonicMs()
        slot.wanted = true
        return words.said(message)
      case 'refused':
        // It has nothing to close, and nothing else to wait for.
        process.send({ say: 'stop', graceMs: 0 })
        return words.said(message)
      case 'prepared':
        return words.said(message)
    }
  }

  #ended(slot: WorkerSlot, how: WorkerEnd): void {
    const { clock } = this.#parts
    const openMs = slot.openedAt === undefined ? undefined : clock.monotonicMs() - slot.openedAt
    const { left, overdue } = slot
    slot.process = undefined
    slot.openedAt = undefined
    slot.left = undefined
    slot.overdue = false
    this.#counts.giveBack(slot.number)
    this.#lent.giveBack(slot.number)
    // One that was told to go may crash on its way out, over the message that it has in hand.
    const hasCrashed = openMs !== undefined && how !== 0 && !overdue
    if (hasCrashed && (this.#stopping !== undefined || left !== undefined)) {
      slot.counted = this.#replacement.count(slot, how)
    }
    if (this.#stopping !== undefined) {
      if (how !== 0) this.#stopping.worst = 1
      left?.()
      this.#settleStop()
    } else if (left !== undefined) {
      left()
    } else if (slot.wanted) {
      // The others have sockets of their own at the same addresses: who comes there now need not wait.
      if (this.#slots.length > 1) slot.keepOnly(new Set())
      void this.#replacement.replace(slot, how, openMs)
    }
  }

  #tell(message: ToWorker): void {
    for (const process of this.#processes) process.send(message)
    this.#waitingSuccessor?.process.send(message)
  }

  #settleStop(): void {
    if (this.#processes.length === 0) this.#stopping?.over()
  }
}
