/**
 * Exports spans of a share of the transactions. What is over is only put aside; spans are made and sent from a timer.
 * Nothing waits for it: when the collector is slow or gone, what does not fit is dropped, and counted.
 */
import { isPosternError } from '../mail/errors.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import { httpPost, type HttpPostDoors } from '../runtime/http-post.ts'
import type { Log } from '../runtime/log.ts'
import { worldMetrics } from '../runtime/metrics/inventory.ts'
import type { Counter, Metrics } from '../runtime/metrics/metrics.ts'
import { isSampled } from './ids.ts'
import { exportRequest, type OtlpSpan } from './otlp.ts'
import {
  deliverySpan,
  keyOf,
  transactionSpans,
  type EndedDelivery,
  type EndedTransaction,
} from './spans.ts'

export interface TelemetrySettings {
  readonly traces: URL
  /** From 0 to 1. */
  readonly sample: number
  readonly service: string
  readonly headers: ReadonlyMap<string, { reveal(): string }>
}

export interface ExporterOptions extends HttpPostDoors {
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  /** In force now; undefined: nothing is exported. */
  readonly settings: () => TelemetrySettings | undefined
  readonly hostname: () => string
  /** The number of this worker. */
  readonly worker: number
}

type Ended =
  | { readonly what: 'transaction'; readonly transaction: EndedTransaction }
  | { readonly what: 'delivery'; readonly delivery: EndedDelivery }

const flushMs = 5_000
const timeoutMs = 10_000
/** Put aside at one time. */
const mostWaiting = 2_000
/** Of them in one request, and one request after the other. */
const mostAtOnce = 100
/** So long a gateway that stops waits for the collector. */
const stopMs = 3_000
const firstPauseMs = 5_000
const longestPauseMs = 120_000

export class TelemetryExporter {
  readonly #options: ExporterOptions
  readonly #dropped: Counter
  readonly #stopped = new AbortController()
  #waiting: Ended[] = []
  #timer: Timer | undefined
  #sending: Promise<void> | undefined
  #failures = 0
  #notBeforeMs = 0
  #deliveries = 0

  constructor(options: ExporterOptions) {
    this.#options = options
    this.#dropped = options.metrics.counter(worldMetrics.spansDropped)
  }

  transactionEnded(transaction: EndedTransaction): void {
    const settings = this.#options.settings()
    if (settings === undefined || !isSampled(keyOf(transaction.record), settings.sample)) return
    this.#put({ what: 'transaction', transaction })
  }

  deliveryEnded(delivery: EndedDelivery): void {
    const settings = this.#options.settings()
    if (settings === undefined || !isSampled(delivery.queueId, settings.sample)) return
    this.#put({ what: 'delivery', delivery })
  }

  /** Sends what is put aside, as far as the collector takes it. Never rejects. */
  flush(): Promise<void> {
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined
    })
    return this.#sending
  }

  /** What is left is sent, as far as that is a matter of a moment. */
  async stop(): Promise<void> {
    this.#timer?.cancel()
    const deadline = this.#options.clock.after(stopMs, () => this.#stopped.abort())
    await this.#sending
    if (!this.#stopped.signal.aborted) await this.flush()
    deadline.cancel()
    this.#stopped.abort()
    this.#dropped.add(this.#waiting.length)
    this.#waiting = []
  }

  #put(ended: Ended): void {
    if (this.#waiting.length >= mostWaiting || this.#stopped.signal.aborted) {
      this.#dropped.add()
      return
    }
    this.#waiting.push(ended)
    this.#again()
  }

  #again(): void {
    if (this.#waiting.length === 0 || this.#stopped.signal.aborted) return
    this.#timer ??= this.#options.clock.after(flushMs, () => {
      this.#timer = undefined
      void this.flush().finally(() => this.#again())
    })
  }

  async #send(): Promise<void> {
    const { clock } = this.#options
    while (this.#waiting.length > 0 && clock.monotonicMs() >= this.#notBeforeMs) {
      const settings = this.#options.settings()
      const batch = this.#waiting.splice(0, mostAtOnce)
      if (settings === undefined) continue
      // oxlint-disable-next-line no-await-in-loop -- one request after the other
      const taken = await this.#post(batch, settings)
      if (taken === 'again') this.#waiting.unshift(...batch)
      if (taken === 'never') this.#dropped.add(batch.length)
    }
  }

  async #post(
    batch: readonly Ended[],
    settings: TelemetrySettings,
  ): Promise<'taken' | 'again' | 'never'> {
    const { clock, net, hostname, worker } = this.#options
    const { service, traces: url, headers, sample } = settings
    const spans = batch.flatMap((ended) => this.#spansOf(ended, sample))
    const resource = { service, hostname: hostname(), instance: `${hostname()}/${worker}` }
    const body = JSON.stringify(exportRequest(spans, resource))
    const fields = [...headers].map(([name, value]) => [name, value.reveal()] as const)
    try {
      const { signal } = this.#stopped
      const status = await httpPost(
        { net, clock },
        { url, headers: fields, body, timeoutMs, signal },
      )
      if (status >= 200 && status <= 299) {
        this.#failures = 0
        return 'taken'
      }
      this.#pause(`it says ${status}`)
      // OTLP §5.3.3: only of these the same request may be sent again.
      return [429, 502, 503, 504].includes(status) ? 'again' : 'never'
    } catch (error) {
      if (!isPosternError(error)) throw error
      this.#pause(error.message)
      return 'again'
    }
  }

  #pause(problem: string): void {
    const { clock, log } = this.#options
    const pauseMs = Math.min(firstPauseMs * 2 ** Math.min(this.#failures, 20), longestPauseMs)
    this.#failures += 1
    this.#notBeforeMs = clock.monotonicMs() + pauseMs
    log.warn('telemetry.not-sent', { problem, pauseMs, waiting: this.#waiting.length })
  }

  #spansOf(ended: Ended, share: number): readonly OtlpSpan[] {
    if (ended.what === 'transaction') return transactionSpans(ended.transaction, share)
    this.#deliveries += 1
    return [deliverySpan(ended.delivery, this.#deliveries)]
  }
}
