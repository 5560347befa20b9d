/** `split: first`: whom rspamd would judge otherwise gets a transaction of its own. */
import { expect, test } from 'vitest'
import { accept, definePlugin, finding, relayClient, type JsonObject } from 'postern/plugin'
import { chainUnderTest, entryOf } from 'postern/testkit'
import { rspamd } from './rspamd.ts'

/** Vouches for everybody; a sender called relay is a relay client. */
const voucher = definePlugin({
  name: 'voucher',
  vouches: 'local',
  provides: [relayClient],
  setup: () => ({
    rcpt({ transaction }) {
      const isRelay = transaction.reversePath?.localPart === 'relay'
      return isRelay ? accept({ findings: [finding(relayClient, { because: 'test' })] }) : accept()
    },
  }),
})

async function heard(
  options: JsonObject,
  { sender = 'alice', simcontrol = '' } = {},
): Promise<readonly string[]> {
  const chain = chainUnderTest({
    receiver: { split: 'first' },
    entries: [entryOf(voucher), entryOf(rspamd, { options })],
    files: { 'control/simcontrol': simcontrol },
  })
  const session = chain.dial()
  await session.connect()
  await session.hello()
  await session.mail(`${sender}@client.test`)
  const said = []
  for (const name of ['bob', 'carol', 'BOB']) said.push(await session.rcpt(`${name}@postern.test`))
  return said.map((reply) => reply.slice(0, 3))
}

test('recipients with settings of their own are of different classes, one that is named twice is not', async () => {
  expect(await heard({})).toEqual(['250', '250', '250'])
  expect(await heard({ per_recipient: true })).toEqual(['250', '452', '250'])
})

test('where nothing is looked at nobody is split off', async () => {
  expect(await heard({ per_recipient: true }, { sender: 'relay' })).toEqual(['250', '250', '250'])
  expect(await heard({ per_recipient: true, scan: 'off' })).toEqual(['250', '250', '250'])
})

test('what simcontrol says of them still counts', async () => {
  const simcontrol = 'carol@postern.test:spam=no\n:spam=yes\n'
  expect(await heard({}, { simcontrol })).toEqual(['250', '452', '250'])
})
