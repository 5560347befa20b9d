import { describe, expect, test } from 'vitest'
import type { SmtpRoute } from '../../mail/route.ts'
import type { MxRecord } from '../../runtime/dns.ts'
import { fakeDns, type FakeZones } from '../../testkit/fake-dns.ts'
import { addressesOf, hostsOf, type AddressFamilies, type LookUp } from './mail-exchangers.ts'

const route: SmtpRoute = {
  transport: 'smtp',
  key: 'smtp:there.test',
  lookup: 'mx',
  host: 'there.test',
  port: 25,
}
const relay: SmtpRoute = { ...route, lookup: 'host', host: 'relay.test' }

/** @param dice what the next numbers are; then always the highest, which leaves the order alone */
function lookUp(zones: FakeZones, dice: number[] = []) {
  return {
    dns: fakeDns(zones),
    random: {
      bytes: (length: number) => new Uint8Array(length),
      integer: (bound: number) => dice.shift() ?? bound - 1,
    },
    signal: new AbortController().signal,
    families: 'ipv4-first' as AddressFamilies,
  }
}

const mx = (...records: [string, number][]): { mx: MxRecord[] } => ({
  mx: records.map(([exchange, preference]) => ({ exchange, preference })),
})

/** The names alone. */
async function namesOf(of: SmtpRoute, doors: LookUp) {
  const { found, result } = await hostsOf(of, doors)
  return { found: found?.map((group) => group.map(({ name }) => name)), result }
}

describe('the mail exchangers of a domain', () => {
  test('come best first', async () => {
    const zones = { 'there.test': mx(['c.test', 30], ['A.test', 10], ['b.test', 20]) }
    expect(await namesOf(route, lookUp(zones))).toEqual({
      found: [['a.test'], ['b.test'], ['c.test']],
    })
  })

  test('of equal preference come in random order', async () => {
    const zones = { 'there.test': mx(['z.test', 20], ['a.test', 10], ['b.test', 10]) }
    const straight = await namesOf(route, lookUp(zones))
    const turned = await namesOf(route, lookUp(zones, [1, 1]))
    expect(straight.found).toEqual([['a.test', 'b.test'], ['z.test']])
    expect(turned.found).toEqual([['b.test', 'a.test'], ['z.test']])
  })

  test('are the domain itself where it names none', async () => {
    const zones = { 'there.test': { addresses: ['192.0.2.1'] } }
    expect(await namesOf(route, lookUp(zones))).toEqual({ found: [['there.test']] })
  })

  test.each(['', '.'])('named %j alone mean that the domain takes no mail', async (exchange) => {
    const zones = { 'there.test': mx([exchange, 0]) }
    expect(await namesOf(route, lookUp(zones))).toMatchObject({
      result: { outcome: 'failed', status: '5.1.10' },
    })
  })

  test('beside a null one are used without it', async () => {
    const zones = { 'there.test': mx(['.', 0], ['a.test', 10]) }
    expect(await namesOf(route, lookUp(zones))).toEqual({ found: [['a.test']] })
  })

  test('of a domain that does not exist are a failure', async () => {
    expect(await namesOf(route, lookUp({}))).toMatchObject({
      result: { outcome: 'failed', status: '5.1.2' },
    })
  })

  test('that the DNS does not tell are a deferral', async () => {
    expect(await namesOf(route, lookUp({ 'there.test': 'fails' }))).toMatchObject({
      result: { outcome: 'deferred', status: '4.4.3' },
    })
  })

  test('are twenty at most, each once', async () => {
    const names = Array.from({ length: 90 }, (_, i): [string, number] => [`m${i % 45}.test`, i])
    const { found } = await namesOf(route, lookUp({ 'there.test': mx(...names) }))
    expect(found).toEqual(Array.from({ length: 20 }, (_, i) => [`m${i}.test`]))
  })

  test('are not asked for where smtproutes names the host', async () => {
    const doors = lookUp({})
    expect(await namesOf(relay, doors)).toEqual({ found: [['relay.test']] })
    expect(doors.dns.questions).toEqual([])
  })

  test('are the hosts of smtproutes in their order, each with a port of its own', async () => {
    const others = [
      { host: 'b.test', port: 465, implicitTls: true },
      { host: 'relay.test', port: 26 },
    ]
    expect(await hostsOf({ ...relay, others }, lookUp({}))).toEqual({
      found: [
        [{ name: 'relay.test', port: 25 }],
        [{ name: 'b.test', port: 465, implicitTls: true }],
        [{ name: 'relay.test', port: 26 }],
      ],
    })
  })
})

describe('the addresses of a host', () => {
  test('are those of the DNS', async () => {
    const zones = { 'a.test': { addresses: ['192.0.2.1', '2001:db8::1'] } }
    expect(await addressesOf('a.test', route, lookUp(zones))).toEqual({
      found: ['192.0.2.1', '2001:db8::1'],
    })
  })

  test.each(['192.0.2.1', '2001:db8::1'])('are itself where it is the address %s', async (host) => {
    const doors = lookUp({})
    expect(await addressesOf(host, relay, doors)).toEqual({ found: [host] })
    expect(doors.dns.questions).toEqual([])
  })

  test('where an exchanger has none are a failure', async () => {
    expect(await addressesOf('a.test', route, lookUp({}))).toMatchObject({
      result: { outcome: 'failed', status: '5.4.4' },
    })
  })

  test('where a relay of our own has none are a deferral: the mistake is ours', async () => {
    expect(await addressesOf('relay.test', relay, lookUp({}))).toMatchObject({
      result: { outcome: 'deferred', status: '4.3.5' },
    })
  })

  test('that the DNS does not tell are a deferral', async () => {
    expect(await addressesOf('a.test', route, lookUp({ 'a.test': 'fails' }))).toMatchObject({
      result: { outcome: 'deferred', status: '4.4.3' },
    })
  })

  test.each([
    ['ipv4', ['192.0.2.1']],
    ['ipv6', ['2001:db8::1']],
    ['ipv6-first', ['2001:db8::1', '192.0.2.1']],
  ] as const)('are used as %s says', async (families, found) => {
    const zones = { 'a.test': { addresses: ['192.0.2.1', '2001:db8::1'] } }
    expect(await addressesOf('a.test', route, { ...lookUp(zones), families })).toEqual({ found })
  })

  test('of which none may be used are a failure that says why', async () => {
    const zones = { 'a.test': { addresses: ['2001:db8::1'] } }
    const none = await addressesOf('a.test', route, { ...lookUp(zones), families: 'ipv4' })
    expect(none.result).toMatchObject({ outcome: 'failed', status: '5.4.4' })
    expect(none.result?.text).toContain('by ipv4')
  })
})
