import { describe, expect, test } from 'vitest'
import { fakeDns, pluginUnderTest, type PluginUnderTest } from 'postern/testkit'
import { fcrdns } from './fcrdns.ts'

const zones = {
  '192.0.2.1': { reverse: ['mx.example'] },
  'mx.example': { addresses: ['192.0.2.1'] },
  '192.0.2.2': { reverse: ['liar.example'] },
  '192.0.2.3': { reverse: 'fails' },
} as const

const ask = (plugin: PluginUnderTest, address: string): ReturnType<PluginUnderTest['connect']> =>
  plugin.connect({ session: { remote: { address, port: 4000 } } })
const under = (options: { refuse?: string; with?: string; score?: number } = {}): PluginUnderTest =>
  pluginUnderTest(fcrdns, { options, doors: { dns: fakeDns(zones) } })

describe('fcrdns', () => {
  test.each([
    ['192.0.2.1', { result: 'confirmed', name: 'mx.example' }],
    ['192.0.2.2', { result: 'unconfirmed', name: 'liar.example' }],
    ['192.0.2.9', { result: 'none' }],
  ])('reports what the DNS calls %s, and refuses nobody unless told to', async (address, value) => {
    expect(await ask(under(), address)).toMatchObject({
      verdict: 'pass',
      findings: [{ name: 'client-name', value }],
    })
  })

  test.each([
    ['nameless', '192.0.2.1', 'pass'],
    ['nameless', '192.0.2.2', 'pass'],
    ['nameless', '192.0.2.9', 'reject'],
    ['unconfirmed', '192.0.2.2', 'reject'],
    ['unconfirmed', '192.0.2.9', 'reject'],
    ['unconfirmed', '192.0.2.1', 'pass'],
  ])('with refuse: %s answers %s with a %s', async (refuse, address, verdict) => {
    expect(await ask(under({ refuse }), address)).toMatchObject({ verdict })
  })

  test('may defer instead', async () => {
    expect(await ask(under({ refuse: 'nameless', with: 'defer' }), '192.0.2.9')).toMatchObject({
      verdict: 'defer',
      status: '4.7.25',
      reason: 'NAME_NONE',
    })
  })

  test('may score', async () => {
    expect(await ask(under({ score: 2 }), '192.0.2.2')).toMatchObject({ verdict: 'pass', score: 2 })
    expect(await ask(under({ score: 2 }), '192.0.2.1')).not.toHaveProperty('score')
  })

  test('has a fault where the DNS fails, which lets the client in by default', async () => {
    await expect(ask(under(), '192.0.2.3')).rejects.toThrow('name server')
    expect(fcrdns.defaults?.onFault).toBe('pass')
  })

  test('does not ask about a client that has no address', async () => {
    const dns = fakeDns(zones)
    const plugin = pluginUnderTest(fcrdns, { doors: { dns } })
    expect(await ask(plugin, 'unix')).toMatchObject({ verdict: 'pass' })
    expect(dns.questions).toEqual([])
  })
})
