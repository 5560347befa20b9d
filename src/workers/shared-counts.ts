/**
 * The counts of all workers, as the supervisor keeps them: one worker after the other is answered, so they are exact.
 * It is known who has taken what, so that a worker that dies holds nothing.
 */
import type { Clock } from '../runtime/clock.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { processCounters, type ProcessCounters } from '../runtime/node/counters.ts'
import { Claims, type Member } from './claims.ts'
import type { CountAnswer, CountQuestion } from './counts.ts'
import { SharedTurns } from './shared-turns.ts'

export class SharedCounts {
  readonly #all: ProcessCounters
  readonly #turns: SharedTurns
  readonly #claims: Claims
  readonly #held = new Map<number, Map<string, number>>()

  constructor(clock: Pick<Clock, 'monotonicMs' | 'after'> = systemClock) {
    this.#all = processCounters(clock)
    this.#turns = new SharedTurns(clock)
    this.#claims = new Claims({
      take: (worker, key, limit) => this.#take(worker, key, limit),
      add: (worker, key, count) => this.#add(worker, key, count),
      count: (key) => this.#all.count(key),
    })
  }

  /** A process that will count; it is told what it has to ask for. */
  joined(member: Member): void {
    this.#claims.joined(member)
  }

  left(member: Member): void {
    this.#claims.left(member)
  }

  /** @returns the answers that need not wait */
  answer(member: Member, questions: readonly CountQuestion[]): readonly CountAnswer[] {
    const { worker } = member
    const later = (...answer: CountAnswer): void =>
      member.send({ say: 'counted', answers: [answer] })
    return questions.flatMap((question): readonly CountAnswer[] => {
      switch (question[0]) {
        case 'take':
          return [[question[1], this.#take(worker, question[2], question[3])]]
        case 'count':
          return [[question[1], this.#all.count(question[2])]]
        case 'spend':
          return [[question[1], this.#all.spend(question[2]) ?? -1]]
        case 'give':
          this.#give(worker, question[1])
          this.#claims.settle(question[1])
          return []
        case 'claim': {
          const [, ticket, key, limit] = question
          this.#claims.claim(key, { worker, limit, answered: (taken) => later(ticket, taken) })
          return []
        }
        case 'declared':
          this.#claims.declared(member, question[1], question[2])
          return []
        case 'turn': {
          const [, ticket, key, limits] = question
          this.#turns.take(key, limits, { worker, granted: () => later(ticket, true) })
          return []
        }
        case 'turned':
          this.#turns.give(worker, question[1])
          return []
      }
    })
  }

  /** The worker is gone, and with it whatever it counted. */
  giveBack(worker: number): void {
    for (const [key, count] of this.#held.get(worker) ?? []) {
      for (let each = 0; each < count; each++) this.#all.give(key)
    }
    this.#held.delete(worker)
    this.#claims.forget(worker)
    this.#turns.giveBack(worker)
  }

  #take(worker: number, key: string, limit: number): boolean {
    if (!this.#all.take(key, limit)) return false
    this.#hold(worker, key, 1)
    return true
  }

  /** What it has taken already. */
  #add(worker: number, key: string, count: number): void {
    for (let each = 0; each < count; each++) this.#all.take(key, Infinity)
    this.#hold(worker, key, count)
  }

  #hold(worker: number, key: string, more: number): void {
    const held = this.#held.get(worker) ?? new Map<string, number>()
    this.#held.set(worker, held)
    held.set(key, (held.get(key) ?? 0) + more)
  }

  /** What a worker does not hold it cannot give. */
  #give(worker: number, key: string): void {
    const held = this.#held.get(worker)
    const count = held?.get(key) ?? 0
    if (held === undefined || count === 0) return
    if (count === 1) held.delete(key)
    else held.set(key, count - 1)
    this.#all.give(key)
  }
}
