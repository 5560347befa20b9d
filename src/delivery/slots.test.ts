import { describe, expect, test } from 'vitest'
import { Slots } from './slots.ts'

describe('slots', () => {
  test('are handed out up to the limit, then in the order of asking', async () => {
    const slots = new Slots(() => 2)
    const order: number[] = []
    const asked = [1, 2, 3, 4].map(async (who) => {
      await slots.take()
      order.push(who)
    })
    await Promise.all(asked.slice(0, 2))
    expect(order).toEqual([1, 2])
    slots.give()
    await asked[2]
    slots.give()
    await asked[3]
    expect(order).toEqual([1, 2, 3, 4])
    expect(slots.taken).toBe(2)
  })

  test('follow a limit that is raised', async () => {
    let limit = 0
    const slots = new Slots(() => limit)
    const waiting = slots.take()
    limit = 2
    expect(await slots.take()).toBe(true)
    expect(await waiting).toBe(true)
  })

  test('that are closed turn away those who wait and those who come', async () => {
    const slots = new Slots(() => 1)
    expect(await slots.take()).toBe(true)
    const waiting = slots.take()
    slots.close()
    expect(await waiting).toBe(false)
    expect(await slots.take()).toBe(false)
    slots.give()
    expect(slots.taken).toBe(0)
  })
})
