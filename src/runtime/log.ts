import type { JsonValue } from '../mail/json.ts'

export type LogFields = { readonly [field: string]: JsonValue | undefined }

export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

/** The door to the log: one event name per line of code (`rcpt.rejected`), fields, not sentences. */
export interface Log {
  debug(event: string, fields?: LogFields): void
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
  /** Why what is said cannot be written now. */
  readonly trouble?: string | undefined
}

/** One thing that happened, as it is handed to whoever writes it down. */
export interface LogEvent {
  readonly level: LogLevel
  /** Milliseconds since 1970. */
  readonly time: number
  readonly event: string
  readonly fields: LogFields
}

/** How events become lines of one output. */
export interface LogForm {
  /** Whether it has anything to say of events of this level: what no form wants costs nothing. */
  wants(level: LogLevel): boolean
  /** Whole lines with their ends, or '' where there is nothing to say. */
  lines(event: LogEvent): string
}
