/**
 * Processes of mailbox owners that stay for a while, so that not every delivery starts one. A process is of one user id and
 * one group id, and has one delivery in hand at a time; for several at a time an owner has several processes.
 *
 * Who has waited half a second for one that is there has another started (owner-queue.ts): a burst of mail to one user starts
 * one process and not ten, and programs that take their time have others beside them, eight for one owner; what comes then
 * waits for one of these. What is
 * not handed over is delivered by a process for it alone (as-user.ts): large messages, which that process reads from a file.
 */
import { isPosternError, PosternError } from '../../mail/errors.ts'
import type { Clock, Timer } from '../../runtime/clock.ts'
import type { UserDelivery } from '../../runtime/deliverer.ts'
import type { Programs } from '../../runtime/programs.ts'
import { mostFrameBytes } from '../deliverer/frames.ts'
import { gathered, type BegunMessage } from '../transport/maildir-writer.ts'
import { deliverAsUser, neverAs, type Owner } from './as-user.ts'
import type { LocalDelivery } from './local-delivery.ts'
import { formatOrder } from './owner-order.ts'
import { OwnerProcess, type Handed, type OwnerStart } from './owner-process.ts'
import { OwnerQueue } from './owner-queue.ts'

export interface OwnerProcessesParts {
  readonly programs: Programs
  readonly clock: Clock
  /** What stays, as it is started: src/owner.worker.ts. */
  readonly command: readonly [string, ...string[]]
  /** `postern local`, as it is started. */
  readonly program: readonly [string, ...string[]]
  readonly limits?: Partial<OwnerLimits>
  /** What else a process of this user's that stays is started with, such as where compiled code lies. */
  readonly variablesFor?: (uid: number) => ReadonlyMap<string, string>
}

export interface OwnerLimits {
  /** Of all owners together, as long as not more of them have something in hand. */
  readonly processes: number
  /** Of one owner. */
  readonly perOwner: number
  /** Without a delivery one stays so long. */
  readonly idleMs: number
  /** Then a fresh one takes its place, whatever the old one may have gathered. */
  readonly deliveries: number
  /** So long a delivery waits for processes of its owner's that are there. */
  readonly patienceMs: number
}

const usualLimits: OwnerLimits = {
  processes: 32,
  perOwner: 8,
  idleMs: 10_000,
  deliveries: 1000,
  patienceMs: 500,
}

interface Member {
  readonly owner: string
  readonly process: OwnerProcess | undefined
  deliveries: number
  /** Runs while it has nothing in hand. */
  idle: Timer | undefined
}

export class OwnerProcesses {
  readonly #parts: OwnerProcessesParts
  readonly #limits: OwnerLimits
  /** Who had something in hand last is last. */
  readonly #members = new Set<Member>()
  readonly #waiting: OwnerQueue<Member>

  constructor(parts: OwnerProcessesParts) {
    this.#parts = parts
    this.#limits = { ...usualLimits, ...parts.limits }
    const { patienceMs, perOwner } = this.#limits
    const mayStart = (owner: string): boolean => this.#of(owner).length < perOwner
    this.#waiting = new OwnerQueue(parts.clock, { patienceMs, mayStart })
  }

  /** As `deliverAsUser`, by a process that may have been there before. @throws PosternError PROGRAM_FAILED, ABORTED */
  async deliver(delivery: LocalDelivery, owner: Owner, signal: AbortSignal): Promise<UserDelivery> {
    const refusal = neverAs(owner)
    if (refusal !== undefined) throw new PosternError('PROGRAM_FAILED', refusal)
    if (signal.aborted) throw aborted()
    // Before there is a process: it waits for nobody who is slow.
    const message = await beginningOf(delivery)
    const order = formatOrder(delivery)
    if (message instanceof Uint8Array && order.length <= mostFrameBytes) {
      const { environment, memoryBytes } = delivery
      const start = { owner, environment, memoryBytes }
      return this.#hand({ order, message }, start, signal)
    }
    const alone = { ...delivery, message: () => chunksOf(message) }
    try {
      return await deliverAsUser(this.#parts, { delivery: alone, owner }, signal)
    } finally {
      if (!(message instanceof Uint8Array)) await message.close()
    }
  }

  async #hand(handed: Handed, asking: OwnerStart, signal: AbortSignal): Promise<UserDelivery> {
    const member = await this.#memberFor(asking, signal)
    try {
      if (member.process === undefined) throw aborted()
      return await member.process.deliver(handed, signal)
    } finally {
      this.#giveBack(member)
    }
  }

  async #memberFor(asking: OwnerStart, signal: AbortSignal): Promise<Member> {
    const { owner } = asking
    const name = `${owner.uid}:${owner.gid}`
    const own = this.#of(name)
    const free = own.findLast(({ idle }) => idle !== undefined)
    if (free !== undefined) return this.#take(free)
    const freed = own.length === 0 ? undefined : await this.#waiting.wait(name, signal)
    if (freed !== undefined) return freed
    if (signal.aborted) throw aborted()
    return this.#start(name, asking)
  }

  #of(owner: string): readonly Member[] {
    return [...this.#members].filter((each) => each.owner === owner)
  }

  #take(member: Member): Member {
    member.idle?.cancel()
    member.idle = undefined
    this.#members.delete(member)
    this.#members.add(member)
    return member
  }

  async #start(name: string, asking: OwnerStart): Promise<Member> {
    this.#makeRoom()
    // It has its place before it is there.
    const place: Member = { owner: name, process: undefined, deliveries: 0, idle: undefined }
    this.#members.add(place)
    let member = place
    const over = (): void => this.#forget(member)
    try {
      const { variablesFor } = this.#parts
      const variables = [...asking.environment, ...(variablesFor?.(asking.owner.uid) ?? [])]
      const start = { ...asking, environment: new Map(variables) }
      const process = await OwnerProcess.start(this.#parts, start, over)
      this.#members.delete(place)
      member = { ...place, process }
      this.#members.add(member)
      return member
    } catch (error) {
      this.#forget(place)
      throw error
    }
  }

  /** Ends the one that has had nothing in hand for the longest time. Where all have, there are more for as long. */
  #makeRoom(): void {
    if (this.#members.size < this.#limits.processes) return
    for (const { idle, process } of this.#members) {
      if (idle !== undefined) return process?.stop()
    }
  }

  #giveBack(member: Member): void {
    const { process, owner } = member
    if (process?.isSound !== true) return this.#forget(member)
    member.deliveries += 1
    const { processes, deliveries, idleMs } = this.#limits
    if (member.deliveries >= deliveries || this.#members.size > processes) return process.stop()
    if (this.#waiting.tell(owner, member)) return
    member.idle = this.#parts.clock.after(idleMs, () => process.stop())
  }

  #forget(member: Member): void {
    member.idle?.cancel()
    if (this.#members.delete(member)) this.#waiting.tell(member.owner, undefined)
  }
}

/** The message where it is small, or a larger one of which the beginning is there. @throws PosternError */
async function beginningOf(delivery: LocalDelivery): Promise<Uint8Array | BegunMessage> {
  try {
    return await gathered(delivery.message())
  } catch (error) {
    if (isPosternError(error)) throw error
    throw new PosternError('PROGRAM_FAILED', `its input: ${String(error)}`, { cause: error })
  }
}

async function* chunksOf(message: Uint8Array | BegunMessage): AsyncGenerator<Uint8Array> {
  if (message instanceof Uint8Array) yield message
  else yield* message
}

function aborted(): PosternError {
  return new PosternError('ABORTED', 'a delivery as the user')
}
