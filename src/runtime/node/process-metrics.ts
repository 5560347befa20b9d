/** What this process uses, and how long its event loop is held up. */
import { readFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import process from 'node:process'
import type { Clock } from '../clock.ts'
import { processMetrics } from '../metrics/inventory.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { HostProcess } from '../process.ts'

/** How exactly the delay of the event loop is known; it costs a timer that fires as often. */
const resolutionMs = 20
const minuteMs = 60_000

export interface ProcessMetricsOptions {
  /** The number of this worker; the administration is none, and is not counted as one. */
  readonly worker: number | 'admin'
  readonly clock: Pick<Clock, 'now' | 'after'>
  readonly process: Pick<HostProcess, 'descriptors'>
}

/** @returns what ends the watching */
export function watchProcess(
  metrics: Metrics,
  { worker: number, clock, process: host }: ProcessMetricsOptions,
): () => void {
  const worker = String(number)
  const startedAt = clock.now()
  const version = ownVersion()
  const delay = watchLoop(clock)
  const ignore = metrics.watch((report) => {
    report(processMetrics.build, 1, { version, node: process.version })
    if (number !== 'admin') report(processMetrics.workers, 1)
    report(processMetrics.started, startedAt / 1000, { worker })
    for (const [at, seconds] of delay.lastMinute()) {
      report(processMetrics.loopDelay, seconds, { worker, at })
    }
    const { rss, heapUsed, external } = process.memoryUsage()
    report(processMetrics.memory, rss, { worker, kind: 'resident' })
    report(processMetrics.memory, heapUsed, { worker, kind: 'heap' })
    report(processMetrics.memory, external, { worker, kind: 'external' })
    const { user, system } = process.cpuUsage()
    report(processMetrics.cpu, user / 1e6, { worker, mode: 'user' })
    report(processMetrics.cpu, system / 1e6, { worker, mode: 'system' })
    report(processMetrics.descriptors, host.descriptors()?.open ?? 0, { worker })
  })
  return () => {
    ignore()
    delay.stop()
  }
}

type Delays = readonly (readonly [at: string, seconds: number])[]

/** Whole minutes, so that nobody who asks takes a peak away from whoever asks next. */
function watchLoop(clock: Pick<Clock, 'after'>): { lastMinute(): Delays; stop(): void } {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs })
  histogram.enable()
  // The timer itself fires so much later.
  const seconds = (nanoseconds: number): number =>
    Math.max(0, nanoseconds / 1e9 - resolutionMs / 1000)
  const delays = (): Delays => [
    ['median', seconds(histogram.percentile(50))],
    ['p99', seconds(histogram.percentile(99))],
    ['most', seconds(histogram.max)],
  ]
  let last: Delays | undefined
  const turn = (): void => {
    last = delays()
    histogram.reset()
    timer = clock.after(minuteMs, turn)
  }
  let timer = clock.after(minuteMs, turn)
  return {
    lastMinute: () => last ?? delays(),
    stop() {
      timer.cancel()
      histogram.disable()
    },
  }
}

function ownVersion(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  const found: { readonly version?: string } = JSON.parse(text)
  return found.version ?? 'unknown'
}
