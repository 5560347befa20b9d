import { describe, expect, test } from 'vitest'
import { fakeDns } from '../testkit/fake-dns.ts'
import { addressNames } from './address-names.ts'

const never = new AbortController().signal

describe('the names of an address', () => {
  test('are confirmed where one of them leads back', async () => {
    const dns = fakeDns({
      '192.0.2.1': { reverse: ['Liar.example.', 'mx.example'] },
      'liar.example': { addresses: ['198.51.100.1'] },
      'mx.example': { addresses: ['198.51.100.2', '192.0.2.1'] },
    })
    expect(await addressNames(dns, '192.0.2.1', never)).toEqual({
      names: ['liar.example', 'mx.example'],
      confirmed: 'mx.example',
    })
  })

  test('are compared as addresses, however they are written', async () => {
    const dns = fakeDns({
      '2001:db8::1': { reverse: ['mx.example'] },
      'mx.example': { addresses: ['2001:0DB8:0:0::1'] },
    })
    expect(await addressNames(dns, '2001:db8::1', never)).toMatchObject({ confirmed: 'mx.example' })
  })

  test('are none where the DNS knows none, and unconfirmed where none leads back', async () => {
    const dns = fakeDns({ '192.0.2.2': { reverse: ['liar.example'] } })
    expect(await addressNames(dns, '192.0.2.1', never)).toEqual({ names: [] })
    expect(await addressNames(dns, '192.0.2.2', never)).toEqual({ names: ['liar.example'] })
  })

  test('are unknown where a name that might lead back cannot be looked up', async () => {
    const dns = fakeDns({
      '192.0.2.1': { reverse: ['lame.example', 'other.example'] },
      'lame.example': 'fails',
    })
    await expect(addressNames(dns, '192.0.2.1', never)).rejects.toMatchObject({
      code: 'DNS_FAILED',
    })
  })

  test('are looked up five at most, and what is no name is left out', async () => {
    const reverse = ['a b.example', ...Array.from({ length: 50 }, (_, i) => `n${i}.example`)]
    const dns = fakeDns({ '192.0.2.1': { reverse } })
    const { names } = await addressNames(dns, '192.0.2.1', never)
    expect(names).toEqual(['n0.example', 'n1.example', 'n2.example', 'n3.example', 'n4.example'])
    expect(dns.questions).toHaveLength(6)
  })
})
