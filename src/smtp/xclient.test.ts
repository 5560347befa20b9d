import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseXclient, parseXforward } from './xclient.ts'

describe('XCLIENT attributes', () => {
  test('are read in any order and case, out of xtext', () => {
    expect(
      parseXclient('name=spike.test Addr=IPV6:2001:DB8::1 PORT=4711 PROTO=esmtp HELO=+5Bspike+5D'),
    ).toEqual({
      name: 'spike.test',
      address: '2001:db8::1',
      port: 4711,
      protocol: 'ESMTP',
      hello: '[spike]',
    })
    expect(parseXclient('DESTADDR=192.0.2.1 DESTPORT=25 LOGIN=ann+40postern.test')).toEqual({
      localAddress: '192.0.2.1',
      localPort: 25,
      login: 'ann@postern.test',
    })
    expect(parseXclient('ADDR=IPV6:::ffff:192.0.2.7')).toEqual({ address: '192.0.2.7' })
  })

  test('may be unavailable', () => {
    expect(parseXclient('NAME=[TEMPUNAVAIL] ADDR=[unavailable] HELO=[UNAVAILABLE]')).toEqual({
      name: null,
      address: null,
      hello: null,
    })
  })

  test.each([
    '',
    'NAME',
    'NAME=',
    'COLOUR=red',
    'ADDR=spike.test',
    'ADDR=[192.0.2.1]',
    'ADDR=192.0.2.256',
    'ADDR=IPV6:fe80::1%eth0',
    'PORT=65536',
    'PORT=-1',
    'PROTO=HTTP',
    'NAME=two+20words',
    'NAME=new+0D+0Aline',
    'HELO=+C3+BC',
    'HELO=+zz',
    'HELO=a=b',
    'NAME=a.test  ADDR=192.0.2.1',
    `HELO=${'a'.repeat(256)}`,
  ])('that are not exact are refused: %j', (text) => {
    expect(parseXclient(text)).toBeUndefined()
  })

  test('of any kind never hold what would break a line or a field', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (one, two) => {
        const words = `NAME=${one} HELO=${two}`
        const values = [
          ...Object.values(parseXclient(words) ?? {}),
          ...Object.values(parseXforward(words) ?? {}),
        ]
        expect(values.join('')).not.toMatch(/[\p{Cc}\s()<>,;"\\]/u)
      }),
    )
  })
})

describe('XFORWARD attributes', () => {
  test('are texts of their own kind', () => {
    expect(parseXforward('NAME=spike ADDR=x25:47 PROTO=UUCP IDENT=4711 SOURCE=LOCAL')).toEqual({
      name: 'spike',
      addr: 'x25:47',
      proto: 'UUCP',
      ident: '4711',
      source: 'LOCAL',
    })
    expect(parseXforward('HELO=[UNAVAILABLE]')).toEqual({ helo: '' })
    expect(parseXforward('LOGIN=ann')).toBeUndefined()
  })
})
