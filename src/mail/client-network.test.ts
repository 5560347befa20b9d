import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { clientNetwork } from './client-network.ts'

describe('the network of a client', () => {
  test.each([
    ['192.0.2.77', '192.0.2.0/24'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80::/64'],
    ['unix', undefined],
    ['', undefined],
  ])('of %s is %s', (address, network) => {
    expect(clientNetwork(address)).toBe(network)
  })

  test('is as wide as is asked for', () => {
    expect(clientNetwork('192.0.2.77', { ipv4: 32, ipv6: 128 })).toBe('192.0.2.77/32')
    expect(clientNetwork('2001:db8:1:2::9', { ipv4: 16, ipv6: 48 })).toBe('2001:db8:1::/48')
  })

  test('is the same however the address is written', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        expect(clientNetwork(address.toUpperCase())).toBe(clientNetwork(address))
      }),
    )
  })

  test('is shared by two addresses exactly if their first bits are equal', () => {
    const octets = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255))
    const number = (ip: readonly number[]): bigint =>
      ip.reduce((sum, octet) => sum * 256n + BigInt(octet), 0n)
    fc.assert(
      fc.property(octets, octets, fc.nat(32), (one, other, ipv4) => {
        const rest = BigInt(32 - ipv4)
        const bits = { ipv4, ipv6: 64 }
        const same = clientNetwork(one.join('.'), bits) === clientNetwork(other.join('.'), bits)
        expect(same).toBe(number(one) >> rest === number(other) >> rest)
      }),
    )
  })
})
