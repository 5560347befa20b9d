/** What a spool is counted by. */
import { spoolMetrics } from '../runtime/metrics/inventory.ts'
import type { Metrics } from '../runtime/metrics/metrics.ts'

export interface SpoolMeter {
  /** Records went to the disk with one sync. */
  synced(batch: {
    readonly records: number
    readonly bytes: number
    readonly durationMs: number
  }): void
}

/** Where nobody looks. */
export const noSpoolMeter: SpoolMeter = Object.freeze({ synced: () => undefined })

export function spoolMeter(metrics: Metrics): SpoolMeter {
  const latency = metrics.histogram(spoolMetrics.syncs)
  const batch = metrics.histogram(spoolMetrics.batch)
  const written = metrics.counter(spoolMetrics.written)
  return {
    synced({ records, bytes, durationMs }) {
      latency.observe(durationMs / 1000)
      batch.observe(records)
      written.add(bytes)
    },
  }
}
