/**
 * What workers claim beyond their share of a limit: before the first is answered, all of them declare what they hold of
 * that key. It is watched from then on, until nobody holds any.
 */
import type { ToWorker } from './messages.ts'

/** A process that counts. */
export interface Member {
  /** Of its seat. One that follows another has the same, and holds nothing until the other is gone. */
  readonly worker: number
  send(message: ToWorker): void
}

/** What is held, and by whom. */
export interface HeldCounts {
  take(worker: number, key: string, limit: number): boolean
  /** Whatever the limit. */
  add(worker: number, key: string, count: number): void
  count(key: string): number
}

interface Claim {
  readonly worker: number
  readonly limit: number
  readonly answered: (taken: boolean) => void
}

interface Watch {
  /** Of whom it is not known yet what they hold. */
  readonly undeclared: Set<Member>
  /** In the order in which they came. */
  waiting: Claim[]
}

export class Claims {
  readonly #held: HeldCounts
  readonly #members = new Set<Member>()
  readonly #watches = new Map<string, Watch>()

  constructor(held: HeldCounts) {
    this.#held = held
  }

  /** Before it is told to open: it holds nothing, so nobody waits for what it says, which may be long in coming. */
  joined(member: Member): void {
    this.#members.add(member)
    for (const key of this.#watches.keys()) member.send({ say: 'watched', key })
  }

  left(member: Member): void {
    this.#members.delete(member)
    for (const [key, { undeclared }] of this.#watches) {
      undeclared.delete(member)
      this.settle(key)
    }
  }

  /** What it waits for it does not want any more. */
  forget(worker: number): void {
    for (const watch of this.#watches.values()) {
      watch.waiting = watch.waiting.filter((claim) => claim.worker !== worker)
    }
  }

  /** @param claim answered at once, or when everybody has declared */
  claim(key: string, claim: Claim): void {
    const watch = this.#watches.get(key) ?? this.#watch(key)
    watch.waiting.push(claim)
    this.settle(key)
  }

  declared(member: Member, key: string, count: number): void {
    if (count > 0) this.#held.add(member.worker, key, count)
    this.#watches.get(key)?.undeclared.delete(member)
    this.settle(key)
  }

  /** Answers who waits, once it is known what is held; what nobody holds is watched no longer. */
  settle(key: string): void {
    const watch = this.#watches.get(key)
    if (watch === undefined || watch.undeclared.size > 0) return
    for (const { worker, limit, answered } of watch.waiting.splice(0)) {
      answered(this.#held.take(worker, key, limit))
    }
    if (this.#held.count(key) > 0) return
    this.#watches.delete(key)
    for (const member of this.#members) member.send({ say: 'free', key })
  }

  #watch(key: string): Watch {
    const watch = { undeclared: new Set(this.#members), waiting: [] }
    this.#watches.set(key, watch)
    for (const member of this.#members) member.send({ say: 'declare', key })
    return watch
  }
}
