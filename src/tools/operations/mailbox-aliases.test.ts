import fc from 'fast-check'
import { expect, test } from 'vitest'
import { aliasesLeadingTo } from './mailbox-aliases.ts'

const alias = (address: string, ...targets: readonly string[]) => ({ address, targets })

test('aliases lead to a mailbox directly, by others, and without regard to case', () => {
  const all = [alias('sales@x', 'Ann@x'), alias('info@x', 'sales@x'), alias('bob2@x', 'bob@x')]
  expect(aliasesLeadingTo('ann@x', all)).toEqual({ alone: ['info@x', 'sales@x'], shared: [] })
})

test('what leads to others as well is shared, and so is what leads to it', () => {
  const all = [
    alias('team@x', 'ann@x', 'bob@x'),
    alias('all@x', 'team@x'),
    alias('mine@x', 'ann@x'),
    alias('cid@x', 'cid@x', 'ann@x'),
  ]
  expect(aliasesLeadingTo('ann@x', all)).toEqual({
    alone: ['mine@x'],
    shared: ['all@x', 'cid@x', 'team@x'],
  })
})

test('an address that forwards a copy of its own mail is no alias of itself', () => {
  expect(aliasesLeadingTo('ann@x', [alias('ann@x', 'ann@x', 'bob@x')])).toEqual({
    alone: [],
    shared: [],
  })
})

test('circles end, and no alias is both', () => {
  const name = fc.integer({ min: 0, max: 6 }).map((number) => `a${number}@x`)
  const one = fc.record({
    address: name,
    targets: fc.array(fc.oneof(name, fc.constant('ann@x')), { minLength: 1, maxLength: 3 }),
  })
  const graph = fc.uniqueArray(one, { selector: ({ address }) => address, maxLength: 7 })
  fc.assert(
    fc.property(graph, (aliases) => {
      const { alone, shared } = aliasesLeadingTo('ann@x', aliases)
      expect(new Set([...alone, ...shared]).size).toBe(alone.length + shared.length)
      for (const { address, targets } of aliases) {
        const direct = targets.includes('ann@x')
        expect(!direct || alone.includes(address) || shared.includes(address)).toBe(true)
      }
    }),
  )
})
