import { describe, expect, test } from 'vitest'
import { FairLine, type Waiting } from './fair-line.ts'

const one = (kind: string, whose: string, count = 1): Waiting[] =>
  Array.from({ length: count }, () => ({ kind, whose }))

/** Everybody in the order in which they have their turn. */
function turns(line: FairLine<Waiting>): string[] {
  const order: string[] = []
  for (let next = line.next(); next !== undefined; next = line.next()) {
    order.push(`${next.kind} ${next.whose}`)
  }
  return order
}

function lineOf(...all: readonly Waiting[]): FairLine<Waiting> {
  const line = new FairLine(1000)
  for (const each of all) line.join(each)
  return line
}

describe('a fair line', () => {
  test('gives each kind of work its turn, and within a kind each client', () => {
    const line = lineOf(
      ...one('login', 'flood', 3),
      ...one('login', 'alice'),
      ...one('zip', '', 2),
      ...one('login', 'bob'),
    )
    expect(line.size).toBe(7)
    expect(turns(line)).toEqual([
      'login flood',
      'zip ',
      'login alice',
      'zip ',
      'login bob',
      'login flood',
      'login flood',
    ])
    expect(line.size).toBe(0)
  })

  test('lets who comes back after its turn wait behind the others', () => {
    const line = lineOf(...one('login', 'a'), ...one('login', 'b'))
    expect(line.next()).toEqual({ kind: 'login', whose: 'a' })
    for (const each of one('login', 'a')) line.join(each)
    expect(turns(line)).toEqual(['login b', 'login a'])
  })

  test('forgets who leaves, and who was never in it', () => {
    const [gone] = one('login', 'a')
    const line = lineOf(gone!, ...one('login', 'b'))
    line.leave(gone!)
    line.leave(gone!)
    expect(line.size).toBe(1)
    expect(turns(line)).toEqual(['login b'])
  })

  test('sends the last of those away who have most in it, when it is full', () => {
    const line = new FairLine<Waiting>(3)
    const flood = one('login', 'flood', 3)
    for (const each of flood) expect(line.join(each)).toBeUndefined()
    const [alice, bob, carol, dave] = ['alice', 'bob', 'carol', 'dave'].flatMap((whose) =>
      one('login', whose),
    )
    expect(line.join(alice!)).toBe(flood[2])
    expect(line.join(bob!)).toBe(flood[1])
    // Where everybody has one, whoever comes is one too many.
    expect(line.join(carol!)).toBe(carol)
    expect(line.join({ kind: 'zip', whose: '' })).toBeUndefined()
    expect(line.join(dave!)).toBe(dave)
    expect(line.size).toBe(4)
  })
})
