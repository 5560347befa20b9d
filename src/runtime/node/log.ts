import { pino, destination } from 'pino'
import type { Log, LogFields } from '../log.ts'

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  /** A file, or a file descriptor such as 2 for the standard error. */
  readonly to: string | number
}

/** JSON lines by pino: `{"time":…,"level":"info","event":"rcpt.rejected",…}`; JSON escapes control characters. */
export function jsonLog({ level, to }: LogOptions): Log & { flush(): void } {
  // Lines are gathered: a write for each would cost as much as taking a message. A kill loses the last moments.
  const sink = destination({
    dest: to,
    sync: false,
    mkdir: true,
    minLength: 12_288,
    periodicFlush: 100,
  })
  const logger = pino(
    {
      level,
      base: null,
      messageKey: 'event',
      formatters: { level: (label) => ({ level: label }) },
    },
    sink,
  )
  const none: LogFields = {}
  return {
    debug: (event, fields = none) => logger.debug(fields, event),
    info: (event, fields = none) => logger.info(fields, event),
    warn: (event, fields = none) => logger.warn(fields, event),
    error: (event, fields = none) => logger.error(fields, event),
    flush: () => sink.flushSync(),
  }
}
