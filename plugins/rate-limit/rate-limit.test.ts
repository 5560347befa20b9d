import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from 'postern/plugin'
import { pluginUnderTest, type About, type PluginTestOptions } from 'postern/testkit'
import { rateLimit } from './rate-limit.ts'
import { parseRate } from './rate.ts'

const hour = 3_600_000

function limited(options: JsonObject, rest: PluginTestOptions = {}) {
  const plugin = pluginUnderTest(rateLimit, { options, ...rest })
  const ask = async (about: About & { readonly to?: string } = {}) => {
    const { verdict } = await plugin.rcpt(about.to ?? 'bob@postern.test', about)
    return verdict
  }
  return { plugin, ask }
}

const client = (address: string) => ({ session: { remote: { address, port: 1 } } })

describe('rate-limit', () => {
  test('asks who is over a limit to come back, and takes them when the time is over', async () => {
    const { plugin, ask } = limited({ client: '2/h' })
    expect([await ask(), await ask()]).toEqual(['pass', 'pass'])
    expect(await plugin.rcpt('bob@postern.test')).toMatchObject({
      verdict: 'defer',
      status: '4.7.28',
      text: 'Too much mail, please try again later',
      reason: 'RATE_EXCEEDED',
      evidence: { what: 'client', whom: '192.0.2.1', limit: 2, periodSeconds: 3600 },
    })
    plugin.clock.advance(1.1 * hour)
    expect(await ask()).toBe('pass')
  })

  test('counts each client, network, login, sender and recipient by itself', async () => {
    const clients = limited({ client: '1/h' })
    expect(await clients.ask(client('192.0.2.1'))).toBe('pass')
    expect(await clients.ask(client('192.0.2.2'))).toBe('pass')
    expect(await clients.ask(client('192.0.2.2'))).toBe('defer')
    const networks = limited({ network: '1/h' })
    expect(await networks.ask(client('2001:db8::1'))).toBe('pass')
    expect(await networks.ask(client('2001:db8::2'))).toBe('defer')
    expect(await networks.ask(client('2001:db8:1::2'))).toBe('pass')
    const senders = limited({ sender: '1/h' })
    expect(await senders.ask({ reversePath: 'a@x.test' })).toBe('pass')
    expect(await senders.ask({ reversePath: 'A@X.test' })).toBe('defer')
    expect(await senders.ask({ reversePath: 'b@x.test' })).toBe('pass')
    const recipients = limited({ recipient: '1/h' })
    expect(await recipients.ask({ to: 'a@postern.test' })).toBe('pass')
    expect(await recipients.ask({ to: 'a@Postern.test' })).toBe('defer')
    expect(await recipients.ask({ to: 'c@postern.test' })).toBe('pass')
  })

  test('counts a login by its name, wherever it comes from', async () => {
    const { ask } = limited({ login: '2/h', client: '1/h', network: '1/h' })
    const bob = { session: { user: 'bob' } }
    expect([await ask(bob), await ask(bob), await ask(bob)]).toEqual(['pass', 'pass', 'defer'])
    expect(await ask({ session: { user: 'eve' } })).toBe('pass')
    // However it is spelled, it is one account.
    expect(await ask({ session: { user: 'EVE' } })).toBe('pass')
    expect(await ask({ session: { user: 'Eve' } })).toBe('defer')
  })

  test('does not count against a login what strangers send in its name', async () => {
    const { ask } = limited({ sender: '1/h' })
    const stranger = { reversePath: 'bob@postern.test' }
    expect([await ask(stranger), await ask(stranger)]).toEqual(['pass', 'defer'])
    const bob = { ...stranger, session: { user: 'bob' } }
    expect([await ask(bob), await ask(bob)]).toEqual(['pass', 'defer'])
  })

  test('does not count bounces against a sender', async () => {
    const { ask } = limited({ sender: '1/h' })
    const bounce = { reversePath: '' }
    expect([await ask(bounce), await ask(bounce)]).toEqual(['pass', 'pass'])
  })

  test('spends nothing on who is refused for another limit', async () => {
    const { ask } = limited({ client: '2/h', recipient: '1/h' })
    expect(await ask({ to: 'a@postern.test' })).toBe('pass')
    expect(await ask({ to: 'a@postern.test' })).toBe('defer')
    expect(await ask({ to: 'b@postern.test' })).toBe('pass')
    expect(await ask({ to: 'c@postern.test' })).toBe('defer')
  })

  test('limits connections at once', async () => {
    const { plugin } = limited({ connections: '1/min' })
    expect(await plugin.connect()).toMatchObject({ verdict: 'pass' })
    expect(await plugin.connect()).toMatchObject({ verdict: 'defer' })
  })

  test('has other limits for some, and none for others', async () => {
    const table = 'login:bob 2/h\nrecipient:@busy.test off\nrecipient:x@busy.test 1/h\n'
    const { ask } = limited(
      { login: '1/h', recipient: '1/h' },
      { files: { 'tables/rate-limits': table } },
    )
    const bob = { session: { user: 'bob' } }
    expect(await ask({ ...bob, to: 'a@busy.test' })).toBe('pass')
    expect(await ask({ ...bob, to: 'a@busy.test' })).toBe('pass')
    expect(await ask({ ...bob, to: 'a@busy.test' })).toBe('defer')
    expect(await ask({ to: 'x@busy.test' })).toBe('pass')
    expect(await ask({ to: 'x@busy.test' })).toBe('defer')
  })

  test('takes the limit of the client’s rule, and refuses for good where it is told to', async () => {
    const { plugin, ask } = limited(
      { client: '100/h', refuse: 'reject', text: 'Enough' },
      { environment: { RATE_CLIENT: '1/d' } },
    )
    await ask()
    expect(await plugin.rcpt('bob@postern.test')).toMatchObject({
      verdict: 'reject',
      status: '5.7.28',
      text: 'Enough',
    })
  })

  test('has a fault where a rate of the table is none', async () => {
    const { ask } = limited({}, { files: { 'tables/rate-limits': 'client:192.0.2.1 many' } })
    await expect(ask()).rejects.toThrow('many is no rate')
  })

  test('is a mistake of the configuration where a rate is none', () => {
    expect(() => limited({ client: '100' })).toThrow('"100" is no rate; write so many in a time')
  })
})

test('rates are read, or refused', () => {
  expect(parseRate('100/h')).toEqual({ limit: 100, periodMs: hour })
  expect(parseRate('30/10min')).toEqual({ limit: 30, periodMs: 600_000 })
  expect(parseRate('5/s')).toEqual({ limit: 5, periodMs: 1000 })
  expect(parseRate('off')).toBeUndefined()
  for (const text of ['', '1', '1/', '/h', '-1/h', '1/0h', '1/m', '1/40d', '1.5/h', '1/h ']) {
    expect(parseRate(text)).toBe('mistake')
  }
  fc.assert(
    fc.property(fc.string({ maxLength: 30 }), (text) => {
      const rate = parseRate(text)
      const periodMs = typeof rate === 'object' ? rate.periodMs : 1000
      expect([periodMs >= 1000, Number.isSafeInteger(periodMs)]).toEqual([true, true])
    }),
  )
})
