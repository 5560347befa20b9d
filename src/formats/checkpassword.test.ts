import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkpasswordAnswer, checkpasswordInput, checkpasswordMaxBytes } from './checkpassword.ts'

const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString()

test('a login is three fields, each with a NUL behind it', () => {
  expect(text(checkpasswordInput({ user: 'joe', password: 'secret' }))).toBe('joe\0secret\0\0')
  const cram = { user: 'joe', password: '0123abcd', data: '<1.2@mx.test>' }
  expect(text(checkpasswordInput(cram))).toBe('joe\x000123abcd\0<1.2@mx.test>\0')
})

test('what would be read as another login, or cut short, is no login', () => {
  expect(checkpasswordInput({ user: 'joe\0x', password: 'secret' })).toBeUndefined()
  expect(checkpasswordInput({ user: 'joe', password: 'x'.repeat(506) })).toHaveLength(512)
  expect(checkpasswordInput({ user: 'joe', password: 'x'.repeat(507) })).toBeUndefined()
})

test('whatever is said comes out as it was said', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (user, password, data) => {
      const bytes = checkpasswordInput({ user, password, data })
      if (bytes === undefined) return
      expect(bytes.length).toBeLessThanOrEqual(checkpasswordMaxBytes)
      const wellFormed = [user, password, data, ''].map((field) => field.toWellFormed())
      expect(text(bytes)?.split('\0')).toEqual(wellFormed)
    }),
  )
})

test.each([
  [0, true],
  [1, false],
  [3, false],
  [2, undefined],
  [111, undefined],
  [99, undefined],
])('exit code %d means %s', (exit, answer) => {
  expect(checkpasswordAnswer(exit)).toBe(answer)
})
