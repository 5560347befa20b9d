/** The section `log`: where the log goes and in which form; `also` names further places. */
import type { JsonObject, JsonValue } from '../mail/json.ts'
import type { LogLevel } from '../runtime/log.ts'
import { option } from '../plugin/option-makers.ts'
import { optional } from '../plugin/optional.ts'
import { isMap, type Reading } from './reading.ts'

/** One place of the log; of the section `log`, and of each item of its `also`. */
const logShape = {
  level: option.choice(['debug', 'info', 'warn', 'error'], {
    default: 'info',
    description: 'For json: what is less is not written',
  }),
  format: option.choice(['json', 'qmail', 'qmail-send', 'qmail-smtpd'], {
    default: 'json',
    description:
      "One JSON object for each event, or lines as qmail-send's, as those of qmail-smtpd, tcpserver and rblsmtpd, or both",
  }),
  to: option.string({
    default: 'stderr',
    description: '`stderr`, `stdout`, a file, or with files or file_bytes a folder',
  }),
  files: optional(
    option.integer({ min: 2, max: 10_000, description: 'Old files that are kept, as multilog nN' }),
  ),
  file_bytes: optional(
    option.size({
      description: 'When the next file is begun, as multilog sN; 16MB where left out',
    }),
  ),
  stamps: option.boolean({
    default: true,
    description: "TAI64N labels before qmail's lines; not where multilog t adds them",
  }),
} as const

/** qmail: what qmail-send and what qmail-smtpd, tcpserver and rblsmtpd would have written, in one. */
export type LogFormat = 'json' | 'qmail' | 'qmail-send' | 'qmail-smtpd'

export interface LogOutputSettings {
  readonly level: LogLevel
  readonly format: LogFormat
  /** `stderr`, `stdout`, or an absolute path. */
  readonly to: string
  /** Absent: `to` is a file. Otherwise a folder, in which files are moved on as multilog does. */
  readonly folder?: { readonly files: number; readonly fileBytes: number }
  /** Whether lines of qmail's begin with TAI64N labels. */
  readonly stamps: boolean
}

export interface LogSettings {
  readonly outputs: readonly LogOutputSettings[]
}

/** Where the configuration can not be read. */
export const plainLog: LogSettings = {
  outputs: [{ level: 'info', format: 'json', to: 'stderr', stamps: true }],
}

/** What is wrong, and nothing else, for whoever reads the standard error. */
export const errorsOnly: LogSettings = {
  outputs: [{ level: 'error', format: 'json', to: 'stderr', stamps: true }],
}

const usualFiles = 10
const usualFileBytes = 16 * 1024 * 1024
const mostFurther = 8

export function readLog(
  reading: Reading,
  top: JsonObject,
  absolute: (path: string) => string,
): LogSettings {
  const given = top['log']
  const first = readOutput(reading, ['log'], given, absolute)
  const listed = reading.list(['log', 'also'], isMap(given) ? given['also'] : undefined)
  if (listed.length > mostFurther) {
    reading.mistake(['log', 'also'], 'names too many places', `there may be ${mostFurther}`)
  }
  const further = listed.flatMap((item, index) => {
    const path = ['log', 'also', index]
    if (!isMap(item)) {
      reading.mistake(path, 'is not a place', 'write { to: …, format: … }')
      return []
    }
    return readOutput(reading, path, item, absolute) ?? []
  })
  const outputs = [...(first === undefined ? plainLog.outputs : [first]), ...further]
  const places = outputs.map(({ to }) => to)
  for (const [index, place] of places.entries()) {
    if (places.indexOf(place) === index || isStream(place)) continue
    reading.mistake(
      ['log', 'also', index - 1, 'to'],
      `goes where another log goes: ${place}`,
      'give it a place of its own',
    )
  }
  return { outputs }
}

function readOutput(
  reading: Reading,
  path: readonly (string | number)[],
  given: JsonValue | undefined,
  absolute: (path: string) => string,
): LogOutputSettings | undefined {
  const values = reading.section(path, logShape, given, path.length === 1 ? ['also'] : [])
  if (values === undefined) return undefined
  const { level, format, to, files, file_bytes: fileBytes, stamps } = values
  const isFolder = files !== undefined || fileBytes !== undefined
  if (isStream(to) && isFolder) {
    const remedy = 'name a folder in `to`, or leave files and file_bytes out'
    reading.mistake(path, `${to} has no files that could be moved on`, remedy)
  }
  return {
    level,
    format,
    to: isStream(to) ? to : absolute(to),
    ...(isFolder && !isStream(to)
      ? { folder: { files: files ?? usualFiles, fileBytes: fileBytes ?? usualFileBytes } }
      : {}),
    stamps,
  }
}

function isStream(to: string): boolean {
  return to === 'stderr' || to === 'stdout'
}
