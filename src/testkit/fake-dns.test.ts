import { describe, expect, test } from 'vitest'
import { fakeDns } from './fake-dns.ts'

describe('the fake DNS', () => {
  test('answers what its zones say, without regard to case', async () => {
    const dns = fakeDns({ 'Some.test': { mx: [{ exchange: 'mx.some.test', preference: 5 }] } })
    expect(await dns.mx('SOME.test.')).toEqual({
      answer: 'found',
      records: [{ exchange: 'mx.some.test', preference: 5 }],
    })
    expect(await dns.txt('some.test')).toEqual({ answer: 'no-data' })
    expect(dns.questions).toEqual(['mx some.test', 'txt some.test'])
  })

  test('a name that only has names below it exists without data', async () => {
    const dns = fakeDns({ 'mx.some.test': { addresses: ['192.0.2.1'] } })
    expect(await dns.addresses('some.test')).toEqual({ answer: 'no-data' })
    expect(await dns.addresses('none.test')).toEqual({ answer: 'no-name' })
  })

  test('fails where it is told to, for a name or for one type', async () => {
    const dns = fakeDns({ 'dead.test': 'fails', 'half.test': { mx: 'fails', txt: ['alive'] } })
    await expect(dns.mx('dead.test')).rejects.toMatchObject({ code: 'DNS_FAILED' })
    await expect(dns.mx('half.test')).rejects.toMatchObject({ code: 'DNS_FAILED' })
    expect(await dns.txt('half.test')).toMatchObject({ records: ['alive'] })
  })

  test('hangs until the asker gives up', async () => {
    const gone = new AbortController()
    const asked = fakeDns({ 'slow.test': 'hangs' }).addresses('slow.test', gone.signal)
    gone.abort()
    await expect(asked).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test('can change its mind', async () => {
    const dns = fakeDns({ 'some.test': 'fails' })
    dns.change({ 'some.test': { addresses: ['192.0.2.1'] } })
    expect(await dns.addresses('some.test')).toMatchObject({ answer: 'found' })
    dns.change({ 'some.test': undefined })
    expect(await dns.addresses('some.test')).toEqual({ answer: 'no-name' })
  })
})
