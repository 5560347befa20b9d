import { expect, test } from 'vitest'
import { isPosternError } from '../mail/errors.ts'
import { definePlugin } from '../plugin/plugin.ts'
import { pass, reject } from '../plugin/verdict.ts'
import { nodeNet } from '../runtime/node/net.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { nodePrograms } from '../runtime/node/programs.ts'
import { chainUnderTest, entryOf } from '../testkit/chain-under-test.ts'

/** Goes through doors of which no notes are kept, as they are in a gateway: some of them frozen. */
const goer = definePlugin({
  name: 'goer',
  options: {},
  setup: (_options, { net, programs }) => ({
    async connect() {
      const there = await programs.canStart('/bin/sh')
      const address = { path: '/nowhere/at/all' }
      const reached = await net.connect({ address, timeoutMs: 1000 }).catch((error: unknown) => {
        return isPosternError(error, 'CONNECT_FAILED') ? 'nobody there' : 'shut'
      })
      return there && reached === 'nobody there' ? pass() : reject('5.7.1', 'A door is shut')
    },
  }),
})

test('the doors of a gateway can be gone through, frozen ones too', async () => {
  const doors = { net: Object.freeze({ ...nodeNet }), programs: nodePrograms(systemClock) }
  const session = chainUnderTest({ entries: [entryOf(goer)], doors }).dial()
  expect(await session.connect()).toBe('220')
})
