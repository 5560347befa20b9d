import type { Log, LogFields } from '../runtime/log.ts'

export interface LoggedEvent {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly event: string
  readonly fields: LogFields
}

/** A log that keeps what it is told, for tests to look at. */
export function recordingLog(): Log & { readonly events: readonly LoggedEvent[] } {
  const events: LoggedEvent[] = []
  const keep =
    (level: LoggedEvent['level']) =>
    (event: string, fields: LogFields = {}) => {
      events.push({ level, event, fields })
    }
  return {
    events,
    debug: keep('debug'),
    info: keep('info'),
    warn: keep('warn'),
    error: keep('error'),
  }
}
