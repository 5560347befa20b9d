import { expect, test } from 'vitest'
import type { EndingCount, TraceSearch } from '../../trace/trace-search.ts'
import { RecentCounts } from './recent-counts.ts'

const now = 1_000_000_000

/** Of which one answer says no more than two facts. */
function archive(): {
  readonly add: (count: number, more?: Partial<EndingCount>) => void
  readonly named: () => number
  readonly search: Pick<TraceSearch, 'endings' | 'at'>
} {
  const all: EndingCount[] = []
  let named = 0
  return {
    add(count, more = {}) {
      const cursor = String(all.length + 1)
      all.push({
        at: now,
        outcome: 'accepted',
        ending: 0,
        hasReason: false,
        count,
        cursor,
        ...more,
      })
    },
    named: () => named,
    search: {
      async endings({ since, cursor = '0' }) {
        const items = all.slice(Number(cursor), Number(cursor) + 2)
        const next = Number(cursor) + items.length
        return {
          items: items.filter(({ at }) => at >= since),
          next: String(next),
          isComplete: next === all.length,
        }
      },
      async at(cursor) {
        named += 1
        const { ending, outcome } = all[Number(cursor) - 1] ?? {}
        if (ending === undefined || outcome === undefined) return undefined
        const none = { session: '', listener: '', client: '', stage: '', recipients: [] }
        const zero = { startedAt: 0, endedAt: 0, recipientCount: 0, acceptedCount: 0 }
        return { ...none, ...zero, id: '', cursor, outcome, queueIds: [], reason: `R${ending}` }
      },
    },
  }
}

const spam = { outcome: 'refused', ending: 7, hasReason: true } as const

test('each transaction is counted once, in its slice, however many there are', async () => {
  const { add, named, search } = archive()
  const recent = new RecentCounts()
  add(1_000_000)
  add(3, { ...spam, at: now - 30_000 })
  add(1, { ...spam, at: now - 400_000 })
  add(500)
  const first = await recent.count(search, now)
  expect(first.slices.at(-1)).toMatchObject({ accepted: 1_000_500, refused: 0 })
  expect(first.slices.at(-4)).toMatchObject({ accepted: 0, refused: 3 })
  expect(first.reasons).toEqual([{ outcome: 'refused', reason: 'R7', count: 3 }])
  add(2, spam)
  const second = await recent.count(search, now)
  expect(second.slices.at(-1)).toMatchObject({ accepted: 1_000_500, refused: 2 })
  expect(second.reasons).toEqual([{ outcome: 'refused', reason: 'R7', count: 5 }])
  expect(named()).toBe(1)
  const later = await recent.count(search, now + 300_000)
  expect(later.slices.every(({ accepted }) => accepted === 0)).toBe(true)
  expect(later.reasons).toEqual([])
})

test('the reasons of most transactions are named, and no others', async () => {
  const { add, named, search } = archive()
  for (let ending = 1; ending <= 40; ending++) add(ending, { ...spam, ending })
  const { reasons } = await new RecentCounts().count(search, now)
  expect(reasons.map(({ count }) => count)).toEqual([
    40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29,
  ])
  expect(named()).toBe(12)
})

test('where the store fails, the next question begins anew', async () => {
  const { add, search } = archive()
  const recent = new RecentCounts()
  add(5)
  await recent.count(search, now)
  const broken = { ...search, endings: () => Promise.reject(new Error('gone')) }
  await expect(recent.count(broken, now)).rejects.toThrow('gone')
  expect((await recent.count(search, now)).slices.at(-1)).toMatchObject({ accepted: 5 })
})
