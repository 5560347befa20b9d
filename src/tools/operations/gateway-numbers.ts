/** The numbers of the running gateway as the administration reads them: all workers together, asked for once for all who look. */
import type { MetricsOperations } from '../../admin/operations.ts'
import type { EntryNumbers } from '../../admin/schemas/chain.ts'
import type { Now } from '../../admin/schemas/system.ts'
import type { Configuration } from '../../config/configuration.ts'
import { isPosternError } from '../../mail/errors.ts'
import { chainMetrics, processMetrics, queueMetrics } from '../../runtime/metrics/inventory.ts'
import { mergeSnapshots } from '../../runtime/metrics/merge.ts'
import type { Clock, Timer } from '../../runtime/clock.ts'
import type { MetricsSnapshot } from '../../runtime/metrics/snapshot.ts'
import type { AskingDoors } from '../ask-workers.ts'
import { metricsOfWorkers } from '../gather-metrics.ts'
import { Cached } from './cached.ts'
import { entryCounts } from './entry-counts.ts'
import { valuesOf } from './metric-values.ts'
import { markEveryMs, RecentFaults } from './recent-faults.ts'

/** A scraper every second sees every second. */
const freshMs = 900

/** What the entries of the chain did since the gateway was started. */
export interface CountedEntries {
  /** Transactions. */
  readonly sample: number
  /** Of the worker that runs longest; seconds are lost, no more. */
  readonly since?: number
  readonly entries: ReadonlyMap<string, EntryNumbers>
  /** Of the entries in force. */
  readonly breakers: ReadonlyMap<string, 'open' | 'closed'>
}

export class GatewayNumbers implements MetricsOperations {
  readonly #snapshot: Cached<MetricsSnapshot | undefined>
  readonly #clock: Clock
  readonly #recent = new RecentFaults()
  #timer: Timer | undefined

  constructor(current: () => Pick<Configuration, 'spool'>, doors: AskingDoors) {
    this.#clock = doors.clock
    this.#snapshot = new Cached(doors.clock, freshMs, () => gathered(current().spool.path, doors))
  }

  /** What is recent is known as far back as somebody looked: this looks now and then, until it is closed. */
  watch(): void {
    this.#timer = this.#clock.after(markEveryMs, () => {
      this.watch()
      // Where no gateway answers there is nothing to note.
      void this.entries().catch(() => undefined)
    })
  }

  close(): void {
    this.#timer?.cancel()
  }

  /** @returns undefined where no worker answers */
  snapshot(): Promise<MetricsSnapshot | undefined> {
    return this.#snapshot.get()
  }

  /** @returns undefined where no worker answers */
  async queue(): Promise<Now['queue']> {
    const snapshot = await this.snapshot()
    if (snapshot === undefined) return undefined
    const states = valuesOf(snapshot, queueMetrics.messages)
    const messages = states.reduce((sum, { value }) => sum + value, 0)
    const held = states.find(({ labels }) => labels['state'] === 'held')?.value ?? 0
    const ages = valuesOf(snapshot, queueMetrics.oldest).map(({ value }) => value)
    if (messages === 0) return { messages, held }
    return { messages, held, oldestAt: snapshot.at - Math.round(Math.max(0, ...ages) * 1000) }
  }

  /** @returns undefined where no worker answers */
  async health(): Promise<Now['health']> {
    const snapshot = await this.snapshot()
    if (snapshot === undefined) return undefined
    const one = (metric: { readonly name: string }): number =>
      valuesOf(snapshot, metric)[0]?.value ?? 0
    return {
      silentEntries: [...breakersOf(snapshot)].flatMap(([entry, state]) =>
        state === 'open' ? [entry] : [],
      ),
      nextHopsDown: one(queueMetrics.hopsDown),
      deliveryPaused: one(queueMetrics.paused) > 0,
      workers: one(processMetrics.workers),
      workersWanted: one(processMetrics.workersWanted),
    }
  }

  /** @returns undefined where no worker answers */
  async entries(): Promise<CountedEntries | undefined> {
    const snapshot = await this.snapshot()
    if (snapshot === undefined) return undefined
    const transactions = valuesOf(snapshot, chainMetrics.transactions)
    const starts = valuesOf(snapshot, processMetrics.started).map(({ value }) => value * 1000)
    const since = starts.length === 0 ? undefined : Math.round(Math.min(...starts))
    const age = since === undefined ? Infinity : this.#clock.now() - since
    return {
      sample: transactions.reduce((sum, { value }) => sum + value, 0),
      ...(since === undefined ? {} : { since }),
      entries: this.#recent.within(entryCounts(snapshot), this.#clock.monotonicMs(), age),
      breakers: breakersOf(snapshot),
    }
  }
}

function breakersOf(snapshot: MetricsSnapshot): ReadonlyMap<string, 'open' | 'closed'> {
  return new Map(
    valuesOf(snapshot, chainMetrics.breakers).map(({ labels, value }) => [
      labels['entry'] ?? '',
      value > 0 ? 'open' : 'closed',
    ]),
  )
}

async function gathered(spool: string, doors: AskingDoors): Promise<MetricsSnapshot | undefined> {
  try {
    const snapshots = await metricsOfWorkers(doors, { spool })
    return snapshots.length === 0 ? undefined : mergeSnapshots(snapshots)
  } catch (error) {
    // No spool yet: no gateway was ever there.
    if (isPosternError(error, 'NOT_FOUND')) return undefined
    throw error
  }
}
