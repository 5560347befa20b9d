/** Tells a collector of a share of what is over, where one is configured. */
import type { Configuration } from '../config/configuration.ts'
import type { AttemptObserver } from '../delivery/attempt.ts'
import type { TransactionTap } from '../filter/session-recorder.ts'
import type { Doors } from '../runtime/doors.ts'
import { TelemetryExporter } from '../telemetry/exporter.ts'

export interface Telemetry extends AttemptObserver {
  readonly transactionEnded: TransactionTap
  /** What is put aside is sent, if the collector takes it. */
  stop(): Promise<void>
}

/** @param worker its number */
export function openTelemetry(
  doors: Pick<Doors, 'clock' | 'log' | 'metrics' | 'net'>,
  current: () => Configuration,
  worker: number,
): Telemetry {
  const exporter = new TelemetryExporter({
    ...doors,
    settings: () => current().telemetry,
    hostname: () => current().control.me,
    worker,
  })
  return {
    transactionEnded: (ended) => exporter.transactionEnded(ended),
    attempted({ queueId, routeKey = '', transport = 'fail', result, startedAt, durationMs }) {
      const { outcome, status } = result
      const route = routeKey
      exporter.deliveryEnded({ queueId, transport, route, outcome, status, startedAt, durationMs })
    },
    stop: () => exporter.stop(),
  }
}
