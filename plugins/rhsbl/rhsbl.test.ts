import { describe, expect, test } from 'vitest'
import { fakeDns, pluginUnderTest, type FakeZones } from 'postern/testkit'
import type { JsonObject } from 'postern/plugin'
import { rhsbl } from './rhsbl.ts'

function from(zones: FakeZones, options: JsonObject = {}) {
  const dns = fakeDns(zones)
  const plugin = pluginUnderTest(rhsbl, {
    options: { lists: ['dbl.test'], self_test: false, ...options },
    session: { hello: { verb: 'EHLO', name: 'mail.client.example' } },
    doors: { dns },
  })
  return { plugin, dns }
}

const spammer: FakeZones = { 'spammer.example.dbl.test': { addresses: ['127.0.1.2'] } }

describe('rhsbl', () => {
  test('refuses a sender whose domain a list holds', async () => {
    const { plugin } = from(spammer, { lists: ['dbl.test %NAME% is known'] })
    expect(await plugin.mail('x@Spammer.Example')).toMatchObject({
      verdict: 'reject',
      status: '5.7.1',
      text: 'spammer.example is known',
      reason: 'DOMAIN_LISTED',
    })
  })

  test('refuses a client whose HELO name a list holds, unless it is told not to ask', async () => {
    const zones: FakeZones = { 'mail.client.example.dbl.test': { addresses: ['127.0.1.2'] } }
    expect(await from(zones).plugin.mail('x@good.example')).toMatchObject({ verdict: 'reject' })
    const { plugin, dns } = from(zones, { hello: false })
    expect(await plugin.mail('x@good.example')).toEqual({ verdict: 'pass' })
    expect(dns.questions).toEqual(['ipv4 good.example.dbl.test'])
  })

  test('asks about domains only, each once', async () => {
    const { plugin, dns } = from({}, { lists: ['dbl.test'] })
    expect(await plugin.mail('')).toEqual({ verdict: 'pass' })
    expect(await plugin.mail('x@mail.client.example')).toEqual({ verdict: 'pass' })
    expect(await plugin.mail('x@[192.0.2.1]')).toEqual({ verdict: 'pass' })
    expect(new Set(dns.questions)).toEqual(new Set(['ipv4 mail.client.example.dbl.test']))
  })

  test('is a fault where a list fails', async () => {
    const { plugin } = from({ 'good.example.dbl.test': 'fails' })
    await expect(plugin.mail('x@good.example')).rejects.toThrow('no answer from dbl.test')
  })

  test('refuses for one name whatever a list would have said of the other', async () => {
    const { plugin } = from({ ...spammer, 'mail.client.example.dbl.test': 'fails' })
    expect(await plugin.mail('x@spammer.example')).toMatchObject({
      verdict: 'reject',
      evidence: { 'dbl.test': { weight: 1 } },
    })
  })

  test('goes on without a list that cannot tip the scales, and names it', async () => {
    const options = { lists: ['dbl.test', 'ill.test'], threshold: 3 }
    const zones: FakeZones = { ...spammer, 'spammer.example.ill.test': 'fails' }
    expect(await from(zones, options).plugin.mail('x@spammer.example')).toMatchObject({
      verdict: 'pass',
      reason: 'DOMAIN_LISTED',
      evidence: { 'dbl.test': { weight: 1 }, 'ill.test': 'no answer' },
    })
    expect(
      await from(zones, { ...options, lists: ['ill.test'] }).plugin.mail('x@spammer.example'),
    ).toEqual({
      verdict: 'pass',
      reason: 'LISTS_UNHEARD',
      evidence: { 'ill.test': 'no answer' },
    })
  })

  test('below the threshold only scores', async () => {
    const { plugin } = from(spammer, { threshold: 2, score: 2 })
    expect(await plugin.mail('x@spammer.example')).toMatchObject({ verdict: 'pass', score: 2 })
  })
})
