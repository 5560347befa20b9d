import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonValue } from '../mail/json.ts'
import { findingKey } from '../plugin/finding.ts'
import type { AnyVerdict } from '../plugin/verdict.ts'
import { chainUnderTest, entryOf } from '../testkit/chain-under-test.ts'
import { voucher } from '../../test/fixtures/plugins/voucher/voucher.ts'
import { verdictFault } from './check-verdict.ts'
import type { Place, Question } from './entry.ts'

const [entry] = chainUnderTest({ entries: [entryOf(voucher)] }).policy.generation.entries

function fault(
  question: Question,
  answer: JsonValue | undefined,
  vouches = false,
): string | undefined {
  if (entry === undefined) throw new Error('the fixture is gone')
  const place: Place = {
    number: 0,
    question,
    entry: { ...entry, vouches, provides: [findingKey('known')] },
  }
  const sneaked: AnyVerdict = JSON.parse(answer === undefined ? 'null' : JSON.stringify(answer))
  return verdictFault(sneaked, place, 2)?.kind
}

describe('a verdict', () => {
  test.each<[Question, JsonValue]>([
    ['connect', { verdict: 'pass' }],
    [
      'mail',
      { verdict: 'pass', score: 1.5, reason: 'WHY', findings: [{ name: 'known', value: 1 }] },
    ],
    ['rcpt', { verdict: 'reject', status: '5.7.1', text: 'No', close: false, at: 'rcpt' }],
    ['data', { verdict: 'defer', status: '4.7.1', text: 'Later', close: true }],
    ['message', { verdict: 'quarantine' }],
    ['message', { verdict: 'pass', recipientScores: [1, 2] }],
    [
      'message',
      { verdict: 'per-recipient', verdicts: [{ verdict: 'pass' }, { verdict: 'discard' }] },
    ],
    [
      'message',
      { verdict: 'pass', headerEdits: [{ edit: 'prepend', name: 'X', value: 'a\r\n b' }] },
    ],
  ])('at %s: %j', (question, answer) => {
    expect(fault(question, answer)).toBeUndefined()
  })

  test('accept at rcpt, from a plugin that vouches', () => {
    expect(fault('rcpt', { verdict: 'accept' }, true)).toBeUndefined()
    expect(fault('rcpt', { verdict: 'accept' }, false)).toBe('not-allowed')
    expect(fault('mail', { verdict: 'accept' }, true)).toBe('not-allowed')
  })
})

describe('no verdict', () => {
  test.each<[Question, JsonValue | undefined, string]>([
    ['connect', undefined, 'not-a-verdict'],
    ['connect', true, 'not-a-verdict'],
    ['connect', [], 'not-a-verdict'],
    ['connect', { verdict: 'maybe' }, 'not-allowed'],
    ['rcpt', { verdict: 'quarantine' }, 'not-allowed'],
    ['mail', { verdict: 'reject', status: '4.7.1', text: 'No', close: false }, 'not-a-verdict'],
    ['mail', { verdict: 'defer', status: '5.7.1', text: 'No', close: false }, 'not-a-verdict'],
    ['mail', { verdict: 'reject', status: '5.7', text: 'No', close: false }, 'not-a-verdict'],
    ['mail', { verdict: 'reject', status: '5.7.1', close: false }, 'not-a-verdict'],
    ['mail', { verdict: 'reject', status: '5.7.1', text: 'No' }, 'not-a-verdict'],
    [
      'mail',
      { verdict: 'reject', status: '5.7.1', text: 'No', close: false, at: 'data' },
      'not-a-verdict',
    ],
    ['mail', { verdict: 'pass', score: 'high' }, 'not-a-verdict'],
    ['mail', { verdict: 'pass', recipientScores: [1, 2] }, 'not-a-verdict'],
    ['message', { verdict: 'pass', recipientScores: [1] }, 'not-a-verdict'],
    ['message', { verdict: 'pass', findings: [{ value: 1 }] }, 'not-a-verdict'],
    ['mail', { verdict: 'pass', findings: [{ name: 'relay-client', value: 1 }] }, 'not-allowed'],
    ['message', { verdict: 'pass', reason: 7 }, 'not-a-verdict'],
    ['message', { verdict: 'per-recipient', verdicts: [{ verdict: 'pass' }] }, 'not-a-verdict'],
    [
      'message',
      { verdict: 'per-recipient', verdicts: [{ verdict: 'pass' }, { verdict: 'accept' }] },
      'not-a-verdict',
    ],
    [
      'message',
      { verdict: 'pass', headerEdits: [{ edit: 'prepend', name: 'X' }] },
      'not-a-verdict',
    ],
    [
      'message',
      { verdict: 'pass', headerEdits: [{ edit: 'prepend', name: 'X', value: 'a\r\nBcc: b' }] },
      'not-a-verdict',
    ],
    ['message', { verdict: 'pass', envelopeEdits: [{ edit: 'removeRecipient' }] }, 'not-a-verdict'],
  ])('at %s: %j is %s', (question, answer, kind) => {
    expect(fault(question, answer)).toBe(kind)
  })

  test('whatever a plugin answers, the check itself does not fail', () => {
    const verdicts = fc.record(
      {
        verdict: fc.oneof(fc.constantFrom('pass', 'reject', 'per-recipient'), fc.jsonValue()),
        status: fc.oneof(fc.constant('5.7.1'), fc.jsonValue()),
        text: fc.jsonValue(),
        close: fc.jsonValue(),
        verdicts: fc.jsonValue(),
        findings: fc.jsonValue(),
        headerEdits: fc.jsonValue(),
        envelopeEdits: fc.jsonValue(),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(fc.oneof(verdicts, fc.jsonValue()), (answer) => {
        const copy: JsonValue = JSON.parse(JSON.stringify(answer))
        expect([undefined, 'not-a-verdict', 'not-allowed']).toContain(fault('message', copy))
      }),
    )
  })
})
