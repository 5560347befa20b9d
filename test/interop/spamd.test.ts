/** A real spamd: GTUBE and ham, its fields and its memory, through the plugin and the real network. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { applyHeaderEdits } from '../../src/mail/header-edits.ts'
import { spamassassin } from '../../plugins/spamassassin/spamassassin.ts'
import { systemClock } from '../../src/runtime/node/clock.ts'
import { nodeNet } from '../../src/runtime/node/net.ts'
import { memoryMessage } from '../../src/testkit/memory-message.ts'
import { pluginUnderTest } from '../../src/testkit/plugin-under-test.ts'
import type { JsonObject } from '../../src/mail/json.ts'
import { isMissing } from '../setup/components.ts'
import { gtube, startSpamd, type Spamd } from './spamd.ts'

const mail = (subject: string, body: string): string =>
  [
    'From: Alice <alice@client.test>',
    'To: bob@postern.test',
    `Subject: ${subject}`,
    'Date: Sat, 21 Nov 2026 08:00:00 +0000',
    'Message-ID: <1@client.test>',
    'X-Spam-Status: No, score=-100.0 required=5.0',
    '',
    body,
    '',
  ].join('\r\n')

const ham = mail('lunch', 'Shall we have lunch on Tuesday?')
const spam = mail('win', gtube)

describe.skipIf(isMissing('spamd'))('spamassassin with a real spamd', { timeout: 60_000 }, () => {
  let spamd: Spamd
  beforeAll(async () => void (spamd = await startSpamd()), 90_000)
  afterAll(async () => spamd.stop())

  const under = (options: JsonObject = {}) =>
    pluginUnderTest(spamassassin, {
      options: { servers: [spamd.socket], ...options },
      doors: { net: nodeNet, clock: systemClock },
      // Addresses for examples have a rule of their own against them.
      session: {
        hello: { verb: 'EHLO', name: 'client.test' },
        remote: { address: '9.9.9.9', port: 25_025 },
      },
    })

  /** The header as it would be committed. */
  const headerAfter = async (message: string, options: JsonObject = {}): Promise<string> => {
    const { headerEdits = [] } = await under(options).message(message)
    const { bytes, bodyOffset } = memoryMessage(message)
    return Buffer.from(applyHeaderEdits(bytes.subarray(0, bodyOffset), headerEdits)).toString()
  }

  test('gives GTUBE its thousand, by name', async () => {
    const verdict = await under().message(spam)
    expect(verdict).toMatchObject({ verdict: 'pass', reason: 'SPAM' })
    expect(verdict.score).toBeGreaterThan(990)
    expect(verdict.findings?.[0]?.value).toMatchObject({
      required: 5,
      spam: true,
      rules: expect.arrayContaining(['GTUBE']) as string[],
    })
  })

  test('calls ham ham, over TCP too', async () => {
    const verdict = await under({ servers: [`127.0.0.1:${spamd.port}`] }).message(ham)
    expect(verdict).toMatchObject({ verdict: 'pass', reason: 'NO_SPAM' })
    expect(verdict.score).toBeLessThan(5)
  })

  test('writes the header as SpamAssassin does, and nothing of a forged one stays', async () => {
    const header = await headerAfter(spam)
    expect(header).toMatch(/^X-Spam-Flag: YES\r$/m)
    expect(header).toMatch(/^X-Spam-Level: \*+\r$/m)
    expect(header).toMatch(/^X-Spam-Status: Yes, score=\d+\.\d required=5\.0/m)
    expect(header).toMatch(/^Subject: \[SPAM\] win\r$/m)
    expect(header).not.toContain('score=-100.0')
    expect(header.match(/^X-Spam-Status:/gm)).toHaveLength(1)
    const clean = await headerAfter(ham)
    expect(clean).toMatch(/^X-Spam-Status: No, score=/m)
    expect(clean).toMatch(/^Subject: lunch\r$/m)
  })

  test('writes the header as Qmail-Scanner’s fast mode does', async () => {
    const header = await headerAfter(spam, { headers: 'fast', subject: '[SPAM]' })
    expect(header).toMatch(/^X-Spam-Status: Yes, score=\d+\.\d required=5\.0\r$/m)
    expect(header).toMatch(/^Subject: \[SPAM\] win\r$/m)
  })

  test('tells SpamAssassin whom the message came from', async () => {
    const verdict = await under({ headers: 'none' }).message(ham)
    // It knows of an untrusted relay only by the field that we put above the message.
    expect(verdict.evidence?.['rules']).not.toContain('NO_RELAYS')
    expect(verdict.evidence?.['rules']).not.toContain('NO_RECEIVED')
  })

  test('can be asked for the score alone', async () => {
    const verdict = await under({ headers: 'none', rules: false }).message(spam)
    expect(verdict.findings?.[0]?.value).toMatchObject({ spam: true, rules: [] })
  })

  test('learns what a person says', async () => {
    const plugin = under({ user: 'bob' })
    await plugin.learn(spam, 'spam')
    await plugin.learn(ham, 'ham')
    await plugin.learn(ham, 'ham')
    const learnt = plugin.log.events.map(({ fields }) => [fields['as'], fields['isNew']])
    expect(learnt).toEqual([
      ['spam', true],
      ['ham', true],
      ['ham', false],
    ])
  })

  test('answers when it is probed', async () => {
    expect(await under().probe()).toMatch(/spamd\.sock: SPAMD\/1\.\d/)
  })
})
