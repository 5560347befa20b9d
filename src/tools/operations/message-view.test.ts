import { expect, test } from 'vitest'
import type { Attempt } from '../../filter/attempts.ts'
import type { TraceSummary } from '../../trace/trace-summary.ts'
import { enteredBeside, storyOf } from '../../trace/story.ts'
import { storyView, summaryFor } from './message-view.ts'

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

test('a story says what each refused recipient was answered, to those who may know of that recipient', () => {
  const record = enteredBeside({
    queueId: 'q1',
    at: 0,
    reversePath: 'ann@else.example',
    recipients: ['ann@a.example', 'gone@a.example', 'boss@b.example'],
  })
  const refusal = { code: 550, status: '5.1.1', text: 'No such mailbox here' }
  const story = {
    ...storyOf(record, { chain: {}, attempts: [] }),
    recipients: [
      { address: 'ann@a.example', accepted: true },
      { address: 'gone@a.example', accepted: false },
      { address: 'boss@b.example', accepted: false },
    ],
    rulings: [
      { ruling: 'pass' },
      { ruling: 'reject', ...refusal },
      { ruling: 'defer', code: 451, status: '4.7.1', text: 'Come back later' },
    ],
  } as const
  const own = [
    { address: 'ann@a.example', accepted: true },
    { address: 'gone@a.example', accepted: false, reply: refusal },
  ]
  expect(storyView(story, mine)?.told).toEqual(own)
  expect(storyView(story, { what: 'all' })?.told).toEqual([
    ...own,
    {
      address: 'boss@b.example',
      accepted: false,
      reply: { code: 451, status: '4.7.1', text: 'Come back later' },
    },
  ])
  // Where steps were lost nothing can be decided again: then nothing is said.
  expect(storyView({ ...story, rulings: [] }, mine)?.told[1]).not.toHaveProperty('reply')
})

test('that a sender was told is shown to those who may see all of whom it may be about', () => {
  const ann = 'ann@a.example'
  const record = (...recipients: readonly string[]) =>
    enteredBeside({ queueId: 'q1', at: 0, reversePath: ann, recipients })
  const attempts = (['failed', 'told'] as const).map((outcome): Attempt => {
    const what = { queueId: 'q1', recipient: ann, outcome, route: '', status: '', text: '' }
    return { ...what, startedAt: 0, durationMs: 1 }
  })
  const outcomes = (...recipients: readonly string[]) =>
    storyView(storyOf(record(...recipients), { chain: {}, attempts }), mine)?.attempts.map(
      ({ outcome }) => outcome,
    )
  expect(outcomes(ann)).toEqual(['failed', 'told'])
  expect(outcomes(ann, 'boss@b.example')).toEqual(['failed'])
})
