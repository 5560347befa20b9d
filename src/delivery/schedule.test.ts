import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isLastPass, nextTry, type Channel } from './schedule.ts'

const receivedAt = 1_795_250_086_000

function tries(channel: Channel, count: number): number[] {
  const seconds = [0]
  while (seconds.length < count) {
    const now = receivedAt + (seconds.at(-1) ?? 0) * 1000
    seconds.push((nextTry({ receivedAt, now, channel }) - receivedAt) / 1000)
  }
  return seconds
}

describe('the schedule of retries', () => {
  test('a remote recipient is tried at 0, 400, 1600, 3600 and 6400 seconds', () => {
    expect(tries('remote', 5)).toEqual([0, 400, 1600, 3600, 6400])
  })

  test('a local recipient is tried at 0, 100, 400, 900 and 1600 seconds', () => {
    expect(tries('local', 5)).toEqual([0, 100, 400, 900, 1600])
  })

  test('a try that began late counts from the moment it began', () => {
    const now = receivedAt + 1_000_000
    expect(nextTry({ receivedAt, now, channel: 'remote' })).toBe(receivedAt + 51 ** 2 * 1000)
  })

  test('the next try always lies ahead', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 10_000_000_000 }),
        fc.constantFrom<Channel>('local', 'remote'),
        (ageMs, channel) => {
          const now = receivedAt + ageMs
          expect(nextTry({ receivedAt, now, channel })).toBeGreaterThan(now)
        },
      ),
    )
  })

  test('a clock set back counts as no age at all', () => {
    const now = receivedAt - 3_600_000
    expect(nextTry({ receivedAt, now, channel: 'local' })).toBe(now + 100_000)
  })
})

describe('the lifetime of a queued message', () => {
  test('the last pass is the first that begins after the lifetime, not on it', () => {
    const lifetimeMs = 604_800_000
    expect(isLastPass({ receivedAt, now: receivedAt + lifetimeMs, lifetimeMs })).toBe(false)
    expect(isLastPass({ receivedAt, now: receivedAt + lifetimeMs + 1000, lifetimeMs })).toBe(true)
  })

  test('a lifetime of nothing still allows a deferral in the second of arrival', () => {
    expect(isLastPass({ receivedAt, now: receivedAt + 999, lifetimeMs: 0 })).toBe(false)
    expect(isLastPass({ receivedAt, now: receivedAt + 1000, lifetimeMs: 0 })).toBe(true)
  })
})
