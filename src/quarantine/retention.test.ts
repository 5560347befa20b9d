import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { overdue } from './retention.ts'

const held = [1000, 2000, 3000, 4000].map((receivedAt) => ({ receivedAt, sizeBytes: 10 }))
const gone = (...limits: [object, number]) =>
  overdue(held, ...limits).map(([{ receivedAt }, why]) => [receivedAt, why])

describe('retention', () => {
  test('without limits keeps everything', () => {
    expect(gone({}, 1e15)).toEqual([])
  })

  test('lets go what is too old, then the oldest of what is too much', () => {
    expect(gone({ maxAgeMs: 1500 }, 3000)).toEqual([[1000, 'age']])
    expect(gone({ maxBytes: 20 }, 3000)).toEqual([
      [1000, 'size'],
      [2000, 'size'],
    ])
    expect(gone({ maxMessages: 3, maxAgeMs: 1500 }, 3000)).toEqual([[1000, 'age']])
    expect(gone({ maxMessages: 1 }, 0)).toHaveLength(3)
  })

  test('lets a message that is too large by itself go alone, and keeps the others', () => {
    const large = { receivedAt: 3500, sizeBytes: 41 }
    const [first, ...others] = overdue([...held, large], { maxBytes: 40 }, 4000)
    expect([first, others]).toEqual([[large, 'size'], []])
  })

  test('leaves what is within every limit, and never takes a newer message before an older one', () => {
    const messages = fc.array(fc.record({ receivedAt: fc.nat(1000), sizeBytes: fc.nat(100) }), {
      maxLength: 30,
    })
    const limits = fc.record({
      maxAgeMs: fc.nat(1000),
      maxBytes: fc.nat(1000),
      maxMessages: fc.nat(20),
    })
    fc.assert(
      fc.property(messages, limits, (some, limit) => {
        const byAge = some.toSorted((a, b) => a.receivedAt - b.receivedAt)
        const out = overdue(byAge, limit, 1000)
        const left = byAge.filter((each) => !out.some(([one]) => one === each))
        const fitting = byAge.filter(({ sizeBytes }) => sizeBytes <= limit.maxBytes)
        expect(left).toEqual(fitting.slice(fitting.length - left.length))
        expect(out).toHaveLength(byAge.length - left.length)
        expect(left.length).toBeLessThanOrEqual(limit.maxMessages)
        expect(left.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)).toBeLessThanOrEqual(
          limit.maxBytes,
        )
        expect(left.every(({ receivedAt }) => 1000 - receivedAt <= limit.maxAgeMs)).toBe(true)
      }),
    )
  })
})
