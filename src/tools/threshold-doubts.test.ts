import { expect, test } from 'vitest'
import { thresholdDoubts } from './threshold-doubts.ts'

type Parts = Parameters<typeof thresholdDoubts>[0]
type Change = Parts['thresholdRules'] extends ReadonlyMap<string, infer C> ? C : never

const problemsOf = (
  thresholds: Parts['thresholds'],
  rules: Readonly<Record<string, Change>>,
): readonly string[] =>
  thresholdDoubts({
    thresholds,
    thresholdRules: new Map(Object.entries(rules)),
    receiver: { place: { file: 'postern.yaml' } } as Parts['receiver'],
  }).map(({ problem }) => problem)

const general = { tag: 2, quarantine: 8, reject: 15, discard: 30 }

test('a threshold for some that an inherited one undoes is doubted', () => {
  expect(problemsOf(general, { 'strict.test': { reject: 6 } })).toEqual([
    'for strict.test quarantine (8) lies above reject (6), which it does not for everybody: from 8 on mail is held, not refused',
  ])
  expect(problemsOf({ quarantine: 8 }, { '.strict.test': { reject: 6 } })).toHaveLength(1)
  expect(problemsOf(general, { 'a@mild.test': { quarantine: 20 } })).toHaveLength(1)
  expect(problemsOf(general, { 'mild.test': { reject: 40 } })).toHaveLength(1)
  expect(
    problemsOf(general, { 'strict.test': { quarantine: 5 }, 'a@strict.test': { reject: 4 } }),
  ).toHaveLength(1)
})

test('thresholds for some that are in order, or all written there, are not doubted', () => {
  expect(problemsOf(general, { 'strict.test': { reject: 10 }, 'a.test': { tag: 50 } })).toEqual([])
  expect(problemsOf(general, { 'strict.test': { reject: 6, quarantine: 9 } })).toEqual([])
  expect(problemsOf(general, { 'strict.test': { reject: 6, quarantine: null } })).toEqual([])
  const reversed = { quarantine: 20, reject: 10 }
  expect(problemsOf(reversed, { 'strict.test': { reject: 6 } })).toEqual([])
  expect(problemsOf({}, { 'strict.test': { reject: 6 } })).toEqual([])
})
