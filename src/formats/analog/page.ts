/**
 * The reports as one page that needs nothing beside itself: charts are SVG within it, nothing is fetched, no script runs,
 * and all that comes from the log is escaped.
 */
import { printable } from '../../mail/reply.ts'
import { barsChart, curveChart, timelineChart } from './charts.ts'
import { escapeHtml } from './escape-html.ts'
import { shownRows, type Report, type ReportName } from './reports.ts'
import type { Timeline } from './timeline.ts'

export interface PageParts {
  readonly reports: readonly Report[]
  readonly timeline: Timeline
  /** Rows shown of each table. */
  readonly top: number
  /** What was read, as the user named it. */
  readonly sources: readonly string[]
}

const style = `
:root{color-scheme:light dark;--ink:#1b2733;--soft:#5b6b7a;--line:#d9e0e6;--paper:#fff;--k:#2a9d5c;--z:#d98c1f;--d:#c8413b;--bar:#3b76b5}
@media(prefers-color-scheme:dark){:root{--ink:#e4eaf0;--soft:#9aa8b5;--line:#33414e;--paper:#141b22;--bar:#6aa5e0}}
body{font:15px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:1100px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2.2rem}
p,figcaption,footer{color:var(--soft)}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:right;padding:.2rem .6rem;border-bottom:1px solid var(--line)}
.t{text-align:left;overflow-wrap:anywhere}
figure{margin:1rem 0}svg{width:100%;height:auto}svg text{fill:var(--soft);font:11px system-ui,sans-serif}
.k{fill:var(--k)}.z{fill:var(--z)}.d{fill:var(--d)}.bar{fill:var(--bar)}.axis{stroke:var(--line)}
.curve{fill:none;stroke:var(--bar);stroke-width:2}
`

/** What a chart shows beside a table: which column, and what it is called. */
const charted: { readonly [N in ReportName]?: readonly [column: number, caption: string] } = {
  rhosts: [0, 'Bytes delivered, by recipient host'],
  senders: [0, 'Messages, by sender'],
  deferrals: [0, 'Deferred deliveries, by reason'],
  failures: [0, 'Failed deliveries, by reason'],
}

export function makePage({ reports, timeline, top, sources }: PageParts): string {
  const named = escapeHtml(printable(sources.join(', ')))
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Mail log analysis</title>
<style>${style}</style>
</head>
<body>
<h1>Mail log analysis</h1>
<p>Read: ${named}</p>
${figure(timelineChart(timeline), 'Deliveries by the time at which they ended: successes, deferrals, failures')}
${reports.map((report) => section(report, top)).join('\n')}
<footer>xdelay: the time that deliveries took. ddelay: from queueing to a successful delivery. qtime: in the queue.</footer>
</body>
</html>
`
}

function section(report: Report, top: number): string {
  const { name, title, columns, rows } = report
  const shown = shownRows(report, top)
  const rest = rows.length - shown.length
  return [
    `<section class="${name}">`,
    `<h2>${escapeHtml(title)}</h2>`,
    chartOf({ name, title, columns, rows: shown }),
    '<table>',
    `<thead><tr>${columns.map((column, at) => `<th scope="col"${sideOf(rows[0]?.[at])}>${escapeHtml(column)}</th>`).join('')}</tr></thead>`,
    '<tbody>',
    ...shown.map(
      (row) =>
        `<tr>${row.map((cell) => `<td${sideOf(cell)}>${cellText(cell)}</td>`).join('')}</tr>`,
    ),
    '</tbody>',
    '</table>',
    rest > 0 ? `<p>and ${rest} more</p>` : '',
    '</section>',
  ]
    .filter((line) => line !== '')
    .join('\n')
}

function chartOf({ name, rows }: Report): string {
  if (name === 'ddist') {
    const points = rows.map(([delay, , percent]) => [Number(delay), Number(percent)] as const)
    return figure(curveChart(points), 'Deliveries done (%) within so many seconds')
  }
  const [column, caption] = charted[name] ?? []
  if (column === undefined || caption === undefined) return ''
  const bars = rows.slice(0, 12).map((row) => ({
    label: printable(String(row.at(-1))),
    value: Number(row[column]),
  }))
  return figure(barsChart(bars), caption)
}

function figure(chart: string, caption: string): string {
  if (chart === '') return ''
  return `<figure>${chart}<figcaption>${escapeHtml(caption)}</figcaption></figure>`
}

/** Texts stand on the left, figures on the right. */
function sideOf(cell: number | string | undefined): string {
  return typeof cell === 'string' ? ' class="t"' : ''
}

function cellText(cell: number | string): string {
  return escapeHtml(typeof cell === 'number' ? String(cell) : printable(cell))
}
