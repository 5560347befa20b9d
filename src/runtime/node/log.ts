import process from 'node:process'
import { destination } from 'pino'
import type { Log, LogFields } from '../log.ts'

/** What is still to be written at the end has so long. */
const closeMs = 1_000

const levels = ['debug', 'info', 'warn', 'error', 'silent'] as const
type Level = (typeof levels)[number]

export interface LogOptions {
  readonly level: Level
  /** A file, or a file descriptor such as 2 for the standard error. */
  readonly to: string | number
  /** In every line. */
  readonly always?: LogFields | undefined
}

/**
 * JSON lines: `{"level":"info","time":…,"event":"rcpt.rejected",…}`, control characters escaped, C1 and DEL too, which
 * JSON would let through to a terminal. Pino's own formatter costs three times as much as `JSON.stringify`, for every
 * message; what is used of it is its writer.
 */
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
  const least = levels.indexOf(level)
  const none: LogFields = {}
  const writer =
    (at: Level) =>
    (event: string, fields = none): void => {
      const line = JSON.stringify({ level: at, time: Date.now(), ...always, event, ...fields })
      sink.write(`${escaped(line)}\n`)
    }
  const writerFor = (at: Level): Log['info'] =>
    levels.indexOf(at) < least ? () => undefined : writer(at)
  return {
    debug: writerFor('debug'),
    info: writerFor('info'),
    warn: writerFor('warn'),
    error: writerFor('error'),
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

const unescaped = /[\x7f-\x9f\u2028\u2029]/
const everyUnescaped = new RegExp(unescaped, 'g')

function escaped(line: string): string {
  if (!unescaped.test(line)) return line
  return line.replace(
    everyUnescaped,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
