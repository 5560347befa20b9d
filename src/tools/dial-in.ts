/**
 * Hosts that are not always there (`delivery.dial_in`): what waits for one in its Maildir is sent when it says ETRN, or when
 * a session of its client has ended (AutoTURN). One run for each of them at a time, in the background, and a pause after it,
 * however often it is asked for: what becomes of it is in the log, and whatever fails waits for the next time.
 */
import type { DialInHost } from '../config/dial-in-section.ts'
import { isPosternError } from '../mail/errors.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { EtrnNode, FlushOutcome, QueueFlush } from '../smtp/queue-flush.ts'

export interface DialInParts {
  /** What waits in the queue. */
  readonly queue: QueueFlush
  /** Asked each time; keyed by domain. */
  readonly hosts: () => ReadonlyMap<string, DialInHost>
  /** How many messages wait in its Maildir. @throws PosternError */
  readonly waiting: (host: DialInHost) => Promise<number>
  /** @throws PosternError */
  readonly send: (host: DialInHost, to: Target, signal: AbortSignal) => Promise<void>
  readonly clock: Pick<Clock, 'after'>
  readonly log: Log
}

type Target = NonNullable<DialInHost['to']>

const smtpPort = 25
/** After a run, before the next for the same domain. */
const pauseMs = 10_000

/** Its run is under way, or over for a moment; whether it was asked for meanwhile, and to whom it goes then. */
interface Turn {
  run?: Promise<void>
  pause?: Timer
  next?: () => void
}

export class DialIn implements QueueFlush {
  readonly #parts: DialInParts
  readonly #turns = new Map<string, Turn>()
  readonly #stop = new AbortController()

  constructor(parts: DialInParts) {
    this.#parts = parts
  }

  async flush(node: EtrnNode): Promise<FlushOutcome> {
    const { queue, hosts } = this.#parts
    const outcome = await queue.flush(node)
    if (outcome.outcome === 'busy') return outcome
    let { messages } = outcome
    for (const [domain, host] of hosts()) {
      if (host.to === undefined || !isMeant(domain, node)) continue
      // oxlint-disable-next-line no-await-in-loop -- the few Maildirs that one client asks for
      const waiting = await this.#waiting(domain, host)
      if (waiting > 0) this.#start(domain, host, host.to)
      messages += waiting
    }
    return { outcome: 'started', messages }
  }

  left(address: string): void {
    for (const [domain, host] of this.#parts.hosts()) {
      if (!host.clients.has(address)) continue
      this.#start(domain, host, host.to ?? { host: address, port: smtpPort })
    }
  }

  /** Ends what is under way; what was not taken stays. */
  async close(): Promise<void> {
    this.#stop.abort()
    for (const { pause } of this.#turns.values()) pause?.cancel()
    await Promise.all([...this.#turns.values()].flatMap(({ run }) => run ?? []))
  }

  async #waiting(domain: string, host: DialInHost): Promise<number> {
    try {
      return await this.#parts.waiting(host)
    } catch (error) {
      this.#failed(domain, error)
      return 0
    }
  }

  #start(domain: string, host: DialInHost, to: Target): void {
    const { signal } = this.#stop
    if (signal.aborted) return
    const current = this.#turns.get(domain)
    if (current !== undefined) {
      current.next = () => this.#start(domain, host, to)
      return
    }
    const turn: Turn = {}
    this.#turns.set(domain, turn)
    turn.run = this.#parts
      .send(host, to, signal)
      .catch((error: unknown) => this.#failed(domain, error))
      .finally(() => this.#pause(domain, turn))
  }

  #pause(domain: string, turn: Turn): void {
    if (this.#stop.signal.aborted) return
    turn.pause = this.#parts.clock.after(pauseMs, () => {
      this.#turns.delete(domain)
      turn.next?.()
    })
  }

  #failed(domain: string, error: unknown): void {
    if (!isPosternError(error)) throw error
    this.#parts.log.warn('dial_in.failed', { domain, error: error.message })
  }
}

function isMeant(name: string, { domain, below }: EtrnNode): boolean {
  return name === domain || (below && name.endsWith(`.${domain}`))
}
