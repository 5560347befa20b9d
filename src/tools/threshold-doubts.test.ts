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

test('a quarantine that what ends a message comes before is doubted', () => {
  expect(problemsOf(general, { 'a@mild.test': { quarantine: 20 } })).toEqual([
    'for a@mild.test quarantine (20) holds nothing: from reject (15) on mail is refused',
  ])
  expect(problemsOf({ discard: 6 }, { '.mild.test': { quarantine: 8 } })).toEqual([
    'for .mild.test quarantine (8) holds nothing: from discard (6) on mail is discarded',
  ])
  expect(problemsOf(general, { 'a.test': { quarantine: 20, reject: 18 } })).toHaveLength(1)
  expect(problemsOf({ quarantine: 20, reject: 10 }, { 'strict.test': { reject: 6 } })).toEqual([
    'quarantine (20) holds nothing: from reject (10) on mail is refused',
  ])
})

test('a threshold that mail reaches which nobody has anything against is doubted', () => {
  expect(problemsOf({ ...general, discard: 0 }, {})[0]).toBe(
    'discard (0) is reached by mail that nobody has anything against: it is discarded',
  )
  expect(problemsOf({ reject: -1 }, {})).toEqual([
    'reject (-1) is reached by mail that nobody has anything against: it is refused',
  ])
  expect(problemsOf({ quarantine: 0 }, {})).toEqual([
    'quarantine (0) is reached by mail that nobody has anything against: it is held',
  ])
  expect(problemsOf({ tag: 0, reject: 0.5 }, {})).toEqual([])
})

test('a rejection for some that has come to stand above the discard for everybody is doubted', () => {
  expect(problemsOf(general, { 'mild.test': { reject: 40 } })).toEqual([
    'for mild.test reject (40) lies above discard (30), which it does not for everybody: from 40 on mail is refused, not discarded',
  ])
  expect(problemsOf(general, { 'mild.test': { discard: 10 } })).toHaveLength(1)
})

test('thresholds for some that are stricter, in order, or all written there are not doubted', () => {
  expect(problemsOf(general, { 'strict.test': { reject: 6 } })).toEqual([])
  expect(
    problemsOf(general, { 'strict.test': { quarantine: 5 }, 'a@strict.test': { reject: 4 } }),
  ).toEqual([])
  expect(problemsOf(general, { 'strict.test': { reject: 10 }, 'a.test': { tag: 50 } })).toEqual([])
  expect(problemsOf(general, { 'mild.test': { quarantine: 20, reject: null } })).toHaveLength(0)
  expect(problemsOf(general, { 'mild.test': { reject: 40, discard: null } })).toEqual([])
  expect(problemsOf({ discard: 10, reject: 20 }, { 'mild.test': { reject: 40 } })).toEqual([])
  expect(problemsOf({}, { 'strict.test': { reject: 6 } })).toEqual([])
})
