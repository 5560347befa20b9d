import { expect, test } from 'vitest'
import { errorDetail } from './fault.ts'

test.each([
  [null, 'threw null'],
  [undefined, 'threw undefined'],
  ['no table', 'threw "no table"'],
  [{ secret: 'x' }, 'threw object'],
])('what was thrown is told without its inside: %j', (thrown, told) => {
  expect(errorDetail(thrown)).toBe(told)
})

test('an error is told with the place where it was made', () => {
  expect(errorDetail(new Error('no table'))).toMatch(/^Error: no table \(.*fault\.test\.ts/)
})
