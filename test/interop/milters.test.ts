/** Milters that nobody here wrote: opendkim, whose signature another library verifies, and rspamd's. */
import { dkimVerify } from 'mailauth/lib/dkim/verify.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { milter } from '../../plugins/milter/milter.ts'
import { applyHeaderEdits } from '../../src/mail/header-edits.ts'
import { systemClock } from '../../src/runtime/node/clock.ts'
import { nodeNet } from '../../src/runtime/node/net.ts'
import { memoryMessage } from '../../src/testkit/memory-message.ts'
import { pluginUnderTest, type PluginUnderTest } from '../../src/testkit/plugin-under-test.ts'
import { isMissing } from '../setup/components.ts'
import { startOpenDkim, type OpenDkim } from './opendkim.ts'
import { startRspamd, type Rspamd } from './rspamd.ts'
import { gtube } from './spamd.ts'

const under = (address: string, remote: string): PluginUnderTest =>
  pluginUnderTest(milter, {
    options: { address },
    doors: { net: nodeNet, clock: systemClock },
    session: {
      remote: { address: remote, port: 25_025 },
      hello: { verb: 'EHLO', name: 'client.test' },
    },
  })

const mail = (subject: string, body: string): string =>
  [
    'From: Alice <alice@postern.test>',
    'To: bob@postern.test',
    `Subject: ${subject}`,
    ' in two lines',
    'Date: Sat, 21 Nov 2026 08:00:00 +0000',
    'Message-ID: <1@client.test>',
    '',
    body,
    '',
  ].join('\r\n')

/** Every step of a session, as far as it goes well. */
async function walk(plugin: PluginUnderTest, message: string) {
  expect(await plugin.connect()).toMatchObject({ verdict: 'pass' })
  expect(await plugin.hello('client.test')).toMatchObject({ verdict: 'pass' })
  expect(await plugin.mail('alice@postern.test')).toMatchObject({ verdict: 'pass' })
  expect(await plugin.rcpt('bob@postern.test')).toMatchObject({ verdict: 'pass' })
  expect(await plugin.data()).toMatchObject({ verdict: 'pass' })
  return plugin.message(message, { reversePath: 'alice@postern.test' })
}

function edited(message: string, edits: Parameters<typeof applyHeaderEdits>[1] = []): Buffer {
  const { bytes, bodyOffset } = memoryMessage(message)
  return Buffer.concat([
    applyHeaderEdits(bytes.subarray(0, bodyOffset), edits),
    bytes.subarray(bodyOffset),
  ])
}

describe.skipIf(isMissing('opendkim'))('opendkim as a milter', () => {
  let opendkim: OpenDkim
  beforeAll(async () => void (opendkim = await startOpenDkim('postern.test')), 60_000)
  afterAll(async () => opendkim.stop())

  test.each([
    ['a short message', 'hello'],
    ['a message of many chunks', `${'0123456789'.repeat(7)}\r\n`.repeat(20_000)],
  ])('signs %s, and its signature holds over what we would send on', async (_, body) => {
    const plugin = under(`inet:${opendkim.port}@127.0.0.1`, '127.0.0.1')
    const message = mail('signed', body)
    for (let times = 0; times < 2; times++) {
      const verdict = await walk(plugin, message)
      expect(verdict).toMatchObject({ verdict: 'pass', reason: 'MILTER_CHANGED' })
      const signed = edited(message, verdict.headerEdits)
      const result = await dkimVerify(signed, {
        resolver: async () => [[opendkim.record]],
      })
      expect(result.results[0]?.status).toMatchObject({ result: 'pass' })
    }
    plugin.sessionEnded()
  })

  test('leaves mail alone that is not from here', async () => {
    const plugin = under(`127.0.0.1:${opendkim.port}`, '9.9.9.9')
    expect((await walk(plugin, mail('unsigned', 'hello'))).headerEdits).toBeUndefined()
    plugin.sessionEnded()
  })
})

describe.skipIf(isMissing('rspamd'))('rspamd as a milter', () => {
  let rspamd: Rspamd
  beforeAll(async () => void (rspamd = await startRspamd()), 90_000)
  afterAll(async () => rspamd.stop())

  test('refuses GTUBE in its own words, and the session goes on', async () => {
    const plugin = under(`127.0.0.1:${rspamd.milter}`, '9.9.9.9')
    expect(await walk(plugin, mail('win', gtube))).toMatchObject({
      verdict: 'reject',
      text: 'Gtube pattern',
      reason: 'MILTER_REJECT',
    })
    const ham = await walk(plugin, mail('lunch', 'Shall we have lunch on Tuesday?'))
    expect(ham).toMatchObject({ verdict: 'pass' })
    expect(ham.headerEdits?.map(({ name }) => name)).toContain('X-Spamd-Result')
    plugin.sessionEnded()
  })
})
