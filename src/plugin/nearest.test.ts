import { expect, test } from 'vitest'
import { nearest } from './nearest.ts'

const words = ['rcpt', 'connect', 'separator', 'networks']

test.each([
  ['rcptt', 'rcpt'],
  ['RCPT', 'rcpt'],
  ['conect', 'connect'],
  ['rctp', 'rcpt'],
  ['seperators', 'separator'],
  ['network', 'networks'],
  ['zebra', undefined],
  ['', undefined],
  ['x'.repeat(10_000), undefined],
])('%j was probably %s', (word, meant) => {
  expect(nearest(word, words)).toBe(meant)
})
