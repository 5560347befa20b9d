import type { JsonValue } from '../mail/json.ts'

export type LogFields = { readonly [field: string]: JsonValue | undefined }

/** The door to the log: one event name per line of code (`rcpt.rejected`), fields, not sentences. */
export interface Log {
  debug(event: string, fields?: LogFields): void
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
}
