import { describe, expect, test } from 'vitest'
import { accept, definePlugin, finding, relayClient, type JsonObject } from 'postern/plugin'
import {
  chainUnderTest,
  entryOf,
  fakeDns,
  pluginUnderTest,
  type PluginTestOptions,
} from 'postern/testkit'
import { dnsListed } from '../dnsbl/findings.ts'
import { spfResult } from '../spf/findings.ts'
import { letIn } from './grey-book.ts'
import { trustedHop } from '../trusted-hops/findings.ts'
import { greylist } from './greylist.ts'

/** Vouches for everybody. */
const voucher = definePlugin({
  name: 'voucher',
  vouches: 'local',
  setup: () => ({ rcpt: () => accept() }),
})

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

function from(options: JsonObject = {}, rest: PluginTestOptions = {}) {
  const plugin = pluginUnderTest(greylist, { options, ...rest })
  const ask = async (
    { address = '192.0.2.1', sender = 'alice@client.test' } = {},
    recipient = 'bob@postern.test',
  ) => {
    const session = { remote: { address, port: 1 } }
    const { verdict, reason } = await plugin.rcpt(recipient, { session, reversePath: sender })
    return reason ?? verdict
  }
  return { plugin, ask, clock: plugin.clock }
}

describe('greylist', () => {
  test('asks a stranger to come back, and knows them when they do', async () => {
    const { plugin, ask, clock } = from()
    expect(await plugin.rcpt('bob@postern.test')).toMatchObject({
      verdict: 'defer',
      status: '4.7.1',
      text: 'Greylisted, please try again later',
      reason: 'GREYLIST_FIRST',
      evidence: { key: '192.0.2.0/24 <alice@client.test> bob@postern.test' },
    })
    clock.advance(2 * minute - 1)
    expect(await ask()).toBe('GREYLIST_TOO_SOON')
    clock.advance(1)
    expect(await ask()).toBe('GREYLIST_KNOWN')
    expect(await ask()).toBe('GREYLIST_KNOWN')
  })

  test('takes any address of the client’s network for the client', async () => {
    const { ask, clock } = from()
    await ask({ address: '192.0.2.1' })
    clock.advance(2 * minute)
    expect(await ask({ address: '192.0.2.200' })).toBe('GREYLIST_KNOWN')
    expect(await ask({ address: '192.0.3.1' })).toBe('GREYLIST_FIRST')
  })

  test('tells senders and recipients apart, but not the numbers that lists put into senders', async () => {
    const { ask, clock } = from()
    await ask({ sender: 'list-1234-bob@lists.test' })
    clock.advance(2 * minute)
    expect(await ask({ sender: 'LIST-98765-bob@lists.test' })).toBe('GREYLIST_KNOWN')
    expect(await ask({ sender: 'other@lists.test' })).toBe('GREYLIST_FIRST')
    expect(await ask({ sender: 'list-1-bob@lists.test' }, 'carol@postern.test')).toBe(
      'GREYLIST_FIRST',
    )
  })

  test('knows networks alone where it is told to, as jgreylist does', async () => {
    const { ask, clock } = from({ key: 'network' })
    await ask()
    clock.advance(2 * minute)
    expect(await ask({ sender: 'x@y.test' }, 'carol@postern.test')).toBe('GREYLIST_KNOWN')
  })

  test('forgets who does not come back within a day, and who stays away for long', async () => {
    const { ask, clock } = from()
    await ask()
    clock.advance(day)
    expect(await ask()).toBe('GREYLIST_FIRST')
    clock.advance(2 * minute)
    expect(await ask()).toBe('GREYLIST_KNOWN')
    clock.advance(35 * day)
    expect(await ask()).toBe('GREYLIST_KNOWN')
    clock.advance(36 * day)
    expect(await ask()).toBe('GREYLIST_FIRST')
  })

  test('knows a network as a whole once enough of it has come back', async () => {
    const { ask, clock } = from({ allow_after: 3 })
    const senders = ['a@x.test', 'b@x.test', 'c@x.test']
    for (const sender of senders) await ask({ sender })
    clock.advance(2 * minute)
    for (const sender of senders) expect(await ask({ sender })).toBe('GREYLIST_KNOWN')
    expect(await ask({ sender: 'new@x.test' }, 'carol@postern.test')).toBe('GREYLIST_GOOD')
    expect(await ask({ address: '198.51.100.1', sender: 'new@x.test' })).toBe('GREYLIST_FIRST')
  })

  test('leaves recipients alone who do not want it', async () => {
    const files = { 'tables/greylist-without': 'bob@postern.test\n@quick.test\n' }
    const { ask } = from({}, { files })
    expect(await ask()).toBe('NOT_GREYLISTED')
    expect(await ask({}, 'anybody@quick.test')).toBe('NOT_GREYLISTED')
    expect(await ask({}, 'carol@postern.test')).toBe('GREYLIST_FIRST')
  })

  test('leaves clients alone that may relay, or that a list knows for good', async () => {
    const relay = from({}, { findings: [finding(relayClient, { because: 'test' })] })
    expect(await relay.ask()).toBe('pass')
    const good = from({}, { findings: [finding(dnsListed, { weight: -1, lists: ['good.test'] })] })
    expect(await good.ask()).toBe('pass')
  })

  test('is driven by jgreylist’s variables', async () => {
    const letIn = from({}, { environment: { JGREYLIST: '' } })
    expect(await letIn.plugin.rcpt('bob@postern.test')).toMatchObject({ verdict: 'pass' })
    const denied = from({}, { environment: { JGREYLIST: 'no %, really %' } })
    expect(
      await denied.plugin.rcpt('bob@postern.test', {
        session: { remote: { address: '5.6.7.8', port: 1 } },
      }),
    ).toMatchObject({ verdict: 'reject', text: 'no 5.6.7.8, really %' })
    const patient = from({}, { environment: { JGREYLIST_HOLDTIME: '600', JGREYLIST_BY_IP: '1' } })
    await patient.ask()
    patient.clock.advance(9 * minute)
    expect(await patient.ask()).toBe('GREYLIST_TOO_SOON')
    expect(await patient.ask({ address: '192.0.2.2' })).toBe('GREYLIST_FIRST')
    patient.clock.advance(minute)
    expect(await patient.ask()).toBe('GREYLIST_KNOWN')
  })

  test('takes the pool of a domain that SPF vouches for as one client', async () => {
    const spf = (result: 'pass' | 'softfail') =>
      finding(spfResult, { result, domain: 'Pool.test', identity: 'mailfrom' })
    const { ask, clock } = from({}, { findings: [spf('pass')] })
    const pool = ['192.0.2.1', '198.51.100.7', '203.0.113.9'].map((address, n) => {
      return { address, sender: `bounce-${n}@pool.test` }
    })
    expect(await ask(pool[0])).toBe('GREYLIST_FIRST')
    clock.advance(2 * minute)
    expect(await ask(pool[1])).toBe('GREYLIST_KNOWN')
    expect(await ask(pool[2])).toBe('GREYLIST_KNOWN')
    expect(await ask(pool[2], 'carol@postern.test')).toBe('GREYLIST_FIRST')
    const forged = from({}, { findings: [spf('softfail')] })
    await forged.ask(pool[0])
    forged.clock.advance(2 * minute)
    expect(await forged.ask(pool[1])).toBe('GREYLIST_FIRST')
    const byAddresses = from({ key: 'addresses' }, { findings: [spf('pass')] })
    await byAddresses.ask(pool[0])
    byAddresses.clock.advance(2 * minute)
    expect(await byAddresses.ask(pool[1])).toBe('GREYLIST_FIRST')
  })

  test('knows a client by good mail, whoever it writes to then', async () => {
    const chain = chainUnderTest({
      entries: [entryOf(greylist, { options: { good_mail: 2 } }), entryOf(voucher)],
      files: {
        'tables/greylist-without': '@quick.test',
      },
    })
    const send = async (recipient: string, sender = 'a@client.test') => {
      const session = chain.dial()
      await session.connect()
      await session.hello()
      await session.mail(sender)
      const reply = await session.rcpt(recipient)
      if (reply === '250') await session.message()
      session.end()
      return reply.slice(0, 3)
    }
    expect(await send('x@quick.test')).toBe('250')
    expect(await send('bob@postern.test', 'b@client.test')).toBe('451')
    expect(await send('x@quick.test')).toBe('250')
    expect(await send('bob@postern.test', 'c@client.test')).toBe('250')
  })

  test('is not asked about recipients that nobody accepts, and remembers nothing of who tries to relay', async () => {
    const ours = entryOf(voucher, { when: { recipient_domain: ['postern.test'] } })
    const chain = chainUnderTest({ entries: [ours, entryOf(greylist)] })
    const session = chain.dial()
    await session.connect()
    await session.hello()
    await session.mail('a@client.test')
    expect(await session.rcpt('victim@elsewhere.test')).toBe('550 5.7.1 Relaying denied')
    expect(await session.rcpt('bob@postern.test')).toMatch(/^451 4\.7\.1 Greylisted/)
    const keys = chain.store.table('entry/greylist/keys', { maxEntries: 10 })
    expect((await keys.scan({ limit: 9, order: 'ascending' })).map(({ key }) => key)).toEqual([
      '192.0.2.0/24 <a@client.test> bob@postern.test',
    ])
  })

  test('refuses clients without a name where a rule says so, and not for a name server that fails', async () => {
    const environment = { JGREYLIST_NOREV: 'no name for %' }
    const dns = fakeDns({ '192.0.2.9': { reverse: 'fails' } })
    const rcpt = (session: object) =>
      from({}, { environment, session, doors: { dns } }).plugin.rcpt('bob@postern.test')
    expect(await rcpt({})).toMatchObject({ verdict: 'reject', text: 'no name for 192.0.2.1' })
    expect(await rcpt({ remoteName: 'mx.client.test' })).toMatchObject({ verdict: 'defer' })
    const remote = { address: '192.0.2.9', port: 1 }
    expect(await rcpt({ remote })).toMatchObject({ verdict: 'defer' })
  })

  test('ends the session of who tries too many recipients, where a rule says so', async () => {
    const plugin = pluginUnderTest(greylist, { environment: { JGREYLIST_LIMIT: '2' } })
    expect(await plugin.rcpt('bob@postern.test')).toMatchObject({ close: false })
    expect(await plugin.rcpt('carol@postern.test')).toMatchObject({
      close: true,
      text: 'Too many RCPT commands, goodbye.',
    })
  })

  test('hears within a minute what is written into its store beside it', async () => {
    const { plugin, ask, clock } = from()
    await ask()
    clock.advance(2 * minute)
    expect(await ask()).toBe('GREYLIST_KNOWN')
    const keys = plugin.store.table('entry/greylist/keys', { maxEntries: 10 })
    await keys.delete('192.0.2.0/24 <alice@client.test> bob@postern.test')
    clock.advance(minute)
    expect(await ask()).toBe('GREYLIST_FIRST')
    const clients = plugin.store.table('entry/greylist/networks', { maxEntries: 10 })
    await clients.put('192.0.2.0/24', [clock.now(), clock.now(), letIn])
    clock.advance(minute)
    expect(await ask()).toBe('GREYLIST_GOOD')
  })

  test('counts visits by what was known', async () => {
    const { plugin, ask, clock } = from()
    await ask()
    await ask()
    clock.advance(2 * minute)
    await ask()
    const visits = ['first', 'too soon', 'known', 'good'].map((visit) =>
      plugin.metrics.value('postern_plugin_greylist_visits_total', { entry: 'greylist', visit }),
    )
    expect(await Promise.all(visits)).toEqual([1, 1, 1, 0])
  })

  test('keeps a bounded key however long the addresses are', async () => {
    const { plugin } = from()
    const { evidence } = await plugin.rcpt('bob@postern.test', {
      reversePath: `${'x'.repeat(60)}@${'y'.repeat(60)}.${'z'.repeat(60)}.${'w'.repeat(60)}.test`,
    })
    expect(JSON.stringify(evidence).length).toBeLessThan(140)
  })

  test('does not ask a relay of ours to come back', async () => {
    const { ask } = from({}, { findings: [finding(trustedHop, { address: '192.0.2.1' })] })
    expect(await ask()).toBe('pass')
  })

  test('is a fault where the store fails', async () => {
    const { plugin } = from()
    plugin.store.fail(true)
    await expect(plugin.rcpt('bob@postern.test')).rejects.toThrow('the store does not answer')
  })
})
