import { expect, test } from 'vitest'
import { definePlugin } from '../plugin/plugin.ts'
import { pass } from '../plugin/verdict.ts'
import { chainUnderTest, entryOf } from '../testkit/chain-under-test.ts'
import { doubtsOfEntries } from './entry-doubts.ts'

/** Methods of a class are hooks too. */
class Hooked {
  rcpt() {
    return pass()
  }
}

test('an entry whose plugin is never asked anything is told of', async () => {
  const idle = definePlugin({ name: 'idle', setup: () => ({}) })
  const busy = definePlugin({ name: 'busy', setup: () => new Hooked() })
  const entries = [entryOf(idle), entryOf(busy)]
  const { generation } = chainUnderTest({ entries }).policy
  const written = entries.map((entry) => ({ ...entry, plugin: entry.plugin.name }))
  expect(await doubtsOfEntries(generation, written)).toMatchObject([
    { problem: 'idle does nothing: setup of idle returned no hook' },
  ])
})
