import { expect, test } from 'vitest'
import { fakeClock } from 'postern/testkit'
import { pause } from './pause.ts'

test('a pause ends when it is over, and not before', async () => {
  const clock = fakeClock()
  let ended = false
  const waiting = pause(1000, { clock, signal: new AbortController().signal }).then(() => {
    ended = true
  })
  clock.advance(999)
  await Promise.resolve()
  expect(ended).toBe(false)
  clock.advance(1)
  await waiting
  expect(ended).toBe(true)
})

test('a pause ends when nobody waits any more, or where there is nothing to wait for', async () => {
  const clock = fakeClock()
  const controller = new AbortController()
  const waiting = pause(1000, { clock, signal: controller.signal })
  controller.abort()
  await expect(waiting).resolves.toBeUndefined()
  await expect(pause(1000, { clock, signal: controller.signal })).resolves.toBeUndefined()
  await expect(pause(0, { clock, signal: new AbortController().signal })).resolves.toBeUndefined()
})
