/** What one worker of several asks the others: each knows its own part of the queue alone. */
import type { ControlHandler } from '../control/control.ts'
import { isObject } from '../control/control-lines.ts'
import { heldBounces, type HeldBounces } from '../delivery/held-digest.ts'
import type { JsonValue } from '../mail/json.ts'
import type { Queue } from '../queue/queue.ts'
import type { EtrnNode } from '../smtp/queue-flush.ts'
import type { Seat } from '../workers/messages.ts'
import { askWorkers, type AskingDoors } from './ask-workers.ts'
import { retryFor } from './flush-queue.ts'

export interface OtherWorkersParts {
  readonly doors: AskingDoors
  readonly queue: Pick<Queue, 'entries' | 'change'>
  readonly seat: Pick<Seat, 'workers' | 'shards'>
  /** The path of the whole spool. */
  readonly spool: string
}

/** A client waits for what ETRN comes to. */
const flushMs = 60_000

export class OtherWorkers {
  readonly #parts: OtherWorkersParts

  constructor(parts: OtherWorkersParts) {
    this.#parts = parts
  }

  /** What each of them answers when another one asks, by verb. */
  get verbs(): readonly (readonly [verb: string, handler: ControlHandler])[] {
    const { queue } = this.#parts
    return [
      ['held-bounces', async () => ({ ...(await heldBounces(queue)) })],
      ['flush', async (of) => retryFor(nodeOf(of), queue)],
    ]
  }

  /** Has them try now what waits for these mailboxes. @returns how many messages that is */
  async flush({ domain, below }: EtrnNode): Promise<number> {
    const counts = await this.#ask('flush', { domain, below }, flushMs)
    return counts.reduce<number>((sum, count) => sum + (Number(count) || 0), 0)
  }

  async heldBounces(): Promise<readonly HeldBounces[]> {
    return (await this.#ask('held-bounces', null)).flatMap((answer) => heldOf(answer) ?? [])
  }

  /** Where there are none nobody is asked. */
  async #ask(verb: string, of: JsonValue, timeoutMs?: number): Promise<readonly JsonValue[]> {
    const { doors, seat, spool } = this.#parts
    if (seat.workers === 1) return []
    const patience = timeoutMs === undefined ? {} : { timeoutMs }
    return askWorkers({ verb, of }, doors, { spool, but: seat.shards, ...patience })
  }
}

function nodeOf(of: JsonValue): EtrnNode {
  const { domain, below } = isObject(of) ? of : {}
  if (typeof domain !== 'string' || typeof below !== 'boolean') throw new TypeError('no domain')
  return { domain, below }
}

function heldOf(answer: JsonValue): HeldBounces | undefined {
  const { count, lines } = isObject(answer) ? answer : {}
  if (typeof count !== 'number' || !Array.isArray(lines)) return undefined
  return { count, lines: lines.map(String) }
}
