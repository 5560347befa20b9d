import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from 'postern/plugin'
import { pluginUnderTest, type About } from 'postern/testkit'
import { headers } from './headers.ts'
import { parseMailDate } from './mail-date.ts'
import { mailboxesOf } from './mailboxes.ts'

const good: Readonly<Record<string, string>> = {
  From: 'Ann <ann@client.test>',
  To: 'bob@postern.test',
  Date: 'Sat, 21 Nov 2026 16:00:00 +0000',
  'Message-ID': '<1@client.test>',
}

async function verdict(
  fields: Readonly<Record<string, string | undefined>>,
  options: JsonObject = {},
  about: About = {},
) {
  const plugin = pluginUnderTest(headers, { options })
  plugin.clock.advance(Date.UTC(2026, 10, 21, 16) - plugin.clock.now())
  const lines = Object.entries({ ...good, ...fields }).flatMap(([name, value]) =>
    value === undefined ? [] : value.split('|').map((each) => `${name}: ${each}\r\n`),
  )
  return plugin.message(`${lines.join('')}\r\nHello\r\n`, about)
}

const faultsIn = async (
  fields: Readonly<Record<string, string | undefined>>,
  about: About = {},
) => {
  const all = Object.fromEntries(
    Object.keys(headers.options ?? {})
      .filter((name) => !/^(?:future|ancient)$/.test(name))
      .map((name) => [name, 'tag']),
  )
  const { findings } = await verdict(fields, all, about)
  return findings?.[0]?.value ?? []
}

describe('a header', () => {
  test('as it should be passes', async () => {
    expect(await verdict({})).toEqual({ verdict: 'pass' })
    expect(await faultsIn({})).toEqual([])
  })

  test.each<[string, Readonly<Record<string, string | undefined>>]>([
    ['from_missing', { From: undefined }],
    ['from_duplicate', { From: 'a@x.test|b@y.test' }],
    ['from_multiple', { From: 'a@x.test, b@y.test' }],
    ['from_malformed', { From: 'nobody' }],
    ['date_missing', { Date: undefined }],
    ['date_malformed', { Date: 'yesterday' }],
    ['date_future', { Date: '1 Jan 2027 00:00 +0000' }],
    ['date_ancient', { Date: '1 Jan 70 00:00:00 GMT' }],
    ['message_id_missing', { 'Message-ID': undefined }],
    ['recipients_missing', { To: undefined }],
    ['duplicate', { Subject: 'one|two' }],
    ['malformed', { 'no field': 'x' }],
  ])('with the fault %s is found out', async (check, fields) => {
    expect(await faultsIn(fields)).toEqual([check])
  })

  test('with several mailboxes in From needs a Sender', async () => {
    expect(await faultsIn({ From: 'a@x.test, b@y.test', Sender: 'a@x.test' })).toEqual([])
  })

  test('of a bounce to several recipients is refused', async () => {
    const about = { reversePath: '', recipients: ['a@postern.test', 'b@postern.test'] }
    expect(await verdict({}, {}, about)).toMatchObject({ verdict: 'reject', status: '5.7.1' })
    expect(await verdict({}, {}, { reversePath: '' })).toEqual({ verdict: 'pass' })
  })

  test('without an author is refused, with a careless one marked', async () => {
    expect(await verdict({ From: undefined })).toMatchObject({
      verdict: 'reject',
      status: '5.6.0',
      reason: 'HEADER_FAULT',
    })
    expect(await verdict({ Date: undefined, Subject: 'a|b' })).toMatchObject({
      verdict: 'pass',
      headerEdits: [{ name: 'X-Header-Fault', value: 'date_missing, duplicate' }],
    })
  })

  test('is judged as the operator says: by score, or not at all', async () => {
    expect(
      await verdict({ Date: undefined, From: undefined }, { date_missing: 1.5, from_missing: 2 }),
    ).toMatchObject({ verdict: 'pass', score: 3.5 })
    expect(await verdict({ From: undefined }, { from_missing: 'none' })).toEqual({
      verdict: 'pass',
    })
    await expect(verdict({}, { from_missing: 'drop' })).rejects.toThrow(
      'from_missing: "drop" is no outcome',
    )
  })
})

describe('a Date', () => {
  test.each([
    ['Sat, 21 Nov 2026 16:00:00 +0100', '2026-11-21T15:00:00.000Z'],
    ['21 Nov 2026 16:00 -0230 (comment)', '2026-11-21T18:30:00.000Z'],
    ['Sat,21 Nov 26 16:00:00 EST', '2026-11-21T21:00:00.000Z'],
    ['1 Jan 99 00:00:00 UT', '1999-01-01T00:00:00.000Z'],
    ['29 Feb 2024 00:00:00 +0000', '2024-02-29T00:00:00.000Z'],
  ])('%s is %s', (text, iso) => {
    expect(new Date(parseMailDate(text) ?? Number.NaN).toISOString()).toBe(iso)
  })

  test.each([
    '',
    'now',
    '30 Feb 2026 00:00:00 +0000',
    '0 Jan 2026 00:00 Z',
    '1 Foo 2026 00:00 Z',
    '1 Jan 2026 25:00 Z',
  ])('%j is none', (text) => {
    expect(parseMailDate(text)).toBeUndefined()
  })

  test('that JavaScript writes is read back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e9 }), (seconds) => {
        expect(parseMailDate(new Date(seconds * 1000).toUTCString())).toBe(seconds * 1000)
      }),
    )
  })
})

describe('an address field', () => {
  test.each<[string, number, number]>([
    ['a@x.test', 1, 0],
    ['"b, c" <a@x.test>, <d@y.test>', 2, 0],
    ['a@x.test (c, d), e@y.test', 2, 0],
    ['Group: a@x.test, b@y.test;', 2, 0],
    ['undisclosed-recipients:;', 0, 0],
    ['"a@x.test" <b@y.test>', 1, 0],
    ['nobody, a@x.test', 1, 1],
    ['', 0, 0],
  ])('%s holds %i mailboxes', (field, mailboxes, unreadable) => {
    const found = mailboxesOf(field)
    expect([found.mailboxes.length, found.unreadable.length]).toEqual([mailboxes, unreadable])
  })

  test('of any text is read to its end', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('"', '<', '>', '(', ')', '\\', ',', ';', ':', '@', 'a', '.', ' ')),
        (all) => {
          expect(mailboxesOf(all.join('')).mailboxes.length).toBeLessThanOrEqual(all.length)
        },
      ),
    )
  })
})
