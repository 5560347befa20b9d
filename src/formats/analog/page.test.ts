import { describe, expect, test } from 'vitest'
import { makePage } from './page.ts'
import { parseRecord } from './records.ts'
import { makeReport, reportNames } from './reports.ts'
import { Tallies } from './tallies.ts'
import { Timeline } from './timeline.ts'

function pageOf(lines: readonly string[], top = 20): string {
  const tallies = new Tallies()
  const timeline = new Timeline()
  for (const line of lines) {
    const record = parseRecord(line)
    if (record?.kind === 'message') tallies.message(record)
    else if (record !== undefined) {
      tallies.delivery(record)
      timeline.add(Number(record.end), record.result)
    }
  }
  const reports = reportNames.map((name) => makeReport(name, tallies))
  return makePage({ reports, timeline, top, sources: ['<log>'] })
}

const evil = '"><script>alert(1)</script>&\'@x.test'

describe('the page', () => {
  test('shows every report and its charts, and fetches nothing', () => {
    const lines = Array.from({ length: 30 }, (_, at) => [
      `d k ${1e9 + at}.0 ${1e9 + at}.1 ${1e9 + at * 40}.${at}5 ${100 + at} <a${at}@t> remote.x@h${at}.test 1 2 ok/`,
      `d z ${1e9 + at}.0 ${1e9 + at}.1 ${1e9 + at * 40}.${at}5 ${100 + at} <a${at}@t> remote.x@h${at}.test 1 2 later_${at}/`,
      `m ${1e9 + at}.0 ${1e9 + at}.9 ${100 + at} 1 0 1 <a${at}@t> 1 2`,
    ]).flat()
    const page = pageOf(lines)
    expect(page.match(/<svg /g)?.length).toBeGreaterThanOrEqual(5)
    expect(page.match(/<section /g)).toHaveLength(reportNames.length)
    expect(page).not.toMatch(/(?:src|href)=|url\(|@import|<script|https?:/)
    expect(page).toContain('and 10 more')
    expect(page).not.toMatch(/NaN|Infinity|undefined/)
  })

  test('escapes all that comes from the log', () => {
    const page = pageOf([
      `d d 1.0 1.0 2.0 5 <${evil}> remote.${evil} 1 2 ${evil}`,
      `d d 1.0 1.0 2.0 5 <b@t> remote.b@t 1 2 other`,
      `m 1.0 2.0 5 0 1 0 <${evil}> 1 2`,
    ])
    expect(page).not.toContain('<script')
    expect(page).toContain('&lt;script&gt;')
  })

  test('is whole where there is nothing to show', () => {
    const page = pageOf([])
    expect(page).toContain('Completed messages')
    expect(page).not.toContain('<svg')
  })

  test('draws a year as readily as an hour', () => {
    const timeline = new Timeline()
    for (let day = 0; day < 365; day++) timeline.add(1.7e9 + day * 86_400, 'k')
    timeline.add(1e300, 'k')
    const bars = timeline.bars()
    expect(bars.length).toBeLessThanOrEqual(240)
    expect(bars.reduce((sum, { k }) => sum + k, 0)).toBe(365)
  })
})
