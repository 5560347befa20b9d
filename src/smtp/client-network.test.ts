import fc from 'fast-check'
import { expect, test } from 'vitest'
import { clientNetwork } from './client-network.ts'

const usual = { ipv4: 24, ipv6: 64 }

test('addresses of one /24 or one /64 are one network, their neighbours another', () => {
  expect(clientNetwork('192.0.2.1', usual)).toBe(clientNetwork('192.0.2.254', usual))
  expect(clientNetwork('192.0.2.1', usual)).not.toBe(clientNetwork('192.0.3.1', usual))
  expect(clientNetwork('2001:db8::1', usual)).toBe(clientNetwork('2001:db8:0:0:ffff::', usual))
  expect(clientNetwork('2001:db8::1', usual)).not.toBe(clientNetwork('2001:db8:0:1::1', usual))
})

test('a network may end within a byte', () => {
  const bits = { ipv4: 25, ipv6: 49 }
  expect(clientNetwork('192.0.2.1', bits)).not.toBe(clientNetwork('192.0.2.129', bits))
  expect(clientNetwork('192.0.2.130', bits)).toBe(clientNetwork('192.0.2.129', bits))
})

test('a client without an address has no network', () => {
  expect(clientNetwork('unix', usual)).toBeUndefined()
  expect(clientNetwork('', usual)).toBeUndefined()
})

test('two addresses share a network exactly if their first bits are equal', () => {
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
