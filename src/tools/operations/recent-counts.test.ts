import { expect, test } from 'vitest'
import type { TraceSearch } from '../../trace/trace-search.ts'
import type { TraceSummary } from '../../trace/trace-summary.ts'
import { RecentCounts } from './recent-counts.ts'

const now = 1_000_000_000
const archive = (): {
  readonly add: (count: number, more?: Partial<TraceSummary>) => void
  readonly read: () => number
  readonly search: Pick<TraceSearch, 'search' | 'newSince'>
} => {
  const all: TraceSummary[] = []
  let read = 0
  const position = (cursor = '0') => Number(cursor)
  const given = (items: readonly TraceSummary[]) => {
    read += items.length
    return [...items]
  }
  return {
    add(count, more = {}) {
      for (let n = 0; n < count; n++) {
        all.push({
          id: `t${all.length}`,
          cursor: String(all.length + 1),
          session: 's',
          startedAt: now,
          endedAt: now,
          listener: 'mx',
          client: '192.0.2.1',
          recipients: [],
          recipientCount: 0,
          acceptedCount: 0,
          stage: 'message',
          outcome: 'accepted',
          queueIds: [],
          ...more,
        })
      }
    },
    read: () => read,
    search: {
      async search({ since = 0, limit = 1, cursor }) {
        const older = all.slice(0, cursor === undefined ? all.length : position(cursor) - 1)
        const items = older.filter(({ endedAt }) => endedAt >= since).toReversed()
        const more = items.length > limit ? { next: items[limit - 1]?.cursor ?? '' } : {}
        return { items: given(items.slice(0, limit)), ...more }
      },
      async newSince(cursor, limit = 1) {
        if (cursor === undefined) return { items: [], next: String(all.length) }
        const items = all.slice(position(cursor), position(cursor) + limit)
        return { items: given(items), next: items.at(-1)?.cursor ?? cursor }
      },
    },
  }
}

test('each record is read once, and counted in its slice', async () => {
  const { add, read, search } = archive()
  const recent = new RecentCounts()
  add(1500)
  add(3, { outcome: 'refused', reason: 'SPAM', endedAt: now - 25_000 })
  add(1, { outcome: 'refused', reason: 'OLD', endedAt: now - 400_000 })
  const first = await recent.count(search, now)
  expect(first.slices.at(-1)).toMatchObject({ accepted: 1500, refused: 0 })
  expect(first.slices.at(-4)).toMatchObject({ accepted: 0, refused: 3 })
  expect(first.reasons).toEqual([{ outcome: 'refused', reason: 'SPAM', count: 3 }])
  const before = read()
  add(2, { outcome: 'refused', reason: 'SPAM' })
  const second = await recent.count(search, now)
  expect(second.slices.at(-1)).toMatchObject({ accepted: 1500, refused: 2 })
  expect(second.reasons).toEqual([{ outcome: 'refused', reason: 'SPAM', count: 5 }])
  expect(read() - before).toBe(2)
  const later = await recent.count(search, now + 300_000)
  expect(later.slices.every(({ accepted }) => accepted === 0)).toBe(true)
  expect(later.reasons).toEqual([])
})

test('a flood is not read to its end', async () => {
  const { add, read, search } = archive()
  const recent = new RecentCounts()
  await recent.count(search, now)
  add(20_000)
  await recent.count(search, now)
  expect(read()).toBe(5000)
  add(1)
  await recent.count(search, now)
  expect(read()).toBe(5001)
})
