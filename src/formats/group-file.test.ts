import fc from 'fast-check'
import { expect, test } from 'vitest'
import { groupId } from './group-file.ts'

const text = 'root:x:0:\nmail:x:8:ann,bob\nbroken\nodd:x:eight:\n\n'

test('a group is found by its name, and an id is one', () => {
  expect(groupId(text, 'mail')).toBe(8)
  expect(groupId(text, '8')).toBe(8)
})

test('a name that stands nowhere, or without an id, is no group', () => {
  for (const name of ['mai', 'ann', 'broken', 'odd', '', 'x']) {
    expect(groupId(text, name)).toBeUndefined()
  }
})

test('no text is too odd', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (any, name) => {
      expect(['number', 'undefined']).toContain(typeof groupId(any, name))
    }),
  )
})
