import { describe, expect, test } from 'vitest'
import { fakeDns } from 'postern/testkit'
import { dnsResolver } from './dns-resolver.ts'

const dns = fakeDns({
  'a.test': {
    addresses: ['192.0.2.1', '2001:db8::1'],
    txt: ['v=spf1 -all'],
    mx: [{ exchange: 'mx.a.test', preference: 5 }],
  },
  'four.test': { addresses: ['192.0.2.1'] },
  'ill.test': 'fails',
  '192.0.2.9': { reverse: ['nine.test'] },
})
const { signal } = new AbortController()
const resolve = dnsResolver({ dns, signal, address: '192.0.2.9' })

describe('the DNS as mailauth asks it', () => {
  test('answers each type in the form that node:dns gives', async () => {
    expect(await resolve('a.test', 'TXT')).toEqual([['v=spf1 -all']])
    expect(await resolve('a.test', 'A')).toEqual(['192.0.2.1'])
    expect(await resolve('a.test', 'AAAA')).toEqual(['2001:db8::1'])
    expect(await resolve('a.test', 'MX')).toEqual([{ exchange: 'mx.a.test', priority: 5 }])
  })

  test('tells the names of the client, whoever is asked about', async () => {
    expect(await resolve('9.2.0.192.in-addr.arpa', 'PTR')).toEqual(['nine.test'])
  })

  test('tells no name, no record and no answer apart', async () => {
    await expect(resolve('none.test', 'A')).rejects.toMatchObject({ code: 'ENOTFOUND' })
    await expect(resolve('four.test', 'AAAA')).rejects.toMatchObject({ code: 'ENODATA' })
    await expect(resolve('four.test', 'CAA')).rejects.toMatchObject({ code: 'ENODATA' })
    await expect(resolve('ill.test', 'A')).rejects.toMatchObject({ code: 'DNS_FAILED' })
  })

  test('stops asking when there are too many questions', async () => {
    const greedy = dnsResolver({ dns, signal, address: '192.0.2.9' })
    for (let count = 0; count < 200; count++) await greedy('a.test', 'A')
    await expect(greedy('a.test', 'A')).rejects.toMatchObject({ code: 'DNS_FAILED' })
  })
})
