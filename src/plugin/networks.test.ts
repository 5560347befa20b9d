import { BlockList } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseNetworks } from './networks.ts'

function has(list: readonly string[], address: string): boolean {
  const parsed = parseNetworks(list)
  if (!parsed.ok) throw new Error(`${parsed.item} is none`)
  return parsed.networks.has(address)
}

describe('networks', () => {
  test.each([
    [['192.0.2.1'], '192.0.2.1', true],
    [['192.0.2.1'], '192.0.2.2', false],
    [['192.0.2.0/24'], '192.0.2.255', true],
    [['192.0.2.0/24'], '192.0.3.0', false],
    [['192.0.2.77/24'], '192.0.2.1', true],
    [['0.0.0.0/0'], '203.0.113.9', true],
    [['0.0.0.0/0'], '::1', false],
    [['::/0'], '203.0.113.9', false],
    [['2001:db8::/32'], '2001:DB8:1::1', true],
    [['2001:db8::/32'], '2001:db9::1', false],
    [['192.0.2.0/24'], '::ffff:192.0.2.7', true],
    [['::ffff:192.0.2.7'], '192.0.2.7', true],
    [['10.0.0.0/8', '10.1.0.0/16', '10.2.3.4'], '10.200.0.1', true],
    [[], '192.0.2.1', false],
    [['0.0.0.0/0', '::/0'], 'not an address', false],
    [['0.0.0.0/0'], '010.1.2.3', false],
    [['fe80::/10'], 'fe80::1%eth0', false],
  ])('%j has %s: %s', (list, address, expected) => {
    expect(has(list, address)).toBe(expected)
  })

  test.each([
    '192.0.2.0/33',
    '2001:db8::/129',
    '192.0.2',
    '010.0.0.1',
    'host.test',
    '',
    '1.2.3.4/',
    '1.2.3.4/08',
  ])('%j is neither an address nor a network, and is named', (item) => {
    expect(parseNetworks(['192.0.2.1', item])).toEqual({ ok: false, item })
  })

  test('says the same as the system does, for any networks and any address', () => {
    const network = fc.oneof(
      fc.tuple(fc.ipV4(), fc.integer({ min: 1, max: 32 })),
      fc.tuple(
        fc.constantFrom('10.0.0.0', '10.0.0.128', '10.0.1.0'),
        fc.integer({ min: 8, max: 32 }),
      ),
      fc.tuple(
        fc.constantFrom('2001:db8::', '2001:db8::8000:0:0'),
        fc.integer({ min: 16, max: 128 }),
      ),
    )
    const address = fc.oneof(
      fc.ipV4(),
      fc.ipV6().filter((text) => !text.includes('.')),
      fc.constantFrom('10.0.0.0', '10.0.0.127', '10.0.1.255', '2001:db8::1', '2001:db8:0:1::'),
    )
    fc.assert(
      fc.property(fc.array(network, { maxLength: 8 }), address, (networks, asked) => {
        const list = new BlockList()
        for (const [base, prefix] of networks) {
          list.addSubnet(base, prefix, base.includes(':') ? 'ipv6' : 'ipv4')
        }
        const expected = list.check(asked, asked.includes(':') ? 'ipv6' : 'ipv4')
        expect(
          has(
            networks.map(([base, prefix]) => `${base}/${prefix}`),
            asked,
          ),
        ).toBe(expected)
      }),
      { numRuns: 500 },
    )
  })
})
