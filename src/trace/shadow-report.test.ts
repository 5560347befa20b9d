import { expect, test } from 'vitest'
import { definePlugin } from '../plugin/plugin.ts'
import { accept, pass, perRecipient, quarantine, reject } from '../plugin/verdict.ts'
import { chainUnderTest, entryOf } from '../testkit/chain-under-test.ts'
import { countShadows } from './count-shadows.ts'

const voucher = definePlugin({
  name: 'voucher',
  vouches: 'local',
  setup: () => ({
    rcpt: ({ recipient }) =>
      recipient.mailbox.localPart === 'ghost' ? reject('5.1.1', 'Nobody') : accept(),
  }),
})
const strict = definePlugin({
  name: 'strict',
  setup: () => ({
    rcpt: ({ recipient }) =>
      recipient.mailbox.localPart === 'bob' ? pass() : reject('5.1.1', 'No', { reason: 'NOT_BOB' }),
    message: ({ message }) => (message.sizeBytes > 100 ? quarantine({ reason: 'LARGE' }) : pass()),
  }),
})
const broken = definePlugin({
  name: 'broken',
  setup: () => ({
    mail() {
      throw new Error('no')
    },
  }),
})

const shadows = [entryOf(strict, { mode: 'shadow' }), entryOf(broken, { mode: 'shadow' })]

function gather(entries = shadows) {
  const chain = chainUnderTest({ entries: [entryOf(voucher), ...entries] })
  const send = async (recipients: readonly string[], text?: string): Promise<void> => {
    const session = chain.dial()
    await session.connect()
    await session.hello()
    await session.mail()
    let taken = 0
    for (const each of recipients) if ((await session.rcpt(each)).startsWith('250')) taken++
    if (taken > 0) await session.message(text)
    session.end()
  }
  const report = async (since = 0) =>
    (await countShadows(chain.archive, { since, examples: 2 })).entries
  return { chain, send, report }
}

test('a shadow is counted by transaction and reason, beside what became of the mail', async () => {
  const { send, report } = gather()
  await send(['bob@postern.test'])
  await send(['bob@postern.test', 'eve@postern.test', 'mallory@postern.test'])
  await send(['ghost@postern.test'])
  await send(['bob@postern.test'], `Subject: x\r\n\r\n${'y'.repeat(200)}\r\n`)
  const [faulty, strictly] = await report()
  expect(faulty).toMatchObject({ entry: 'broken', asked: 4, objected: 0 })
  expect(faulty?.reasons).toMatchObject([{ would: 'fault', reason: 'threw', count: 4 }])
  expect(strictly).toMatchObject({ entry: 'strict', plugin: 'strict', asked: 4, objected: 3 })
  expect(strictly?.reasons).toMatchObject([
    { would: 'reject', reason: 'NOT_BOB', count: 2, accepted: 1, refused: 1, givenUp: 0 },
    { would: 'quarantine', reason: 'LARGE', count: 1, accepted: 1, refused: 0 },
  ])
})

test('what ended before the time asked for is left out, and of each reason a few are named', async () => {
  const { chain, send, report } = gather()
  await send(['eve@postern.test'])
  chain.clock.advance(3_600_000)
  for (let count = 0; count < 5; count++) {
    await send(['eve@postern.test'])
    chain.clock.advance(1000)
  }
  const [, strictly] = await report(chain.clock.now() - 60_000)
  expect(strictly?.reasons).toMatchObject([{ count: 5, accepted: 5 }])
  expect(strictly?.reasons[0]?.examples).toEqual(['s6.1', 's5.1'])
})

test('of an answer for each recipient counts what it says of them, and where it lets all pass, nothing', async () => {
  const each = definePlugin({
    name: 'each',
    setup: () => ({
      message: ({ transaction }) =>
        perRecipient(
          transaction.recipients.map(({ mailbox: { localPart } }) =>
            localPart === 'eve' ? reject('5.7.1', 'No', { reason: 'NOT_EVE' }) : pass(),
          ),
        ),
    }),
  })
  const { send, report } = gather([entryOf(each, { mode: 'shadow' })])
  await send(['bob@postern.test'])
  await send(['eve@postern.test', 'bob@postern.test', 'eve@postern.test'])
  const [found] = await report()
  expect(found).toMatchObject({ entry: 'each', asked: 2, objected: 1 })
  expect(found?.reasons).toMatchObject([{ would: 'reject', reason: 'NOT_EVE', count: 1 }])
})
