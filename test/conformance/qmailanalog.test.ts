/** The same figures as qmailanalog's own programs, on a log of which their output is known. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { QmailSendLines } from '../../src/formats/qmail-log/send-lines.ts'
import type { HappenedEvent } from '../../src/formats/qmail-log/words.ts'
import { Tai64nLabels } from '../../src/formats/tai64n-labels.ts'
import type { LogEvent } from '../../src/runtime/log.ts'
import { formatRecord } from '../../src/formats/analog/records.ts'
import { makeReport, reportNames } from '../../src/formats/analog/reports.ts'
import { sendmailLine } from '../../src/formats/analog/sendmail-line.ts'
import { analyseLogs, readRecords } from '../../src/tools/analyse-logs.ts'

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/analog/${name}`, import.meta.url))
const linesOf = (name: string): readonly string[] =>
  readFileSync(fixture(name), 'latin1').trimEnd().split('\n')

type Rows = readonly (readonly (number | string)[])[]
const original = JSON.parse(readFileSync(fixture('reports.json'), 'utf8')) as {
  readonly [report: string]: Rows
}

async function matched(name: string): Promise<[readonly string[], readonly string[]]> {
  const lines: string[] = []
  const pending = await readRecords([fixture(name)], (record) => lines.push(formatRecord(record)))
  return [lines, [...pending]]
}

describe('beside qmailanalog', () => {
  test('matchup writes the same lines, and keeps the same for the next run', async () => {
    const [lines, pending] = await matched('send.log')
    expect(lines).toEqual(linesOf('matchup.out'))
    expect(pending.toSorted()).toEqual(linesOf('pending.out').toSorted())
  })

  test.each(reportNames.filter((name) => name !== 'overall'))(
    'z%s has the same rows',
    async (name) => {
      const { tallies } = await analyseLogs([fixture('send.log')])
      const sorted = (rows: Rows): readonly string[] => rows.map((row) => row.join(' ')).toSorted()
      expect(sorted(makeReport(name, tallies).rows)).toEqual(sorted(original[name] ?? []))
    },
  )

  test('zoverall has the same figures', async () => {
    const { tallies } = await analyseLogs([fixture('send.log')])
    expect(Object.fromEntries(makeReport('overall', tallies).rows)).toEqual(original['overall'])
  })

  test('what matchup wrote can be read in place of the log', async () => {
    const [log, matchup] = await Promise.all(
      ['send.log', 'matchup.out'].map((name) => analyseLogs([fixture(name)])),
    )
    for (const name of reportNames) {
      expect(makeReport(name, matchup?.tallies ?? never())).toEqual(
        makeReport(name, log?.tallies ?? never()),
      )
    }
  })

  test('zsendmail writes the same lines', async () => {
    const lines: string[] = []
    await readRecords([fixture('send.log')], (record) => {
      if (record.kind === 'delivery' || record.kind === 'message') lines.push(sendmailLine(record))
    })
    expect(lines).toEqual(expect.arrayContaining([...(original['zsendmail'] ?? [])]))
  })
})

describe("a gateway's own log", () => {
  test("is, in qmail-send's form, what its events say", () => {
    const labels = new Tai64nLabels()
    const writer = new QmailSendLines({ worker: 1, workers: 1, uid: 0 })
    const lines = linesOf('postern.jsonl').flatMap((line) => {
      const { level, time, event, ...fields } = JSON.parse(line) as LogEvent &
        HappenedEvent['fields']
      return writer.lines({ level, event, fields }).map((said) => `${labels.at(time)} ${said}`)
    })
    expect(lines).toEqual(linesOf('postern.log'))
  })

  test("is understood by qmailanalog's matchup, and by ours alike", async () => {
    const [lines] = await matched('postern.log')
    const original = linesOf('postern-matchup.out')
    expect(lines).toEqual(original)
    expect(original.filter((line) => line.startsWith('d '))).toHaveLength(19)
    expect(original.every((line) => /^(?:[dm] |\? \S+ bounce msg )/.test(line))).toBe(true)
  })

  test('leads to the same figures in both of its forms', async () => {
    const [json, qmail] = await Promise.all(
      ['postern.jsonl', 'postern.log'].map((name) => analyseLogs([fixture(name)])),
    )
    const countsOf = (analysis = json): unknown => {
      const { messages, recipients, tries, weightedBytes, deliveries, successes, failures } = (
        analysis ?? never()
      ).tallies.overall
      return { messages, recipients, tries, weightedBytes, deliveries, successes, failures }
    }
    expect(countsOf(json)).toEqual(countsOf(qmail))
    expect(makeReport('rhosts', (json ?? never()).tallies).rows.map((row) => row.at(-1))).toEqual(
      makeReport('rhosts', (qmail ?? never()).tallies).rows.map((row) => row.at(-1)),
    )
  })
})

function never(): never {
  throw new Error('a log without an analysis')
}
