import { expect, test } from 'vitest'
import { stripVTControlCharacters } from 'node:util'
import type { TraceSummary } from '../trace/trace-summary.ts'
import { logLine } from './log-line.ts'

const plain: TraceSummary = {
  cursor: '1',
  id: 's1.1',
  session: 's1',
  startedAt: Date.UTC(2026, 10, 21, 8),
  endedAt: Date.UTC(2026, 10, 21, 8, 0, 1),
  listener: 'mx',
  client: '192.0.2.1',
  reversePath: '<ann@far.test>',
  recipients: [
    { address: 'bob@postern.test', accepted: true },
    { address: 'carl@postern.test', accepted: true },
  ],
  recipientCount: 2,
  acceptedCount: 2,
  outcome: 'accepted',
  stage: 'message',
  reply: { code: 250, status: '2.0.0', text: 'Ok' },
  queueIds: ['q1'],
}
const line = (item: Partial<TraceSummary>): string =>
  stripVTControlCharacters(logLine({ ...plain, ...item }))

test('a line says when, what, who, for whom, why, and by which id there is more', () => {
  expect(line({})).toBe(
    '2026-11-21 08:00:01  accepted     192.0.2.1        <ann@far.test> → bob@postern.test +1  s1.1',
  )
  const refused = {
    reply: { code: 550, status: '5.7.1', text: 'No' },
    reason: 'SCORE',
    score: 12.5,
  }
  expect(line({ ...refused, outcome: 'refused', entry: 'rspamd' })).toBe(
    '2026-11-21 08:00:01  refused      192.0.2.1        <ann@far.test> → bob@postern.test +1  550 5.7.1 SCORE by rspamd  score 12.5  s1.1',
  )
})

test('an address is shown in its own letters, so that it can be asked for', () => {
  expect(line({ reversePath: '<jürgen@bücher.test>' })).toContain('<jürgen@bücher.test> → bob')
})

test('a line of a connection without MAIL, and of a message without a client', () => {
  const { reversePath, ...connection } = plain
  expect(reversePath).toBeDefined()
  expect(
    stripVTControlCharacters(logLine({ ...connection, recipients: [], recipientCount: 0 })),
  ).toContain('(no MAIL)')
  expect(line({ client: '', via: 'bounce', reversePath: '<>' })).toContain(
    'bounce           <> → bob',
  )
})

test('what clients wrote cannot move the cursor, begin a line, or fill the screen', () => {
  const evil = `\u001B[2J\r\n${'x'.repeat(5000)}`
  const told = logLine({
    ...plain,
    reversePath: evil,
    recipients: [{ address: evil, accepted: true }],
    reason: evil.slice(0, 200),
    outcome: 'refused',
    client: evil.slice(0, 40),
  })
  for (const sign of ['\r', '\n', '\u001B[2J']) expect(told).not.toContain(sign)
  expect(told.length).toBeLessThan(1000)
})
