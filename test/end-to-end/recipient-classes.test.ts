/** `split: first`: whom a spam scanner would judge otherwise gets a transaction of its own. */
import { describe, expect, test } from 'vitest'
import {
  accept,
  definePlugin,
  finding,
  relayClient,
  type JsonObject,
  type Plugin,
} from 'postern/plugin'
import { chainUnderTest, entryOf } from 'postern/testkit'
import { rspamd } from '../../plugins/rspamd/rspamd.ts'
import { spamassassin } from '../../plugins/spamassassin/spamassassin.ts'

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
  scanner: Plugin,
  options: JsonObject,
  { sender = 'alice', simcontrol = '' } = {},
): Promise<readonly string[]> {
  const chain = chainUnderTest({
    receiver: { split: 'first' },
    entries: [entryOf(voucher), entryOf(scanner, { options })],
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

describe.each<readonly [scanner: Plugin, own: JsonObject]>([
  [rspamd, { per_recipient: true }],
  [spamassassin, { user_of: 'local-part' }],
])('$name', (scanner, own) => {
  test('recipients with settings of their own are of different classes, one that is named twice is not', async () => {
    expect(await heard(scanner, {})).toEqual(['250', '250', '250'])
    expect(await heard(scanner, own)).toEqual(['250', '452', '250'])
  })

  test('where nothing is looked at nobody is split off', async () => {
    expect(await heard(scanner, own, { sender: 'relay' })).toEqual(['250', '250', '250'])
    expect(await heard(scanner, { ...own, scan: 'off' })).toEqual(['250', '250', '250'])
  })

  test('what simcontrol says of them still counts', async () => {
    const simcontrol = 'carol@postern.test:spam=no\n:spam=yes\n'
    expect(await heard(scanner, {}, { simcontrol })).toEqual(['250', '452', '250'])
  })
})
