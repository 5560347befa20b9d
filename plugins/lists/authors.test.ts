import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatMailbox } from 'postern/plugin'
import { authorsIn } from './authors.ts'

const read = (...values: string[]) => authorsIn(values).map(formatMailbox)

test.each([
  ['a@x.test', ['a@x.test']],
  ['Alice <a@x.test>', ['a@x.test']],
  ['"a@bank.test" <eve@x.test>', ['eve@x.test']],
  ['"Doe, Jane" <j@x.test>, bob@y.test', ['j@x.test', 'bob@y.test']],
  ['a@x.test (Alice (at) home), b@y.test', ['a@x.test', 'b@y.test']],
  ['Team: a@x.test, B <b@y.test>;', ['a@x.test', 'b@y.test']],
  ['"odd>one"@x.test', ['"odd>one"@x.test']],
  ['<"odd>one"@x.test>', ['"odd>one"@x.test']],
  ['=?utf-8?q?a=40x.test?= <b@y.test>', ['b@y.test']],
  ['undisclosed:;', []],
  ['nobody', []],
  ['<>', []],
  ['"open <a@x.test>', []],
])('%s is by %j', (value, authors) => {
  expect(read(value)).toEqual(authors)
})

test('all fields are read, and not without end', () => {
  expect(read('a@x.test', 'b@y.test')).toEqual(['a@x.test', 'b@y.test'])
  expect(read('a@x.test,'.repeat(2000))).toHaveLength(50)
})

test('whatever a field holds, what comes out are addresses', () => {
  fc.assert(
    fc.property(
      fc.string({
        unit: fc.constantFrom(...'a @ . < > ( ) , ; : " \\'.split(' '), ' '),
        maxLength: 200,
      }),
      (value) => {
        for (const { localPart, domain } of authorsIn([value])) {
          expect(localPart.length * domain.length).toBeGreaterThan(0)
        }
      },
    ),
  )
})
