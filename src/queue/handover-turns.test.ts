import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { turnOf } from './handover-turns.ts'

const files = (uid: number, count: number, sizeBytes = 100) =>
  Array.from({ length: count }, (_, at) => ({ name: `${uid}-${at}`, uid, sizeBytes }))

describe('files that wait to be taken in', () => {
  test('of one user do not come before the first of every other', () => {
    const { names } = turnOf([...files(1, 1000), ...files(2, 1), ...files(3, 2)])
    expect(names.slice(0, 5)).toEqual(['1-0', '2-0', '3-0', '1-1', '3-1'])
  })

  test('are so many of one user in a round and no more', () => {
    const { names, isCut } = turnOf([...files(1, 1000), ...files(2, 3)])
    expect([names.length, isCut]).toEqual([67, true])
  })

  test('are so many bytes of one user in a round, and one file however large it is', () => {
    expect(turnOf(files(1, 10, 20 << 20)).names).toHaveLength(3)
    expect(turnOf(files(1, 3, 100 << 20))).toEqual({ names: ['1-0'], isCut: true })
  })

  test('are all taken in the end, each user’s in their order', () => {
    const waiting = fc.array(
      fc.record({ uid: fc.integer({ min: 0, max: 4 }), sizeBytes: fc.nat(1 << 27) }),
      {
        maxLength: 300,
      },
    )
    fc.assert(
      fc.property(waiting, (all) => {
        let left = all.map((each, at) => ({ ...each, name: String(at).padStart(4, '0') }))
        for (let round = 0; left.length > 0; round++) {
          expect(round).toBeLessThan(301)
          const { names, isCut } = turnOf(left)
          for (const uid of [0, 1, 2, 3, 4]) {
            const own = left.filter((each) => each.uid === uid).map(({ name }) => name)
            const turn = names.filter((name) => own.includes(name))
            expect(turn).toEqual(own.slice(0, turn.length))
          }
          left = left.filter(({ name }) => !names.includes(name))
          expect(isCut).toBe(left.length > 0)
        }
      }),
    )
  })
})
