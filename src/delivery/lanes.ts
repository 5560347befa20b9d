/**
 * So many deliveries at a time, and who is next: each destination has a lane, the lanes have their turns in a circle,
 * and in a lane first tries go before retries. Promises: a lane however long delays no other by more than one turn;
 * retries get at least every fourth slot; slots that are reserved go to lanes only that have answered; what waits is bounded, and where it is too much the newest of the longest
 * lane is sent away with the time at which its turn may come. Where
 * other processes deliver to the same hop, a lane with a slot asks for a turn there, and neither waits long for the other. Whoever takes a slot gives it back.
 */
import type { Clock } from '../runtime/clock.ts'
import type { HopTurns } from '../runtime/hop-turns.ts'
import type { SlotLease } from '../runtime/slot-leases.ts'
import {
  allowed,
  isIdle,
  lengthOf,
  newLane,
  turnOf,
  type Lane,
  type LaneRequest,
  type Turn,
  type Urgency,
  type Waiter,
} from './lane.ts'
import { SentAway } from './sent-away.ts'

export interface LanesOptions {
  readonly clock: Clock
  /** Slots of all lanes together; asked each time, so that it may change. */
  readonly limit: () => number
  /** Of so many slots, how many only lanes get whose last delivery was answered; absent: none. */
  readonly reserved?: (slots: number) => number
  readonly maxWaiting?: number
  readonly maxWaitingBytes?: number
  /** Called when there is room again in a lane that sent these away, in their order; they need not wait any longer. */
  readonly callBack?: (ids: readonly string[]) => void
  /** Who is asked for each start in a lane that processes share; absent where there are no others. */
  readonly turns?: HopTurns | undefined
  /** What we have of the slots where processes share them; absent where all are ours. */
  readonly lease?: ((whole: () => number, changed: () => void) => SlotLease) | undefined
}

const defaultMaxWaiting = 4_500
const defaultMaxWaitingBytes = 32 << 20
/** Every so many turns a retry goes before a first try. */
const retryTurn = 4
/** The part of what may wait at which there is room for those who were sent away. */
const roomy = 0.75
/** A slot waits so long for the turn at a hop: longer than the answer takes where the hop is free. */
const slotWaitsMs = 50
/** A turn that came too late for its slot waits so long for another one: meanwhile no other process has it. */
const turnWaitsMs = 1_000
/** Idle lanes remember their pace until there are so many. */
const idleLanes = 10_000

export class Lanes {
  readonly #options: Required<Omit<LanesOptions, 'turns' | 'lease'>> & Pick<LanesOptions, 'turns'>
  readonly #lease: SlotLease | undefined
  readonly #lanes = new Map<string, Lane>()
  /** Lanes that could start one now, in the order of their turns. */
  readonly #ready = { first: new Set<Lane>(), retry: new Set<Lane>() }
  /** Those of them that answer, in the same order. */
  readonly #sure = { first: new Set<Lane>(), retry: new Set<Lane>() }
  /** Those in which somebody waits, and that have half of the slots. */
  readonly #full = new Set<Lane>()
  /** Those whose turn has come and that have no slot: the next ones are theirs. */
  readonly #turned = new Set<Lane>()
  #taken = 0
  /** By lanes that do not answer, or of which nobody knows yet. */
  #unsure = 0
  #waiting = 0
  #waitingBytes = 0
  readonly #away = new SentAway()
  #turns = 0
  #closed = false

  constructor(options: LanesOptions) {
    this.#options = {
      maxWaiting: defaultMaxWaiting,
      maxWaitingBytes: defaultMaxWaitingBytes,
      callBack: () => undefined,
      reserved: () => 0,
      ...options,
    }
    this.#lease = options.lease?.(options.limit, () => this.limitChanged())
  }

  /** Slots of all lanes together, as many as we may take now. */
  get limit(): number {
    return this.#lease?.limit ?? this.#options.limit()
  }

  get taken(): number {
    return this.#taken
  }

  get waiting(): number {
    return this.#waiting
  }

  take({ key, id, urgency, sizeBytes, ...limits }: LaneRequest): Promise<Turn> {
    if (this.#closed) return Promise.resolve('closed')
    const lane = this.#lane(key)
    lane.concurrency = limits.concurrency
    lane.intervalMs = limits.intervalMs
    lane.shared = this.#options.turns === undefined ? undefined : limits.shared
    const { promise, resolve } = Promise.withResolvers<Turn>()
    lane.waiting[urgency].push({ id, sizeBytes, resolve })
    this.#waiting++
    this.#waitingBytes += sizeBytes
    this.#mark(lane)
    this.#hand()
    while (this.#isCrowded) this.#sendAway(this.#longest() ?? lane)
    return promise
  }

  /**
   * @param key as it was taken
   * @param answers whether anybody was there; where nobody says so, that stays as it was
   */
  give(key: string, answers?: boolean): void {
    const lane = this.#lane(key)
    if (answers !== undefined && answers !== lane.answers) {
      this.#unsure += answers ? -lane.taken : lane.taken
      lane.answers = answers
    }
    const now = this.#options.clock.monotonicMs()
    // A lane that waits for work says nothing of how fast it could be.
    if (lane.endedAt > 0) lane.paceMs += (now - lane.endedAt - lane.paceMs) / 8
    lane.endedAt = isIdle(lane) ? 0 : now
    this.#vacate(lane)
    if (lane.turnsTaken > 0) {
      lane.turnsTaken--
      this.#options.turns?.give(key)
    }
    this.#mark(lane)
    this.#hand()
    if (!this.#away.isEmpty) this.#callBack()
    if (this.#lanes.size > idleLanes) this.#forgetIdle()
  }

  /** The limit may be another one now: those who wait need not wait for somebody to come or go. */
  limitChanged(): void {
    if (this.#closed) return
    for (const lane of this.#full) this.#mark(lane)
    this.#hand()
  }

  /** Nobody gets a slot any more. */
  close(): void {
    this.#closed = true
    this.#lease?.close()
    for (const lane of this.#lanes.values()) {
      lane.timer?.cancel()
      this.#freeSlot(lane)
      this.#giveTurnBack(lane)
      for (const list of [lane.waiting.first, lane.waiting.retry]) {
        for (const { resolve } of list.splice(0)) resolve('closed')
      }
    }
    this.#waiting = 0
    this.#waitingBytes = 0
    for (const { first, retry } of [this.#ready, this.#sure]) {
      first.clear()
      retry.clear()
    }
  }

  get #isCrowded(): boolean {
    const { maxWaiting, maxWaitingBytes } = this.#options
    return this.#waiting > maxWaiting || (this.#waiting > 1 && this.#waitingBytes > maxWaitingBytes)
  }

  #hand(): void {
    while (this.#taken < this.limit) {
      const next = this.#next()
      if (next === undefined) break
      const { lane, urgency } = next
      if (lane.shared !== undefined && lane.turn === 'none') this.#askTurn(lane, urgency)
      else this.#begin(lane, urgency)
    }
    this.#lease?.uses(this.#taken, this.#isShort)
  }

  /** Whether somebody waits who could begin if all slots were ours. */
  get #isShort(): boolean {
    const whole = this.#options.limit()
    if (this.#waiting === 0 || this.#taken >= whole) return false
    const isSafe = this.#unsure < whole - this.#options.reserved(whole)
    const could = (lane: Lane): boolean => isSafe || lane.answers
    for (const lane of this.#turned) if (could(lane)) return true
    for (const lane of this.#full) if (lane.taken < allowed(lane, whole) && could(lane)) return true
    const { first, retry } = isSafe ? this.#ready : this.#sure
    return first.size > 0 || retry.size > 0
  }

  /** @returns a lane in which somebody waits */
  #next(): { readonly lane: Lane; readonly urgency: Urgency } | undefined {
    const slots = this.limit
    const isSafe = this.#unsure < slots - this.#options.reserved(slots)
    for (const lane of this.#turned) {
      if (isSafe || lane.answers) return { lane, urgency: lane.turnFor }
    }
    const retriesTurn = ++this.#turns % retryTurn === 0
    const lanes = isSafe ? this.#ready : this.#sure
    const order = retriesTurn ? (['retry', 'first'] as const) : (['first', 'retry'] as const)
    for (const urgency of order) {
      for (const lane of lanes[urgency]) {
        const isFree = lane.taken < allowed(lane, slots)
        if (isFree && lane.waiting[urgency].length > 0) return { lane, urgency }
        this.#mark(lane)
      }
    }
    return undefined
  }

  #begin(lane: Lane, urgency: Urgency): void {
    const other = urgency === 'first' ? 'retry' : 'first'
    const waiter = lane.waiting[urgency].shift() ?? lane.waiting[other].shift()
    if (waiter === undefined) return
    this.#leave(waiter)
    this.#occupy(lane)
    if (lane.turn === 'ours') {
      lane.patience?.cancel()
      lane.turn = 'none'
      lane.turnsTaken++
    } else if (lane.intervalMs > 0) {
      lane.notBefore = this.#options.clock.monotonicMs() + lane.intervalMs
    }
    this.#toTheEnd(lane)
    waiter.resolve('taken')
  }

  #occupy(lane: Lane): void {
    this.#taken++
    lane.taken++
    if (!lane.answers) this.#unsure++
  }

  #vacate(lane: Lane): void {
    this.#taken--
    lane.taken--
    if (!lane.answers) this.#unsure--
  }

  /** Of the circle, if it goes on at all. */
  #toTheEnd(lane: Lane): void {
    this.#step(lane, 'first', false)
    this.#step(lane, 'retry', false)
    this.#mark(lane)
  }

  #leave({ sizeBytes }: Waiter): void {
    this.#waiting--
    this.#waitingBytes -= sizeBytes
  }

  /** Into the circle, or out of it. */
  #mark(lane: Lane): void {
    const waitMs = lane.notBefore > 0 ? lane.notBefore - this.#options.clock.monotonicMs() : 0
    const hasRoom = lane.taken < allowed(lane, this.limit)
    const isFree = hasRoom && waitMs <= 0
    const isOpen = isFree && (lane.shared === undefined || lane.turn === 'none')
    for (const urgency of ['first', 'retry'] as const) {
      this.#step(lane, urgency, isOpen && lane.waiting[urgency].length > 0)
    }
    const isFull = lane.concurrency === 'half' && !hasRoom && waitMs <= 0 && !isIdle(lane)
    if (isFull) this.#full.add(lane)
    else this.#full.delete(lane)
    if (isIdle(lane)) return this.#giveTurnBack(lane)
    if (isFree && lane.turn === 'ours') this.#turned.add(lane)
    else this.#turned.delete(lane)
    if (waitMs <= 0 || lane.timer !== undefined) return
    lane.timer = this.#options.clock.after(waitMs, () => {
      lane.timer = undefined
      this.#mark(lane)
      this.#hand()
    })
  }

  /**
   * Of the others that deliver to the same hop. A slot waits with it for a moment: where the hop is free the turn is there
   * by then. Nobody asks without a slot, or the turn would wait for one while others could use it.
   */
  #askTurn(lane: Lane, urgency: Urgency): void {
    const { turns, clock } = this.#options
    if (lane.shared === undefined || turns === undefined) return
    lane.turn = 'asked'
    lane.turnFor = urgency
    lane.keepsSlot = true
    this.#occupy(lane)
    lane.patience = clock.after(slotWaitsMs, () => {
      this.#freeSlot(lane)
      this.#hand()
    })
    this.#toTheEnd(lane)
    void turns.take(lane.key, lane.shared).then(() => this.#turnCame(lane))
  }

  #turnCame(lane: Lane): void {
    const hasSlot = lane.keepsSlot
    this.#freeSlot(lane)
    lane.turn = 'ours'
    if (this.#closed) return this.#giveTurnBack(lane)
    // Whoever wanted it may have been sent away meanwhile.
    if (hasSlot) this.#begin(lane, lane.turnFor)
    this.#mark(lane)
    this.#hand()
    if (lane.turn !== 'ours') return
    lane.patience = this.#options.clock.after(turnWaitsMs, () => {
      this.#giveTurnBack(lane)
      this.#mark(lane)
      this.#hand()
    })
  }

  /** That waited for a turn. */
  #freeSlot(lane: Lane): void {
    if (!lane.keepsSlot) return
    lane.patience?.cancel()
    lane.keepsSlot = false
    this.#vacate(lane)
  }

  #giveTurnBack(lane: Lane): void {
    this.#turned.delete(lane)
    if (lane.turn !== 'ours') return
    lane.patience?.cancel()
    lane.turn = 'none'
    this.#options.turns?.give(lane.key)
  }

  #step(lane: Lane, urgency: Urgency, isIn: boolean): void {
    if (isIn) this.#ready[urgency].add(lane)
    else this.#ready[urgency].delete(lane)
    if (isIn && lane.answers) this.#sure[urgency].add(lane)
    else this.#sure[urgency].delete(lane)
  }

  #longest(): Lane | undefined {
    let longest: Lane | undefined
    for (const lane of this.#lanes.values()) {
      if (longest === undefined || lengthOf(lane) > lengthOf(longest)) longest = lane
    }
    return longest
  }

  #sendAway(lane: Lane): void {
    const waiter = lane.waiting.retry.pop() ?? lane.waiting.first.pop()
    if (waiter === undefined) return
    this.#leave(waiter)
    this.#mark(lane)
    this.#away.remember(lane, waiter.id)
    waiter.resolve({ until: turnOf(lane, this.#options.clock.now()) })
  }

  /** Not before there is room for some, and not many more: else they would be sent away again at once. */
  #callBack(): void {
    const { maxWaiting, callBack } = this.#options
    if (this.#closed || this.#waiting > maxWaiting * roomy) return
    const called = this.#away.called()
    if (called.length > 0) callBack(called)
  }

  #lane(key: string): Lane {
    const known = this.#lanes.get(key)
    if (known !== undefined) return known
    const lane = newLane(key)
    this.#lanes.set(key, lane)
    return lane
  }

  /** What an idle lane knew is worth little, but for a start that was a moment ago. */
  #forgetIdle(): void {
    const now = this.#options.clock.monotonicMs()
    for (const [key, lane] of this.#lanes) {
      if (isIdle(lane) && lane.taken === 0 && lane.away.length === 0 && lane.notBefore <= now) {
        this.#lanes.delete(key)
      }
    }
  }
}
