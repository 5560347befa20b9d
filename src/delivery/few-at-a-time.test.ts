import { expect, test } from 'vitest'
import { fakeClock } from '../testkit/fake-clock.ts'
import { FewAtATime } from './few-at-a-time.ts'

function stage() {
  const clock = fakeClock()
  const few = new FewAtATime(clock)
  const entered: number[] = []
  const enter = (who: number): void => {
    const waits = few.enter()
    if (waits === undefined) entered.push(who)
    else void waits.then(() => entered.push(who))
  }
  for (let who = 0; who < 100; who++) enter(who)
  return { clock, few, entered }
}

test('twenty go at once, and then one for each that leaves, in their order', async () => {
  const { few, entered } = stage()
  expect(entered).toHaveLength(20)
  few.leave()
  few.leave()
  await Promise.resolve()
  expect(entered.slice(20)).toEqual([20, 21])
})

test('where those in front do not move, twenty more follow every second', async () => {
  const { clock, entered } = stage()
  clock.advance(999)
  await Promise.resolve()
  expect(entered).toHaveLength(20)
  clock.advance(1)
  await Promise.resolve()
  expect(entered).toHaveLength(40)
  clock.advance(3_000)
  await Promise.resolve()
  expect(entered).toHaveLength(100)
})

test('where one of those in front has moved, the others are waited for', async () => {
  const { clock, few, entered } = stage()
  few.leave()
  clock.advance(1_000)
  await Promise.resolve()
  expect(entered).toHaveLength(21)
})
