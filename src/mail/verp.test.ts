import { expect, test } from 'vitest'
import { reversePathFor, verpBase, verpPath } from './verp.ts'

const list = { localPart: 'own-@test.example.org-', domain: '[]' }
const base = { localPart: 'own-', domain: 'test.example.org' }
const joe = { localPart: 'joe-v', domain: 'test.example.org' }

test('a reverse-path with the mark becomes one of its own for each recipient, as qmail writes it', () => {
  expect(reversePathFor(list, joe)).toEqual({
    localPart: 'own-joe-v=test.example.org',
    domain: 'test.example.org',
  })
})

test('the mark is found wherever a parser has cut the address', () => {
  expect(verpBase(list)).toEqual(base)
  expect(verpBase({ localPart: 'own-', domain: 'test.example.org-@[]' })).toEqual(base)
})

test('the mark is put where it is found', () => {
  expect(verpPath(base)).toEqual(list)
})

test('a recipient without a domain gets the base', () => {
  expect(reversePathFor(list, { localPart: 'postmaster', domain: '' })).toEqual(base)
})

test.each([null, joe, { localPart: '#', domain: '[]' }])('%j stays as it is', (reversePath) => {
  expect(reversePathFor(reversePath, joe)).toEqual(reversePath)
})
