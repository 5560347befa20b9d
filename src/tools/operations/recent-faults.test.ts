import { expect, test } from 'vitest'
import { RecentFaults } from './recent-faults.ts'

const minute = 60_000
const numbers = (faults: number) =>
  new Map([['dnsbl', { asked: 100, objected: 0, would: 0, faults }]])

test('faults are recent for an hour, and an entry is well again after it', () => {
  const recent = new RecentFaults()
  const at = (now: number, faults: number) =>
    recent.within(numbers(faults), now * minute).get('dnsbl')?.recentFaults
  expect(at(0, 5)).toBe(0)
  expect(at(1, 7)).toBe(2)
  for (let now = 5; now <= 55; now += 5) expect(at(now, 7)).toBe(2)
  expect(at(66, 7)).toBe(0)
  expect(at(67, 8)).toBe(1)
})

test('what happened before the first look is recent where the gateway is young', () => {
  const recent = new RecentFaults()
  const at = (now: number) => recent.within(numbers(3), now * minute, (now + 9) * minute)
  expect(at(0).get('dnsbl')?.recentFaults).toBe(3)
  expect(at(40).get('dnsbl')?.recentFaults).toBe(3)
  expect(at(70).get('dnsbl')?.recentFaults).toBe(0)
})

test('a gateway that was started anew counts from the beginning', () => {
  const recent = new RecentFaults()
  recent.within(numbers(9), 0)
  expect(recent.within(numbers(3), minute).get('dnsbl')?.recentFaults).toBe(3)
})
