/** What the courier is counted by. */
import { queueMetrics } from '../runtime/metrics/inventory.ts'
import type { Counter, Histogram, Metrics } from '../runtime/metrics/metrics.ts'
import type { TlsObserver } from './tls-rpt/sighting.ts'
import type { Attempt } from './attempt.ts'

export interface DeliveryMeter {
  readonly attempted: (attempt: Attempt) => void
  readonly bounced: (disposition: 'sent' | 'held') => void
  readonly tlsSeen: TlsObserver
}

export function deliveryMeter(metrics: Metrics): DeliveryMeter {
  const outcomes = new Map<string, Counter>()
  const latencies = new Map<string, Histogram>()
  return {
    /** Nobody chose the labels: there are a few transports and three outcomes. */
    attempted({ transport: carrier, result: { outcome }, durationMs }: Attempt) {
      const transport = carrier ?? 'none'
      const key = `${transport} ${outcome}`
      const counter =
        outcomes.get(key) ?? metrics.counter(queueMetrics.deliveries, { transport, outcome })
      outcomes.set(key, counter)
      counter.add()
      const latency =
        latencies.get(transport) ?? metrics.histogram(queueMetrics.latency, { transport })
      latencies.set(transport, latency)
      latency.observe(durationMs / 1000)
    },
    tlsSeen({ policy: { type: policy }, outcome: { failure: result = 'success' } }) {
      metrics.counter(queueMetrics.tlsSessions, { policy, result }).add()
    },
    bounced: (disposition) => metrics.counter(queueMetrics.bounces, { disposition }).add(),
  }
}
