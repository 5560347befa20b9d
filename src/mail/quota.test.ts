import fc from 'fast-check'
import { expect, test } from 'vitest'
import { exceedsQuota, formatQuota, parseQuota } from './quota.ts'

test.each([
  ['10485760S,1000C', { bytes: 10_485_760, messages: 1000 }],
  ['100MB', { bytes: 104_857_600 }],
  ['5m', { bytes: 5_242_880 }],
  ['2048', { bytes: 2048 }],
  ['1000C', { messages: 1000 }],
  ['0S,0C', {}],
  ['NOQUOTA', {}],
  ['none', {}],
  ['', undefined],
  ['much', undefined],
  ['10X', undefined],
  ['-1S', undefined],
  ['999999999999999G', undefined],
])('%j is read as a quota: %j', (text, quota) => {
  expect(parseQuota(text)).toEqual(quota)
})

test('what is written is read as it was', () => {
  const limit = fc.integer({ min: 1, max: 2 ** 40 })
  fc.assert(
    fc.property(fc.record({ bytes: limit, messages: limit }, { requiredKeys: [] }), (quota) => {
      expect(parseQuota(formatQuota(quota))).toEqual(quota)
    }),
  )
})

test('a mailbox may be filled to the last byte and not beyond', () => {
  const quota = { bytes: 10, messages: 2 }
  expect(exceedsQuota({ bytes: 10, messages: 2 }, quota)).toBe(false)
  expect(exceedsQuota({ bytes: 11, messages: 2 }, quota)).toBe(true)
  expect(exceedsQuota({ bytes: 1, messages: 3 }, quota)).toBe(true)
  expect(exceedsQuota({ bytes: 1e12, messages: 1e9 }, {})).toBe(false)
})
