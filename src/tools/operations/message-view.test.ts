import { expect, test } from 'vitest'
import type { TraceSummary } from '../../trace/trace-summary.ts'
import { summaryFor } from './message-view.ts'

const found: TraceSummary = {
  id: 't1',
  cursor: '1',
  session: 's1',
  startedAt: 0,
  endedAt: 1,
  listener: 'mx',
  client: '192.0.2.1',
  recipients: [
    { address: 'ann@a.example', accepted: true },
    { address: 'boss@b.example', accepted: true },
  ],
  recipientCount: 2,
  acceptedCount: 2,
  stage: 'message',
  outcome: 'accepted',
  queueIds: [],
}
const mine = { what: 'domains', domains: ['a.example'] } as const

test('an administrator of domains sees their own recipients of a message, and nobody else', () => {
  expect(summaryFor(found, {}, mine)?.recipients).toEqual(['ann@a.example'])
  expect(summaryFor(found, {}, { what: 'domains', domains: ['c.example'] })).toBeUndefined()
})

test('they do not learn by a search who else a message was for', () => {
  expect(summaryFor(found, { address: 'boss@b.example' }, mine)).toBeUndefined()
  expect(summaryFor(found, { text: 'boss@b.example' }, mine)).toBeUndefined()
  const whole = { what: 'domains', domains: ['a.example', 'b.example'] } as const
  expect(summaryFor(found, { address: 'boss@b.example' }, whole)?.recipients).toHaveLength(2)
})
