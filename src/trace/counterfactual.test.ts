import { describe, expect, test } from 'vitest'
import { definePlugin } from '../plugin/plugin.ts'
import { pass, quarantine, reject, type Pass } from '../plugin/verdict.ts'
import { chainUnderTest, entryOf, type ChainTestOptions } from '../testkit/chain-under-test.ts'
import { objector } from '../../test/fixtures/plugins/objector/objector.ts'
import { voucher } from '../../test/fixtures/plugins/voucher/voucher.ts'
import type { Counterfactual } from './counterfactual.ts'

const scorer = (score: number) =>
  definePlugin({
    name: 'scorer',
    setup: () => ({ message: () => pass({ score, reason: 'SCORED' }) }),
  })
const watcher = definePlugin({ name: 'watcher', setup: () => ({ message: () => pass() }) })
const holder = definePlugin({
  name: 'holder',
  setup: () => ({ message: () => quarantine({ reason: 'ODD' }) }),
})
const refuser = (localPart: string) =>
  definePlugin({
    name: 'refuser',
    setup: () => ({
      rcpt: ({ recipient }) =>
        recipient.mailbox.localPart === localPart ? reject('5.7.1', localPart) : pass(),
    }),
  })
const refuses = (stage: string, name = 'objector') =>
  entryOf(objector, { name, options: { stage, verdict: 'reject', text: name, at: 'now' } })

async function without(options: ChainTestOptions): Promise<readonly Counterfactual[] | undefined> {
  const session = chainUnderTest(options)
  const client = session.dial()
  const refused = (reply: string): boolean => /^[45]/.test(reply)
  if (!refused(await client.connect())) {
    await client.hello()
    if (!refused(await client.mail()) && !refused(await client.rcpt('bob@x.test')))
      await client.message()
  }
  client.end()
  return (await session.trace())?.counterfactuals
}

describe('without one entry', () => {
  test('a message that it alone refused would have been accepted', async () => {
    expect(await without({ entries: [entryOf(voucher), refuses('message')] })).toEqual([
      { without: 'objector', outcome: 'accepted' },
    ])
  })

  test('nobody knows what would have been said by an entry that was called off', async () => {
    const later = definePlugin({
      name: 'later',
      setup: () => ({ message: async () => reject('5.7.1', 'no') }),
    })
    const waiter = definePlugin({
      name: 'waiter',
      setup: () => ({
        message: (_, { signal }) =>
          new Promise<Pass>((_resolve, fail) => {
            signal.addEventListener('abort', () => fail(new Error('called off')))
          }),
      }),
    })
    const entries = [entryOf(voucher), entryOf(later), entryOf(waiter)]
    expect(await without({ entries })).toEqual([
      { without: 'later', outcome: 'not known', notAsked: 1 },
    ])
  })

  test('a message that another refuses too would have been refused by that one', async () => {
    const entries = [entryOf(voucher), refuses('message', 'first'), refuses('data', 'earlier')]
    expect(await without({ entries })).toMatchObject([
      { without: 'earlier', outcome: 'not known', notAsked: 1 },
    ])
    const both = [entryOf(voucher), refuses('message', 'one'), refuses('message', 'two')]
    expect(await without({ entries: both })).toEqual([
      { without: 'one', outcome: 'not known', notAsked: 1 },
    ])
  })

  test('what scores sum up to falls below a threshold, or does not', async () => {
    const entries = [
      entryOf(voucher),
      entryOf(scorer(4), { name: 'much' }),
      entryOf(scorer(1), { name: 'little' }),
      entryOf(scorer(2), { name: 'some' }),
    ]
    expect(await without({ entries, thresholds: { reject: 6 } })).toEqual([
      { without: 'much', outcome: 'accepted' },
      {
        without: 'little',
        outcome: 'refused',
        code: 550,
        status: '5.7.1',
        text: 'Message refused by policy',
      },
      { without: 'some', outcome: 'accepted' },
    ])
  })

  test('a message that it alone held would have been accepted', async () => {
    expect(await without({ entries: [entryOf(voucher), entryOf(holder)] })).toEqual([
      { without: 'holder', outcome: 'accepted' },
    ])
  })

  test('nothing is known of those who were not asked, and they are counted', async () => {
    const entries = [refuses('connect'), entryOf(voucher), entryOf(watcher)]
    expect(await without({ entries })).toEqual([
      { without: 'objector', outcome: 'not known', notAsked: 2 },
    ])
  })

  test('entries in shadow mode change nothing, and are not counted', async () => {
    const shadow = { mode: 'shadow' } as const
    const entries = [
      entryOf(voucher),
      refuses('data'),
      entryOf(watcher, shadow),
      entryOf(holder, shadow),
    ]
    expect(await without({ entries })).toEqual([{ without: 'objector', outcome: 'accepted' }])
  })

  test('nothing is said of mail that was taken', async () => {
    expect(await without({ entries: [entryOf(voucher), entryOf(watcher)] })).toEqual([])
  })

  test('what another said of another recipient says nothing of the one that it alone refused', async () => {
    const session = chainUnderTest({
      entries: [
        entryOf(voucher),
        entryOf(refuser('a'), { name: 'one' }),
        entryOf(refuser('b'), { name: 'two' }),
      ],
    })
    const client = session.dial()
    await client.connect()
    await client.hello()
    await client.mail()
    await client.rcpt('a@x.test')
    await client.rcpt('b@x.test')
    client.end()
    expect((await session.trace())?.counterfactuals).toEqual([
      { without: 'one', outcome: 'not known', notAsked: 1 },
      { without: 'two', outcome: 'accepted' },
    ])
  })

  test('a recipient of whom nobody else was asked might have been taken, whatever the others were told', async () => {
    const session = chainUnderTest({
      entries: [entryOf(refuser('b')), refuses('rcpt', 'all'), entryOf(voucher)],
    })
    const client = session.dial()
    await client.connect()
    await client.hello()
    await client.mail()
    await client.rcpt('a@x.test')
    await client.rcpt('b@x.test')
    client.end()
    expect((await session.trace())?.counterfactuals).toContainEqual({
      without: 'all',
      outcome: 'not known',
      notAsked: 1,
    })
  })

  test('nobody is left to vouch where nobody else is in the chain', async () => {
    expect(await without({ entries: [refuses('mail')] })).toMatchObject([
      { outcome: 'refused', code: 550, status: '5.7.1' },
    ])
  })
})
