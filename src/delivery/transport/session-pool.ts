/**
 * Sessions that wait for their next message, a few for each next hop and not for long: a server bears a client that
 * sends, not one that stays. What is given back is either kept or told QUIT; nothing of it outlives `close`.
 */
import type { Clock, Timer } from '../../runtime/clock.ts'
import type { SmtpSession } from './smtp-session.ts'
import type { SessionState } from './smtp-transaction.ts'

export interface PoolLimits {
  /** How long a session waits for its next message. 0: none waits. */
  readonly idleMs: number
  /** So old a session is closed after its message: a better host may be back. */
  readonly ageMs: number
  /** Messages over one session. */
  readonly mails: number
  readonly idlePerHop: number
  readonly idle: number
  /** How long a goodbye, or RSET, may take. */
  readonly quitMs: number
}

const defaultPoolLimits: PoolLimits = {
  idleMs: 2_000,
  ageMs: 300_000,
  mails: 100,
  idlePerHop: 20,
  idle: 200,
  quitMs: 5_000,
}

/** A session at work. */
export interface Lease {
  readonly session: SmtpSession
  /** Whether it has heard of mail before: then it may be gone, or have had enough, without a word on the next. */
  isUsed: boolean
  /** Transactions it may still carry; counted down by whoever holds it. */
  mailsLeft: number
  readonly endsAtMs: number
}

interface Idle {
  readonly key: string
  readonly lease: Lease
  readonly timer: Timer
}

export class SessionPool {
  readonly #clock: Clock
  readonly #limitsNow: () => PoolLimits
  /** The last given back is the first taken: so the others fall idle. */
  readonly #idle = new Map<string, Idle[]>()
  #count = 0
  #closed = false

  /** @param limits what differs from the usual ones, now */
  constructor(clock: Clock, limits?: () => Partial<PoolLimits>) {
    this.#clock = clock
    this.#limitsNow = () => ({ ...defaultPoolLimits, ...limits?.() })
  }

  get #limits(): PoolLimits {
    return this.#limitsNow()
  }

  /** A new session, with everything it may carry before it. */
  lease(session: SmtpSession): Lease {
    const { mails, ageMs } = this.#limits
    return {
      session,
      isUsed: false,
      mailsLeft: Math.min(mails, session.limits.mails),
      endsAtMs: this.#clock.monotonicMs() + ageMs,
    }
  }

  /** A session that waits, or undefined. @param signal calls off what is done with it */
  take(key: string, signal: AbortSignal): Lease | undefined {
    for (let idle = this.#idle.get(key)?.at(-1); idle; idle = this.#idle.get(key)?.at(-1)) {
      this.#forget(idle)
      const { lease } = idle
      const { client } = lease.session
      if (client.isQuiet) {
        client.heed(signal)
        return { ...lease, isUsed: true }
      }
      client.destroy()
    }
    return undefined
  }

  /** What the last transaction left behind. */
  give(key: string, lease: Lease, state: SessionState): void {
    const { client } = lease.session
    client.heed(undefined)
    if (state === 'over' || !this.#mayStay(key, lease)) return client.quit(this.#limits.quitMs)
    if (state === 'ready') return this.#keep(key, lease)
    void this.#reset(key, lease)
  }

  close(): void {
    this.#closed = true
    for (const idle of [...this.#idle.values()].flat()) this.#dismiss(idle)
  }

  async #reset(key: string, lease: Lease): Promise<void> {
    const { client } = lease.session
    try {
      const reply = await client.command('RSET', this.#limits.quitMs)
      if (reply.code === 250 && this.#mayStay(key, lease)) this.#keep(key, lease)
      else client.quit(this.#limits.quitMs)
    } catch {
      client.destroy()
    }
  }

  #mayStay(key: string, { mailsLeft, endsAtMs }: Lease): boolean {
    const { idleMs, idlePerHop, idle } = this.#limits
    return (
      !this.#closed &&
      idleMs > 0 &&
      mailsLeft > 0 &&
      this.#clock.monotonicMs() < endsAtMs &&
      this.#count < idle &&
      (this.#idle.get(key)?.length ?? 0) < idlePerHop
    )
  }

  #keep(key: string, lease: Lease): void {
    const timer = this.#clock.after(this.#limits.idleMs, () => this.#dismiss(idle))
    const idle: Idle = { key, lease, timer }
    const others = this.#idle.get(key)
    if (others === undefined) this.#idle.set(key, [idle])
    else others.push(idle)
    this.#count++
  }

  #dismiss(idle: Idle): void {
    this.#forget(idle)
    idle.lease.session.client.quit(this.#limits.quitMs)
  }

  #forget(idle: Idle): void {
    idle.timer.cancel()
    const left = (this.#idle.get(idle.key) ?? []).filter((other) => other !== idle)
    if (left.length === 0) this.#idle.delete(idle.key)
    else this.#idle.set(idle.key, left)
    this.#count--
  }
}
