import type { Log } from './log.ts'
import { worldMetrics } from './metrics/inventory.ts'
import type { Metrics } from './metrics/metrics.ts'

/** A log whose warnings and errors are counted by the names of their events; what is said every day costs nothing more. */
export function countedLog(log: Log, metrics: Metrics): Log {
  const count = (level: 'warn' | 'error', event: string): void =>
    metrics.counter(worldMetrics.logEvents, { level, event }).add()
  return {
    debug: (event, fields) => log.debug(event, fields),
    info: (event, fields) => log.info(event, fields),
    warn(event, fields) {
      count('warn', event)
      log.warn(event, fields)
    },
    error(event, fields) {
      count('error', event)
      log.error(event, fields)
    },
    get trouble() {
      return log.trouble
    },
  }
}
