import type { Log, LogEvent, LogFields, LogForm, LogLevel } from '../log.ts'
import { logLevels } from '../log.ts'
import { LogWriter } from './log-writer.ts'
import { streamTarget, type LogTarget } from './log-target.ts'

/** What stood in the way of lines that were lost, said in the log itself once it can be written again. */
const lostEvent = 'log.lost'

export interface LogOutput {
  readonly form: LogForm
  readonly target: LogTarget
}

/** A log, and its end: what is still to be written then has a second. */
export type OpenedLog = Log & {
  /** Resolves when the outputs are as they should be for a gateway that starts. */
  open(): Promise<void>
  close(): Promise<void>
  /** Lines that there was no room to keep meanwhile, of all outputs. */
  readonly lostLines: number
}

/** A log of JSON lines, on a descriptor that is open. */
export function jsonLog(level: LogLevel, descriptor: number): OpenedLog {
  return openOutputs([{ form: jsonForm(level), target: streamTarget(descriptor) }])
}

/** One log for all outputs: each event is given to every form that wants it. */
export function openOutputs(outputs: readonly LogOutput[]): OpenedLog {
  const open = outputs.map(({ form, target }) => {
    const said = (fields: LogFields): string => form.lines(eventOf('warn', lostEvent, fields))
    return { form, writer: new LogWriter(target, (lost) => said({ ...lost })) }
  })
  const writerFor = (level: LogLevel): Log['info'] => {
    const wanting = open.filter(({ form }) => form.wants(level))
    if (wanting.length === 0) return () => undefined
    return (event, fields) => {
      const happened = eventOf(level, event, fields)
      for (const { form, writer } of wanting) {
        const lines = form.lines(happened)
        if (lines !== '') writer.write(lines)
      }
    }
  }
  return {
    debug: writerFor('debug'),
    info: writerFor('info'),
    warn: writerFor('warn'),
    error: writerFor('error'),
    open: async () => void (await Promise.all(outputs.map(async ({ target }) => target.open?.()))),
    close: async () => void (await Promise.all(open.map(({ writer }) => writer.close()))),
    get trouble() {
      return open.map(({ writer }) => writer.trouble).find((trouble) => trouble !== undefined)
    },
    get lostLines() {
      return open.reduce((all, { writer }) => all + writer.lostInAll, 0)
    },
  }
}

const none: LogFields = {}

function eventOf(level: LogLevel, event: string, fields = none): LogEvent {
  return { level, time: Date.now(), event, fields }
}

/**
 * JSON lines: `{"level":"info","time":…,"event":"rcpt.rejected",…}`, control characters escaped, C1 and DEL too, which
 * JSON would let through to a terminal.
 *
 * @param always stands in every line, before what the event tells
 */
export function jsonForm(least: LogLevel, always = none): LogForm {
  const everywhere = JSON.stringify(always).slice(1, -1)
  const seat = everywhere === '' ? '' : `,${everywhere}`
  const from = logLevels.indexOf(least)
  const wants = (level: LogLevel): boolean => logLevels.indexOf(level) >= from
  return {
    wants,
    lines: ({ level, time, event, fields }) => {
      if (!wants(level)) return ''
      // Not as one object: to copy the fields into it would cost more than to write them.
      const more = JSON.stringify(fields).slice(1)
      const head = `{"level":"${level}","time":${time},"event":${JSON.stringify(event)}${seat}`
      return `${escaped(more === '}' ? head + more : `${head},${more}`)}\n`
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
