import { expect, test } from 'vitest'
import type { StoreTable } from 'postern/plugin'
import { fakeClock, memoryStore } from 'postern/testkit'
import { Pages } from './pages.ts'

const day = 86_400_000

function pages() {
  const clock = fakeClock()
  const table = memoryStore(clock).table('keys', { maxEntries: 100_000 })
  const asked: string[] = []
  const counting: StoreTable = {
    ...table,
    get: (key, signal) => {
      asked.push(key)
      return table.get(key, signal)
    },
  }
  return { clock, table, asked, book: new Pages({ table: counting, clock, lifetimeMs: 30 * day }) }
}

test('the store is asked once a second about somebody whom it does not know', async () => {
  const { clock, asked, book } = pages()
  expect(await book.find('stranger')).toBeUndefined()
  expect(book.find('stranger')).toBeUndefined()
  clock.advance(1_000)
  await book.find('stranger')
  expect(asked).toEqual(['stranger', 'stranger'])
})

test('a page that is begun is found though there was none a moment ago', async () => {
  const { clock, book } = pages()
  await book.find('new')
  const page = { firstAt: clock.now(), lastAt: clock.now(), passes: 0 }
  await book.begin('new', page, day)
  expect(await book.find('new')).toEqual(page)
  await book.find('other')
  book.write('other', page)
  expect(book.find('other')).toEqual(page)
})

test('strangers push nobody out of the memory who is known', async () => {
  const { clock, asked, book } = pages()
  book.write('known', { firstAt: clock.now(), lastAt: clock.now(), passes: 1 })
  await Promise.all(
    Array.from({ length: 10_001 }, async (_, index) => book.find(`stranger ${index}`)),
  )
  expect(book.find('known')).toMatchObject({ passes: 1 })
  expect(asked).not.toContain('known')
})
