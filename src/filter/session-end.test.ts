import { expect, test } from 'vitest'
import { definePlugin } from '../plugin/plugin.ts'
import { chainUnderTest, entryOf } from '../testkit/chain-under-test.ts'

test('a plugin is told once when a session is over, whatever another does when it is told', async () => {
  const ended: string[] = []
  const broken = definePlugin({
    name: 'broken',
    setup: () => ({
      sessionEnded() {
        throw new Error('no')
      },
    }),
  })
  const keeper = definePlugin({
    name: 'keeper',
    setup: () => ({
      sessionEnded: ({ id }) => void ended.push(id),
    }),
  })
  const chain = chainUnderTest({ entries: [entryOf(broken), entryOf(keeper)] })
  const one = chain.dial()
  await one.connect()
  const two = chain.dial()
  await two.connect()
  await two.hello()
  one.end('disconnect')
  two.end()
  expect(ended).toHaveLength(2)
  expect(new Set(ended).size).toBe(2)
  expect(chain.log.events).toContainEqual(
    expect.objectContaining({ event: 'session-end.failed', level: 'error' }),
  )
})
