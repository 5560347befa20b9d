import { Command, InvalidArgumentError } from 'commander'
import { makePage } from '../formats/analog/page.ts'
import { formatRecord, type LogRecord } from '../formats/analog/records.ts'
import {
  makeReport,
  reportName,
  reportNames,
  type Report,
  type ReportName,
} from '../formats/analog/reports.ts'
import { sendmailLine } from '../formats/analog/sendmail-line.ts'
import { legible } from '../formats/plain-line.ts'
import { analyseLogs, readRecords } from '../tools/analyse-logs.ts'
import { writeLines } from '../runtime/node/log-lines.ts'
import { formatReport } from './format-report.ts'
import { withProgress } from './progress.ts'

interface AnalogOptions {
  readonly report?: readonly ReportName[]
  readonly top: number
  readonly json?: true
  readonly html?: true
}

/** `postern analog [FILE …]`: qmailanalog's reports. */
export function analogCommand(): Command {
  return new Command('analog')
    .description("qmailanalog's reports, from Postern's log or qmail-send's")
    .argument(
      '[log...]',
      'files or folders, compressed or not; the standard input where none is named',
    )
    .option(
      '-r, --report <names>',
      `some of ${reportNames.join(', ')}; a z before the name is fine`,
      readNames,
    )
    .option('-n, --top <rows>', 'rows of each report', readTop, 20)
    .option('--json', 'every row, as JSON')
    .option('--html', 'one page with charts that needs nothing beside itself')
    .action(async (paths: readonly string[], options: AnalogOptions) => {
      const sources = paths.length === 0 ? ['-'] : paths
      const { tallies, timeline } = await withProgress('lines read', (told) =>
        analyseLogs(sources, told),
      )
      const names = options.report ?? reportNames
      const reports = names.map((name) => makeReport(name, tallies))
      const { top } = options
      if (options.html === true) {
        process.stdout.write(makePage({ reports, timeline, top, sources }))
      } else if (options.json === true) {
        process.stdout.write(`${JSON.stringify(jsonOf(reports), undefined, 2)}\n`)
      } else process.stdout.write(reports.map((report) => formatReport(report, top)).join('\n'))
      // Nothing to count is an answer: no.
      if (tallies.overall.deliveries + tallies.overall.messages > 0) return
      const remedy = "it reads Postern's log, and that of qmail-send with its stamps"
      process.stderr.write(`No delivery was found; ${remedy}\n`)
      process.exitCode = 1
    })
}

/** `postern matchup`: in the place of qmailanalog's; what is pending goes to descriptor 5, where it is open. */
export function matchupCommand(): Command {
  return matching(
    'matchup',
    'match deliveries with their messages, as qmailanalog does',
    (record) => formatRecord(record),
  )
}

/** `postern zsendmail`: the same, in sendmail's manner. */
export function zsendmailCommand(): Command {
  return matching('zsendmail', 'a log of qmail or Postern in the manner of sendmail', (record) =>
    record.kind === 'delivery' || record.kind === 'message'
      ? sendmailLine(record)
      : formatRecord(record),
  )
}

function matching(
  name: string,
  description: string,
  format: (record: LogRecord) => string,
): Command {
  return new Command(name)
    .description(description)
    .argument(
      '[log...]',
      'files or folders, compressed or not; the standard input where none is named',
    )
    .action(async (paths: readonly string[]) => {
      let text = ''
      const flush = (): void => {
        process.stdout.write(text, 'latin1')
        text = ''
      }
      const pending = await readRecords(paths.length === 0 ? ['-'] : paths, (record) => {
        text += `${format(record)}\n`
        if (text.length > 65_536) flush()
      })
      flush()
      if (name === 'matchup') await writeLines(5, pending)
    })
}

function jsonOf(reports: readonly Report[]): Record<string, unknown> {
  return Object.fromEntries(
    reports.map(({ name, columns, rows }) => [
      name,
      name === 'overall'
        ? Object.fromEntries(rows)
        : rows.map((row) => Object.fromEntries(columns.map((column, at) => [column, row[at]]))),
    ]),
  )
}

function readNames(given: string): readonly ReportName[] {
  return given.split(',').map((word) => {
    const name = reportName(word.trim())
    if (name === undefined) {
      throw new InvalidArgumentError(`${legible(word)} is no report: ${reportNames.join(', ')}`)
    }
    return name
  })
}

function readTop(given: string): number {
  if (!/^\d{1,6}$/.test(given) || Number(given) === 0)
    throw new InvalidArgumentError('a number from 1')
  return Number(given)
}
