import { assert, maxSafeNat, nat, property } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fakeClock } from '../testkit/fake-clock.ts'
import { queueId, queueNumber, QueueNumbers } from './queue-id.ts'

describe('queue ids', () => {
  test('sort as text as they do as numbers', () => {
    assert(
      property(maxSafeNat(), maxSafeNat(), (a, b) => {
        expect(queueId(a) < queueId(b)).toBe(a < b)
        expect(queueNumber(queueId(a))).toBe(a)
      }),
    )
  })

  test.each(['', 'x', '../../etc/passwd', '00000000000\n', 'zzzzzzzzzzz', '1079RSRXWXT'])(
    'are not %j',
    (text) => {
      expect(queueNumber(text)).toBeUndefined()
    },
  )

  test('grow within one millisecond, and when the clock is set back', () => {
    const clock = fakeClock(1_795_250_000_000)
    const numbers = new QueueNumbers(clock, 0)
    const first = numbers.next()
    expect(numbers.next()).toBe(first + 64)
    clock.advance(1)
    expect(numbers.next()).toBe(first + 2_048)
    expect(new QueueNumbers(fakeClock(1_000), first).next()).toBe(first + 64)
  })

  test('of two shards are never the same, however far the ids run ahead of the clock', () => {
    assert(
      property(nat(63), nat(63), nat({ max: 2 ** 50 }), (one, other, last) => {
        const clock = fakeClock(1_795_250_000_000)
        const ids = [one, other].flatMap((shard) => {
          const numbers = new QueueNumbers(clock, last, shard)
          return Array.from({ length: 100 }, () => numbers.next())
        })
        expect(new Set(ids).size).toBe(one === other ? 100 : 200)
        for (const id of ids) expect(id).toBeGreaterThan(last)
      }),
    )
  })
})
