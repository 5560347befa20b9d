import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { finding, relayClient } from 'postern/plugin'
import { buildCdb, pluginUnderTest, type PluginTestOptions } from 'postern/testkit'
import { probesFor } from './probes.ts'
import { validrcptto } from './validrcptto.ts'

/** The example of the patch's own documentation. */
const records: readonly (readonly [string, string])[] = [
  ['joe@t', ''],
  ['sam-default@t', ''],
  ['sam-no-default@t', '-'],
  ['list-a-default@t', ''],
  ['bad@t', '-'],
  ['odd@t', 'xyz'],
  ['@catch.org', ''],
  ['no@catch.org', '-'],
]
const cdb = buildCdb(records.map(([key, value]) => [Buffer.from(key), Buffer.from(value)] as const))
const text = records.map(([key, value]) => `${key} ${value}`).join('\n')

const withCdb = (rest: PluginTestOptions = {}) =>
  pluginUnderTest(validrcptto, { files: { 'control/validrcptto.cdb': cdb }, ...rest })
const withTable = (rest: PluginTestOptions = {}) =>
  pluginUnderTest(validrcptto, { files: { 'tables/valid-recipients': text }, ...rest })

describe.each([
  ['validrcptto.cdb', withCdb],
  ['a table with the same keys', withTable],
])('%s', (_name, made) => {
  test.each([
    ['JOE@T', 'joe@t'],
    ['sam-x-y@t', 'sam-default@t'],
    ['odd@t', 'odd@t'],
    ['any@catch.org', '@catch.org'],
  ])('knows %s by %s', async (recipient, key) => {
    expect(await made().rcpt(recipient)).toEqual({
      verdict: 'pass',
      reason: 'VALID',
      evidence: { key },
    })
  })

  test.each([
    ['sam-no-z@t', 'sam-no-default@t'],
    ['bad@t', 'bad@t'],
    ['no@catch.org', 'no@catch.org'],
    ['list-a@t', ''],
    ['sam@t', ''],
    ['postmaster', ''],
  ])('refuses %s', async (recipient, key) => {
    expect(await made().rcpt(recipient)).toMatchObject({
      verdict: 'reject',
      status: '5.1.1',
      reason: 'NOT_VALID',
      evidence: { key },
    })
  })
})

describe('validrcptto', () => {
  test('tries the keys in the order of the patch', () => {
    expect(probesFor({ localPart: 'Sam-X-y', domain: 'T' })).toEqual([
      'sam-x-y@t',
      'sam-x-default@t',
      'sam-default@t',
      '@t',
    ])
    expect(probesFor({ localPart: '-a', domain: 't' })).toEqual(['-a@t', '-default@t', '@t'])
    expect(probesFor({ localPart: 'a-b', domain: '' })).toEqual(['a-b'])
  })

  test('tries a bounded number of keys, whatever the address', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', '-'), maxLength: 300 }), (localPart) => {
        const probes = probesFor({ localPart, domain: 't' })
        expect(probes.length).toBeLessThan(35)
        expect(probes.at(-1)).toBe('@t')
      }),
    )
  })

  test('ends the session of a client that guesses, whatever transactions it makes of it', async () => {
    const plugin = withCdb({ environment: { VALIDRCPTTO_LIMIT: '3' } })
    const verdicts = []
    for (const guess of ['a@t', 'b@t', 'joe@t', 'c@t']) {
      verdicts.push(await plugin.rcpt(guess))
    }
    expect(verdicts.map(({ verdict }) => verdict)).toEqual(['reject', 'reject', 'pass', 'defer'])
    expect(verdicts[3]).toMatchObject({
      text: 'too many invalid addresses, goodbye',
      close: true,
      at: 'now',
    })
  })

  test('is not asked about logins and clients that may relay', async () => {
    expect(await withCdb({ session: { user: 'bob' } }).rcpt('nobody@t')).toEqual({
      verdict: 'pass',
    })
    const findings = [finding(relayClient, { because: 'test' })]
    expect(await withCdb({ findings }).rcpt('nobody@t')).toEqual({ verdict: 'pass' })
  })

  test('has a fault where there is nothing to look into, instead of refusing everybody', async () => {
    await expect(pluginUnderTest(validrcptto).rcpt('joe@t')).rejects.toThrow('neither the cdb')
    const off = pluginUnderTest(validrcptto, { environment: { VALIDRCPTTO_CDB: '' } })
    expect(await off.rcpt('joe@t')).toEqual({ verdict: 'pass' })
  })

  test('takes another database for clients whose rule names one', async () => {
    const other = buildCdb([[Buffer.from('eve@t'), Buffer.alloc(0)]])
    const plugin = pluginUnderTest(validrcptto, {
      files: { 'control/validrcptto.cdb': cdb, 'control/other.cdb': other },
      environment: { VALIDRCPTTO_CDB: 'control/other.cdb' },
    })
    expect(await plugin.rcpt('eve@t')).toMatchObject({ verdict: 'pass' })
    expect(await plugin.rcpt('joe@t')).toMatchObject({ verdict: 'reject' })
  })

  test('sees a database that is replaced at once', async () => {
    const plugin = withCdb()
    expect(await plugin.rcpt('joe@t')).toMatchObject({ verdict: 'pass' })
    plugin.files.set('control/validrcptto.cdb', buildCdb([]))
    expect(await plugin.rcpt('joe@t')).toMatchObject({ verdict: 'reject' })
  })

  test('has a fault where the database is gone that was there, whatever else there is', async () => {
    const plugin = withCdb()
    plugin.files.set('tables/valid-recipients', 'bob@t')
    expect(await plugin.rcpt('joe@t')).toMatchObject({ verdict: 'pass' })
    plugin.files.set('control/validrcptto.cdb', undefined)
    await expect(plugin.rcpt('joe@t')).rejects.toThrow('validrcptto.cdb is not there')
    plugin.files.set('control/validrcptto.cdb', cdb)
    expect(await plugin.rcpt('joe@t')).toMatchObject({ verdict: 'pass' })
  })

  test('has a fault where the database is missing that a rule names', async () => {
    const environment = { VALIDRCPTTO_CDB: 'control/gone.cdb' }
    const plugin = withTable({ environment })
    await expect(plugin.rcpt('joe@t')).rejects.toThrow('gone.cdb is not there')
    expect(await withTable().rcpt('joe@t')).toMatchObject({ verdict: 'pass' })
  })

  test('logs what it tried where it is told to', async () => {
    const plugin = withCdb({ options: { log: 2 } })
    await plugin.rcpt('sam-no-z@t')
    expect(plugin.log.events[0]).toMatchObject({
      event: 'validrcptto.asked',
      fields: { tried: ['sam-no-z@t', 'sam-no-default@t'], rejected: 'sam-no-default@t' },
    })
  })

  describe('users/assign', () => {
    const assign = '=bob:bob:1001:1001:/home/bob:::\n+list-:l:1:1:/l:-::\n+shop-:s:1:1:/s:-::\n'
    const files = {
      'users/assign': `${assign}+:alias:7:7:/a:-::\n.\n`,
      'control/locals': 'here.test\n',
      'control/virtualdomains': 'shop.test:shop\n',
    }
    const rcpt = async (recipient: string, more: Readonly<Record<string, string>> = {}) =>
      (await pluginUnderTest(validrcptto, { files: { ...files, ...more } }).rcpt(recipient)).verdict

    test.each([
      ['bob@here.test', 'pass'],
      ['BOB@Here.test', 'pass'],
      ['list-owner@here.test', 'pass'],
      ['eve@here.test', 'reject'],
      ['anybody@shop.test', 'pass'],
      ['bob@elsewhere.test', 'reject'],
    ])('%s: %s', async (recipient, verdict) => {
      expect(await rcpt(recipient)).toBe(verdict)
    })

    test('is asked after the others, whose no is a no', async () => {
      expect(await rcpt('bob@here.test', { 'tables/valid-recipients': 'bob@here.test -' })).toBe(
        'reject',
      )
      expect(await rcpt('eve@here.test', { 'tables/valid-recipients': 'eve@here.test' })).toBe(
        'pass',
      )
    })

    test('is a mistake of the configuration where it is cut short', () => {
      expect(() =>
        pluginUnderTest(validrcptto, { files: { ...files, 'users/assign': assign } }),
      ).toThrow('users/assign:4: end the file with a line that is a dot')
    })
  })
})
