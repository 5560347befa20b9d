import process from 'node:process'
import { pino, destination } from 'pino'
import type { Log, LogFields } from '../log.ts'

/** What is still to be written at the end has so long. */
const closeMs = 1_000

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  /** A file, or a file descriptor such as 2 for the standard error. */
  readonly to: string | number
  /** In every line. */
  readonly always?: LogFields | undefined
}

/** JSON lines by pino: `{"time":…,"level":"info","event":"rcpt.rejected",…}`; JSON escapes control characters. */
export function jsonLog({ level, to, always }: LogOptions): Log & { close(): Promise<void> } {
  // Lines are gathered: a write for each would cost as much as taking a message. A kill loses the last moments.
  const sink = destination({
    dest: to,
    sync: false,
    mkdir: true,
    minLength: 12_288,
    periodicFlush: 100,
    // Whoever reads the log may be stuck: then lines are lost, not memory.
    maxLength: 16 * 1024 * 1024,
  })
  // A log that cannot be written (its disk is full) must not end a gateway that can still take mail. It says so once.
  let said = false
  const failed = (error: unknown): void => {
    if (!said) process.stderr.write(`postern: the log cannot be written: ${String(error)}\n`)
    said = true
  }
  sink.on('error', failed)
  const logger = pino(
    {
      level,
      base: always ?? null,
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
    // Not flushSync: on a full disk it would try for ever.
    async close() {
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, closeMs)
      sink.flush(() => resolve())
      await promise
      clearTimeout(timer)
      sink.destroy()
    },
  }
}
