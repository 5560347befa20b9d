import { describe, expect, test } from 'vitest'
import { chainUnderTest, entryOf, pluginUnderTest } from 'postern/testkit'
import { definePlugin, finding, pass } from 'postern/plugin'
import { originClient, trustedHop } from './findings.ts'
import { trustedHops } from './trusted-hops.ts'

const backup = '198.51.100.2'
const options = { networks: [backup, '198.51.100.128/25'] }
const byBackup = 'from sender.example (host.example [192.0.2.1]) by mx2.example.org with ESMTP'
const forged = 'from innocent.example (innocent.example [203.0.113.1]) by sender.example with ESMTP'

const mail = (...received: readonly string[]): string =>
  [...received.map((value) => `Received: ${value}`), 'Subject: test', '', 'text', ''].join('\r\n')

async function originIn(message: string) {
  const findings = [finding(trustedHop, { address: backup })]
  const verdict = await pluginUnderTest(trustedHops, { options, findings }).message(message)
  expect(verdict.verdict).toBe('pass')
  return verdict.findings?.[0]?.value
}

describe('trusted-hops', () => {
  test('knows relays of ours by their address', async () => {
    const plugin = pluginUnderTest(trustedHops, { options })
    const from = (address: string) => plugin.connect({ session: { remote: { address, port: 1 } } })
    expect(await from(backup)).toMatchObject({ findings: [{ name: 'trusted-hop' }] })
    expect(await from('192.0.2.1')).not.toHaveProperty('findings')
  })

  test('finds the client of the relay', async () => {
    expect(await originIn(mail(byBackup, forged))).toEqual({
      address: '192.0.2.1',
      hello: 'sender.example',
    })
  })

  test('goes on through further relays of ours, and through a relay that hands mail to itself', async () => {
    const origin = await originIn(
      mail(
        '(qmail 7 invoked from network); 21 Nov 2026',
        'from localhost (localhost [127.0.0.1]) by mx2.example.org (Postfix)',
        'from mx3.example.org (mx3.example.org [198.51.100.200]) by localhost (amavis)',
        'from mx4 (mx4 [::1]) by mx3.example.org with LMTP',
        byBackup,
        forged,
      ),
    )
    expect(origin).toEqual({ address: '192.0.2.1', hello: 'sender.example' })
  })

  test.each([
    ['no Received field', mail()],
    ['only fields of ours', mail(`from mx2 (mx2 [${backup}]) by mx2`)],
    ['a field above it that cannot be read', mail('by mx2 with SMTP', byBackup)],
    ['mail that the relay sent itself', mail('(qmail 7 invoked by uid 1000)', forged)],
    ['a loop', mail(...Array.from({ length: 25 }, () => `from m (m [${backup}]) by m`), byBackup)],
  ])('believes nothing of %s', async (_, message) => {
    expect(await originIn(message)).toBeUndefined()
  })

  test('does not look into mail that somebody else brings', async () => {
    const verdict = await pluginUnderTest(trustedHops, { options }).message(mail(byBackup))
    expect(verdict).not.toHaveProperty('findings')
  })

  test('is done before those look at the message that want to know, though others run at once', async () => {
    const seen: unknown[] = []
    const reader = definePlugin({
      name: 'reader',
      vouches: 'local',
      wants: [originClient],
      setup: () => ({
        rcpt: () => ({ verdict: 'accept' }) as const,
        message(_event, { findings }) {
          seen.push(findings.get(originClient)?.address)
          return pass()
        },
      }),
    })
    const chain = chainUnderTest({ entries: [entryOf(trustedHops, { options }), entryOf(reader)] })
    const session = chain.dial({ remote: { address: backup, port: 1 } })
    await session.connect()
    await session.hello()
    await session.mail()
    await session.rcpt('bob@postern.test')
    await session.message(mail(byBackup))
    expect(seen).toEqual(['192.0.2.1'])
  })
})
