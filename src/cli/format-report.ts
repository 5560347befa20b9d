import { styleText } from 'node:util'
import { shownRows, type Report } from '../formats/analog/reports.ts'
import { legible } from '../formats/plain-line.ts'

/** Columns of figures to the right, the text that is last to the left. */
export function formatReport(report: Report, top: number): string {
  const { name, title, columns, rows } = report
  const shown = shownRows(report, top).map((row) => row.map((cell) => cellText(cell)))
  const table = name === 'overall' ? shown : [columns, ...shown]
  const widths = columns.map((_, at) => Math.max(...table.map((row) => (row[at] ?? '').length), 0))
  const lines = table.map((row) =>
    row
      .map((cell, at) => {
        const isText = name === 'overall' ? at === 0 : at === columns.length - 1 && name !== 'ddist'
        return isText ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)
      })
      .join('  ')
      .trimEnd(),
  )
  const rest = rows.length - shown.length
  const more = rest > 0 ? [`and ${rest} more`] : []
  const head = styleText('bold', title, { stream: process.stdout })
  return `${[head, ...lines, ...more].join('\n')}\n`
}

function cellText(cell: number | string): string {
  return typeof cell === 'number' ? String(cell) : legible(cell)
}
