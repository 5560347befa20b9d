import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { clientNetwork } from './client-network.ts'

describe('the network of a client', () => {
  test.each([
    ['192.0.2.77', '192.0.2.0/24'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80::/64'],
    ['unix', 'unix'],
    ['', ''],
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
})
