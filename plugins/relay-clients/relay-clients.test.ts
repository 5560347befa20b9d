import { describe, expect, test } from 'vitest'
import { relayClient, type Session } from 'postern/plugin'
import { pluginUnderTest } from 'postern/testkit'
import { relayClients } from './relay-clients.ts'

const from = (address: string): Partial<Session> => ({ remote: { address, port: 40_000 } })

describe('relay-clients', () => {
  test('a client whose network is listed may relay', async () => {
    const plugin = pluginUnderTest(relayClients, {
      options: { networks: ['192.0.2.0/24', '2001:db8::/32'] },
      session: from('192.0.2.77'),
    })
    expect(await plugin.connect()).toMatchObject({ findings: [{ name: relayClient.name }] })
    expect(await plugin.rcpt('bob@anywhere.test')).toEqual({
      verdict: 'accept',
      reason: 'RELAY_CLIENT',
    })
  })

  test('a client from elsewhere is neither vouched for nor refused', async () => {
    const plugin = pluginUnderTest(relayClients, {
      options: { networks: ['192.0.2.0/24'] },
      session: from('198.51.100.1'),
    })
    expect(await plugin.connect()).toEqual({ verdict: 'pass' })
    expect(await plugin.rcpt('bob@anywhere.test')).toEqual({ verdict: 'pass' })
  })

  test('a tcp.smtp rule that sets RELAYCLIENT, even to nothing, lets its clients relay', async () => {
    const plugin = pluginUnderTest(relayClients, { environment: { RELAYCLIENT: '' } })
    expect(await plugin.connect()).toMatchObject({
      findings: [{ name: 'relay-client', value: { because: 'test' } }],
    })
    expect(await plugin.rcpt('bob@anywhere.test')).toMatchObject({ verdict: 'accept' })
  })

  test("RELAYCLIENT's value is appended to the recipient's address", async () => {
    const plugin = pluginUnderTest(relayClients, { environment: { RELAYCLIENT: '@fix.test' } })
    expect(await plugin.rcpt('k@l')).toMatchObject({
      verdict: 'accept',
      envelopeEdits: [
        {
          edit: 'replaceRecipient',
          mailbox: { localPart: 'k', domain: 'l' },
          by: { mailbox: { localPart: 'k@l', domain: 'fix.test' } },
        },
      ],
    })
  })

  test('what a login brings counts for the recipients after it', async () => {
    const plugin = pluginUnderTest(relayClients)
    const session = {
      environment: { variables: new Map([['RELAYCLIENT', '']]), source: 'after login' },
    }
    expect(await plugin.rcpt('bob@anywhere.test')).toMatchObject({ verdict: 'pass' })
    expect(await plugin.rcpt('bob@anywhere.test', { session })).toMatchObject({ verdict: 'accept' })
  })

  test('who has logged in may relay, unless the options say otherwise', async () => {
    const session = { user: 'alice' }
    const plugin = pluginUnderTest(relayClients)
    expect(await plugin.rcpt('bob@anywhere.test', { session })).toEqual({
      verdict: 'accept',
      reason: 'LOGIN',
    })
    const stricter = pluginUnderTest(relayClients, { options: { logins: false } })
    expect(await stricter.rcpt('bob@anywhere.test', { session })).toEqual({ verdict: 'pass' })
  })

  test('a network that is none is named', () => {
    expect(() =>
      pluginUnderTest(relayClients, { options: { networks: ['192.0.2.0/33'] } }),
    ).toThrow(/options\.networks: "192\.0\.2\.0\/33" is not an address or a network/)
  })
})
