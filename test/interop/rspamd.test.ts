/** A real rspamd: what it does with GTUBE in its three forms and with ham, what it learns. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rspamd } from '../../plugins/rspamd/rspamd.ts'
import type { JsonObject } from '../../src/mail/json.ts'
import { systemClock } from '../../src/runtime/node/clock.ts'
import { nodeNet } from '../../src/runtime/node/net.ts'
import { pluginUnderTest } from '../../src/testkit/plugin-under-test.ts'
import { isMissing } from '../setup/components.ts'
import { startRspamd, type Rspamd } from './rspamd.ts'
import { gtube } from './spamd.ts'

const mail = (subject: string, body: string): string =>
  [
    'From: Alice <alice@client.test>',
    'To: bob@postern.test',
    `Subject: ${subject}`,
    'Date: Sat, 21 Nov 2026 08:00:00 +0000',
    'Message-ID: <1@client.test>',
    '',
    body,
    '',
  ].join('\r\n')

const ham = mail('lunch', 'Shall we have lunch on Tuesday?')
/** rspamd's own patterns for the actions short of rejection. */
const addHeader = `YJS*C4JDBQADN1.NSBN3*2IDNEN*${'GTUBE-STANDARD-ANTI-UBE'}-TEST-EMAIL*C.34X`
const rewriteSubject = `ZJS*C4JDBQADN1.NSBN3*2IDNEN*${'GTUBE-STANDARD-ANTI-UBE'}-TEST-EMAIL*C.34X`

describe.skipIf(isMissing('rspamd'))('rspamd with a real rspamd', () => {
  let server: Rspamd
  beforeAll(async () => void (server = await startRspamd()), 90_000)
  afterAll(async () => server.stop())

  const under = (options: JsonObject = {}) =>
    pluginUnderTest(rspamd, {
      options: {
        servers: [`127.0.0.1:${server.worker}`],
        controllers: [`127.0.0.1:${server.controller}`],
        ...options,
      },
      files: { 'control/rspamdpassword': 'taught\n' },
      doors: { net: nodeNet, clock: systemClock },
      session: {
        hello: { verb: 'EHLO', name: 'client.test' },
        remote: { address: '9.9.9.9', port: 25_025 },
      },
    })

  test('rejects GTUBE, in the words of rspamd', async () => {
    expect(await under().message(mail('win', gtube))).toMatchObject({
      verdict: 'reject',
      status: '5.7.1',
      text: 'Gtube pattern',
      reason: 'RSPAMD_REJECT',
    })
  })

  test('marks what rspamd would mark', async () => {
    expect((await under().message(mail('win', addHeader))).headerEdits).toContainEqual({
      edit: 'prepend',
      name: 'X-Spam',
      value: 'Yes',
    })
    const rewritten = await under().message(mail('win', rewriteSubject))
    expect(rewritten).toMatchObject({ verdict: 'pass', reason: 'RSPAMD_REWRITE_SUBJECT' })
    expect(rewritten.headerEdits).toContainEqual(
      expect.objectContaining({
        edit: 'replace',
        name: 'Subject',
        value: expect.stringContaining('win') as string,
      }),
    )
  })

  test('lets ham through, with its score and symbols and the fields of its milter', async () => {
    const verdict = await under().message(ham)
    expect(verdict).toMatchObject({ verdict: 'pass', reason: 'RSPAMD_NO_ACTION' })
    expect(verdict.evidence?.['symbols']).toContain('MIME_GOOD')
    expect(verdict.headerEdits?.map(({ name }) => name)).toContain('X-Spamd-Result')
  })

  test('answers about each recipient', async () => {
    const recipients = ['bob@postern.test', 'carol@postern.test']
    expect(
      await under({ per_recipient: true }).message(mail('win', gtube), { recipients }),
    ).toMatchObject({ verdict: 'per-recipient', verdicts: [{ verdict: 'reject' }, {}] })
  })

  test('hears from its controller why nothing was learnt', async () => {
    // There are too few words in it.
    await expect(under().learn(ham, 'ham')).rejects.toThrow('less tokens')
  })

  test('says so where the controller does not know the password', async () => {
    const plugin = under({ password: 'control/me' })
    await expect(plugin.learn(ham, 'spam')).rejects.toThrow('401')
  })

  test('answers when it is probed', async () => {
    expect(await under().probe()).toMatch(/^127\.0\.0\.1:\d+: rspamd\/3/)
  })
})
