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

test('an error that Node threw, or that we did for a plugin, is told with the place of whoever called', () => {
  const error = new TypeError('no text')
  const ours = new URL('../plugin/password-check.ts', import.meta.url).href
  error.stack = [
    'TypeError: no text',
    '    at Array.push (<anonymous>)',
    '    at Buffer.from (node:buffer:375:9)',
    `    at isPasswordOfHash (${ours}:21:43)`,
    '    at Object.verify (file:///etc/postern/plugins/sql-auth/sql-auth.ts:23:45)',
  ].join('\n')
  expect(errorDetail(error)).toBe(
    'TypeError: no text (Object.verify (file:///etc/postern/plugins/sql-auth/sql-auth.ts:23:45))',
  )
})

test('an error of ours is told with its place all the same', () => {
  const error = new Error('no table')
  const ours = new URL('./chain.ts', import.meta.url).href
  error.stack = `Error: no table\n    at async Promise.all (index 0)\n    at f (node:x:1:1)\n    at g (${ours}:2:3)`
  expect(errorDetail(error)).toContain('chain.ts:2:3')
})
