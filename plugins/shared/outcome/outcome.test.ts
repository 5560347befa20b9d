import { describe, expect, test } from 'vitest'
import { outcomeOf, outcomeOption, verdictOn, type Complaint, type Outcome } from './outcome.ts'

const complaint = (outcome: Outcome, check = String(outcome)): Complaint => ({
  check,
  outcome,
  detail: `found by ${check}`,
  text: 'No',
  status: '5.7.1',
})
const manner = { reason: 'CONTENT', field: 'X-Content' }
const on = (...outcomes: readonly Outcome[]) =>
  verdictOn(
    outcomes.map((each) => complaint(each)),
    manner,
  )

describe('an outcome', () => {
  test.each([
    ['reject', 'reject'],
    ['none', 'none'],
    [2.5, 2.5],
    ['2.5', 2.5],
    ['-1', -1],
  ])('%j is taken', (value, outcome) => {
    expect(outcomeOf(value)).toBe(outcome)
    const option = outcomeOption({ default: 'tag' })
    const resources = { file: never, table: never, cdb: never }
    expect(option.parse(value, resources)).toEqual({ ok: true, value: outcome })
  })

  test.each(['drop', '', '1e5', true, null, ['reject']])('%j is refused', (value) => {
    expect(outcomeOf(value)).toBeUndefined()
  })
})

function never(): never {
  throw new Error('no file is asked for')
}

describe('the verdict on several complaints', () => {
  test('passes where there is none, or none that counts', () => {
    expect(on()).toEqual({ verdict: 'pass' })
    expect(on('none', 'none')).toEqual({ verdict: 'pass' })
  })

  test.each<[readonly Outcome[], string]>([
    [['tag', 'discard', 'reject', 'quarantine', 'defer'], 'reject'],
    [['tag', 'discard', 'quarantine', 'defer'], 'defer'],
    [['tag', 'discard', 'quarantine'], 'quarantine'],
    [['tag', 'discard'], 'discard'],
    [['tag', 1], 'pass'],
  ])('of %j is %s', (outcomes, verdict) => {
    expect(on(...outcomes)).toMatchObject({ verdict, reason: 'CONTENT' })
  })

  test('adds up scores and names the tags, whatever else is done', () => {
    expect(on(1, 2.5, 'tag', 'quarantine')).toMatchObject({
      verdict: 'quarantine',
      score: 3.5,
      headerEdits: [{ edit: 'append', name: 'X-Content', value: 'tag' }],
      evidence: {
        found: [{ check: '1' }, { check: '2.5' }, { check: 'tag' }, { check: 'quarantine' }],
      },
    })
  })

  test('keeps the evidence short', () => {
    const many = Array.from({ length: 50 }, () => ({
      ...complaint('tag', 'x'),
      detail: 'd'.repeat(9999),
    }))
    const { evidence } = verdictOn(many, manner)
    expect(evidence).toMatchObject({ more: 30, found: { length: 20 } })
    expect(JSON.stringify(evidence).length).toBeLessThan(6000)
  })
})
