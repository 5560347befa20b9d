import { describe, expect, test } from 'vitest'
import type { TracedStep } from '../../schemas/messages.ts'
import { evidenceText, layoutChain } from './chain-layout.ts'
import { lastStageOf } from './last-stage.ts'

function step(stage: string, entry: string, more: Partial<TracedStep> = {}): TracedStep {
  return {
    index: 0,
    kind: 'asked',
    stage,
    question: stage,
    entry,
    plugin: entry,
    mode: 'enforce',
    round: 0,
    verdict: 'pass',
    durationMs: 1,
    deciding: false,
    ...more,
  }
}

describe('the chain picture', () => {
  const refused = [
    step('connect', 'lists'),
    step('connect', 'dnsbl', { verdict: 'reject', reason: 'LISTED' }),
    step('rcpt', 'rcpthosts', { verdict: 'accept' }),
    step('rcpt', 'dnsbl', { verdict: 'reject', kind: 'spoken', deciding: true }),
  ]

  test('shows the stages from left to right, and no login where there was none', () => {
    expect(layoutChain(refused, 'rcpt', true).map(({ stage }) => stage)).toEqual([
      'connect',
      'hello',
      'mail',
      'rcpt',
      'data',
      'message',
    ])
  })

  test('ends where the transaction was refused, and says what was not asked', () => {
    expect(layoutChain(refused, 'rcpt', true).map(({ state }) => state)).toEqual([
      'passed',
      'passed',
      'passed',
      'ended',
      'unasked',
      'unasked',
    ])
  })

  test('goes to its end where the message was accepted', () => {
    const stages = layoutChain([step('message', 'headers')], 'message', false)
    expect(stages.every(({ state }) => state === 'passed')).toBe(true)
  })

  test('keeps plain passes apart from what tells something', () => {
    const [connect] = layoutChain(refused, 'rcpt', true)
    expect(connect?.quiet.map(({ entry }) => entry)).toEqual(['lists'])
    expect(connect?.telling.map(({ step: { entry } }) => entry)).toEqual(['dnsbl'])
    expect(connect?.durationMs).toBe(2)
  })

  test('takes a pass with a reason, a score, evidence or a fault for telling', () => {
    const steps = [
      step('mail', 'a', { reason: 'NO_PTR' }),
      step('mail', 'b', { score: 2 }),
      step('mail', 'c', { evidence: { ptr: 'x' } }),
      step('mail', 'd', { fault: { kind: 'timeout', detail: 'late' } }),
      step('mail', 'e', { score: 0, evidence: {} }),
    ]
    const mail = layoutChain(steps, 'mail', false).find(({ stage }) => stage === 'mail')
    expect(mail?.telling).toHaveLength(4)
    expect(mail?.quiet).toHaveLength(1)
  })

  test('shows few facts, and says how many more there are', () => {
    const evidence = Object.fromEntries(Array.from({ length: 8 }, (_, at) => [`fact${at}`, at]))
    const [connect] = layoutChain([step('connect', 'a', { evidence })], 'connect', false)
    expect(connect?.telling[0]).toMatchObject({ more: 3 })
    expect(connect?.telling[0]?.evidence).toHaveLength(5)
  })

  test('ends at the last stage that anybody was asked at', () => {
    expect(lastStageOf(refused)).toBe('rcpt')
    expect(lastStageOf([])).toBe('connect')
  })
})

describe('evidence', () => {
  test.each([
    ['text', 'text'],
    [['127.0.0.2', '127.0.0.4'], '127.0.0.2, 127.0.0.4'],
    [{ a: 1 }, 'a: 1'],
    [
      [{ check: 'name', detail: 'x.exe' }, { check: 'size' }],
      'check: name, detail: x.exe; check: size',
    ],
    [{ a: { b: 1, c: 2 }, d: ['e'] }, 'a: {"b":1,"c":2}, d: e'],
    [{}, ''],
    [null, 'null'],
    [7, '7'],
  ])('%j is shown as %s', (value, text) => {
    expect(evidenceText(value)).toBe(text)
  })

  test('is cut where it is long', () => {
    expect(evidenceText('x'.repeat(1000)).length).toBeLessThan(200)
  })
})
