import { describe, expect, test } from 'vitest'
import { relayClient, type Session } from 'postern/plugin'
import { memoryAccounts, pluginUnderTest } from 'postern/testkit'
import { popBeforeSmtp } from './pop-before-smtp.ts'

const from = (address: string, listener: string): Partial<Session> => ({
  listener,
  remote: { address, port: 40_000 },
})
const reader = { session: from('192.0.2.7', 'pop3') }
const sender = { session: from('192.0.2.7', 'mx') }

const plugin = () => pluginUnderTest(popBeforeSmtp, { options: { lifetime: '10m' } })

describe('pop-before-smtp', () => {
  test('vouches for an address for a while after a login there, and for no other', async () => {
    const popping = plugin()
    expect(await popping.connect(sender)).toEqual({ verdict: 'pass' })
    expect(await popping.rcpt('bob@far.test', sender)).toEqual({ verdict: 'pass' })
    await popping.loginEnded('alice', 'accepted', reader)
    expect(await popping.connect(sender)).toMatchObject({ findings: [{ name: relayClient.name }] })
    expect(await popping.rcpt('bob@far.test', sender)).toEqual({
      verdict: 'accept',
      reason: 'POP_BEFORE_SMTP',
    })
    expect(await popping.connect({ session: from('192.0.2.8', 'mx') })).toEqual({ verdict: 'pass' })
    popping.clock.advance(599_999)
    expect(await popping.connect(sender)).toMatchObject({ findings: [{}] })
    popping.clock.advance(1)
    expect(await popping.connect(sender)).toEqual({ verdict: 'pass' })
  })

  test('a login of who may fetch mail and not send opens nothing', async () => {
    const flags = new Set(['no-smtp'] as const)
    const alice = { user: 'alice@example.org', passwordHash: '*', variables: new Map(), flags }
    const accounts = memoryAccounts([alice])
    const popping = pluginUnderTest(popBeforeSmtp, { doors: { accounts } })
    await popping.loginEnded('alice@example.org', 'accepted', reader)
    expect(await popping.connect(sender)).toEqual({ verdict: 'pass' })
    await popping.loginEnded('bob@example.org', 'accepted', reader)
    expect(await popping.connect(sender)).toMatchObject({ findings: [{}] })
  })

  test('a login that fails, or that is made to send, opens nothing', async () => {
    const popping = plugin()
    await popping.loginEnded('alice', 'rejected', reader)
    await popping.loginEnded('alice', 'deferred', reader)
    await popping.loginEnded('alice', 'accepted', { session: from('192.0.2.7', 'submission') })
    expect(await popping.connect(sender)).toEqual({ verdict: 'pass' })
  })
})
