import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { option } from 'postern/plugin'
import {
  dnsListsOption,
  parseDnsList,
  readListing,
  reversedAddress,
  type AnswerFilter,
} from './dns-list.ts'

describe('a DNS list as it is written', () => {
  test.each([
    ['zen.example.org', { base: 'zen.example.org', weight: 1 }],
    ['.ZEN.example.org.*3', { base: 'zen.example.org', weight: 3 }],
    ['good.example.org*-5', { base: 'good.example.org', weight: -5 }],
    ['a.test=127.0.0.2', { base: 'a.test', weight: 1, filter: octets(127, 0, 0, 2) }],
    [
      'a.test=127.0.[0..255].[1;3..5]*2 Go away, %IP%',
      {
        base: 'a.test',
        weight: 2,
        text: 'Go away, %IP%',
        filter: [
          [[127, 127]],
          [[0, 0]],
          [[0, 255]],
          [
            [1, 1],
            [3, 5],
          ],
        ],
      },
    ],
  ])('%s', (text, list) => {
    expect(parseDnsList(text)).toEqual(list)
  })

  test.each([
    '',
    'a b.test',
    'a_.test=127',
    'a.test=127.0.0',
    'a.test=127.0.0.256',
    'a.test=127.0.0.[5..2]',
    'a.test=127.0.0.2.3',
    'a.test*x',
    'a..test',
  ])('%s is none', (text) => {
    expect(parseDnsList(text)).toBeUndefined()
  })

  test('that cannot be read is a mistake with an example of what would be right', () => {
    const lists = dnsListsOption(option.strings())
    const resources = { file: never, table: never, cdb: never }
    expect(lists.parse(['good.test', 'bad.test=1.2'], resources)).toEqual({
      ok: false,
      problem: '"bad.test=1.2" is no DNS list',
      remedy: expect.stringContaining('domain=127.0.0.[2..11]'),
    })
  })

  test('whatever is written, reading it answers', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'a.=*[];127 -%'.split('')) }), (text) => {
        expect(parseDnsList(text)?.base ?? '').not.toMatch(/[\s=*]/)
      }),
    )
  })
})

describe('what a list answers', () => {
  const list = { base: 'a.test', weight: 1 }

  test('within 127/8 is a listing, and only for the codes that count', () => {
    expect(readListing(list, ['127.0.0.2', '127.0.0.10'])).toEqual({
      listed: true,
      codes: ['127.0.0.2', '127.0.0.10'],
    })
    const filtered = { ...list, filter: octets(127, 0, 0, 10) }
    expect(readListing(filtered, ['127.0.0.2', '127.0.0.10'])).toMatchObject({
      codes: ['127.0.0.10'],
    })
    expect(readListing(filtered, ['127.0.0.2'])).toEqual({ listed: false })
  })

  test.each(['127.255.255.254', '127.255.255.1', '203.0.113.80', '10.0.0.1'])(
    '%s is an error and never a listing, even beside one',
    (code) => {
      expect(readListing(list, ['127.0.0.2', code])).toEqual({ listed: 'nonsense', code })
    },
  )
})

describe('127.0.0.1, by which lists about links say that they do not answer,', () => {
  test('is an error, and a listing only where a filter asks for it', () => {
    expect(readListing({ base: 'a.test', weight: 1 }, ['127.0.0.1'])).toMatchObject({
      listed: 'nonsense',
    })
    const white = { base: 'a.test', weight: -1, filter: octets(127, 0, 0, 1) }
    expect(readListing(white, ['127.0.0.1'])).toMatchObject({ listed: true })
    const black = { base: 'a.test', weight: 1, filter: octets(127, 0, 0, 2) }
    expect(readListing(black, ['127.0.0.1'])).toEqual({ listed: false })
  })
})

describe('the name by which lists know an address', () => {
  test.each([
    ['192.0.2.99', '99.2.0.192'],
    [
      '2001:db8:1:2:3:4:567:89ab',
      'b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2',
    ],
    ['::ffff:127.0.0.2', '2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0'],
    ['::1', `1.${'0.'.repeat(30)}0`],
  ])('%s (RFC 5782 §2)', (address, name) => {
    expect(reversedAddress(address)).toBe(name)
  })

  test.each(['unix', '', '1:2:3', '1::2::3x'])('%s has none', (address) => {
    expect(reversedAddress(address)).toBeUndefined()
  })

  test('of any address is as long as it should be', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        expect(reversedAddress(address)?.split('.')).toHaveLength(32)
      }),
    )
  })
})

function octets(...numbers: readonly number[]): AnswerFilter {
  return numbers.map((number) => [[number, number] as const])
}

function never(): never {
  throw new Error('no file is needed')
}
