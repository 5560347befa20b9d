import { expect, test } from 'vitest'
import { definePlugin } from '../plugin/plugin.ts'
import { pass, quarantine, reject } from '../plugin/verdict.ts'
import { chainUnderTest, entryOf } from '../testkit/chain-under-test.ts'
import { voucher } from '../../test/fixtures/plugins/voucher/voucher.ts'

test('who wants to know is told of every message that is taken, and whether it was welcome', async () => {
  const told: [string, boolean][] = []
  const verdicts = [pass(), quarantine(), reject('5.7.1', 'No')]
  const taker = definePlugin({
    name: 'taker',
    setup: () => ({
      message: () => verdicts.shift() ?? pass(),
      taken: ({ transaction, welcome }) => void told.push([transaction.id, welcome]),
    }),
  })
  const broken = definePlugin({
    name: 'broken',
    setup: () => ({
      taken() {
        throw new Error('nobody cares')
      },
    }),
  })
  const chain = chainUnderTest({ entries: [entryOf(broken), entryOf(taker), entryOf(voucher)] })
  const session = chain.dial()
  await session.connect()
  await session.hello()
  const replies: string[] = []
  for (let n = 0; n < 3; n++) {
    await session.mail()
    await session.rcpt('bob@postern.test')
    replies.push(await session.message())
  }
  expect(replies).toEqual(['250', '250', '550 5.7.1 No'])
  expect(told).toEqual([
    ['s1.1', true],
    ['s1.2', false],
  ])
  expect(chain.log.events.map(({ event }) => event)).toContain('observer.failed')
})
