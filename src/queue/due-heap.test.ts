import { array, assert, boolean, nat, property, tuple } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DueHeap, type Due } from './due-heap.ts'

const inOrder = (a: Due, b: Due): number => a.dueAt - b.dueAt || a.number - b.number

describe('the heap of due messages', () => {
  test('names what is due in order of time, then of age, whatever was added and removed', () => {
    assert(
      property(array(tuple(nat(50), boolean())), nat(50), nat(20), (items, now, limit) => {
        const heap = new DueHeap<Due>()
        const all = items.map(([dueAt], number) => ({ dueAt, number, heapIndex: -1 }))
        for (const item of all) heap.add(item)
        const left = all.filter((item, index) => {
          if (items[index]?.[1] === true) heap.remove(item)
          return items[index]?.[1] !== true
        })
        const due = left.filter(({ dueAt }) => dueAt <= now).toSorted(inOrder)
        expect(heap.due(now, limit)).toEqual(due.slice(0, limit))
        expect(heap.due(now, left.length)).toEqual(due)
        expect(heap.first).toEqual(left.toSorted(inOrder)[0])
      }),
    )
  })

  test('forgets nothing when what is outside is removed', () => {
    const heap = new DueHeap<Due>()
    const inside = { dueAt: 1, number: 1, heapIndex: -1 }
    heap.add(inside)
    heap.remove({ dueAt: 0, number: 0, heapIndex: -1 })
    expect(heap.first).toBe(inside)
  })
})
