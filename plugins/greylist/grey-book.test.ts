import { expect, test } from 'vitest'
import { fakeClock, memoryStore } from 'postern/testkit'
import { GreyBook, type Visitor } from './grey-book.ts'

const minute = 60_000
const day = 24 * 60 * minute
const start = 1_795_250_000_000

test('whom a clock that was ahead saw first is known once it is set right: nobody waits until it is as late as that', async () => {
  const store = memoryStore(fakeClock(start))
  const book = (at: number): GreyBook =>
    new GreyBook({ clock: fakeClock(at), store, retryMs: day, lifetimeMs: 36 * day })
  const visitor: Visitor = {
    key: '192.0.2.0/24 <alice@client.test> bob@postern.test',
    client: '192.0.2.0/24',
    holdMs: 2 * minute,
    allowAfter: 0,
    goodMail: 0,
    signal: new AbortController().signal,
  }
  expect(await book(start + 365 * day).visit(visitor)).toMatchObject({ visit: 'first' })
  expect(await book(start).visit(visitor)).toMatchObject({ visit: 'known' })
})
