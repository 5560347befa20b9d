import { describe, expect, test } from 'vitest'
import { pluginUnderTest } from 'postern/testkit'
import { earlyTalker } from './early-talker.ts'

const violation = {
  verdict: 'reject',
  status: '5.5.1',
  text: 'SMTP protocol violation',
  close: true,
}

describe('early-talker', () => {
  test('lets a client in that waits for its greeting', async () => {
    expect(await pluginUnderTest(earlyTalker).connect()).toMatchObject({ verdict: 'pass' })
  })

  test('refuses one that speaks first, and says so in the log', async () => {
    const plugin = pluginUnderTest(earlyTalker)
    expect(await plugin.connect({ speaksAfterMs: 0 })).toMatchObject(violation)
    expect(await plugin.connect({ speaksAfterMs: 900 })).toMatchObject(violation)
    expect(plugin.log.events).toMatchObject([
      { event: 'early-talker.spoke', fields: { address: '192.0.2.1', refused: true } },
      { event: 'early-talker.spoke' },
    ])
  })

  test.each([
    [{ GREETDELAY: '5' }, 4_000, 'reject'],
    [{ GREETDELAY: '5' }, 6_000, 'pass'],
    [{ GREETDELAY: '0', DROP_PRE_GREET: '1' }, 900, 'reject'],
    [{ GREETDELAY: '0', DROP_PRE_GREET: '1' }, 1_100, 'pass'],
    [{ GREETDELAY: '0', DROP_PRE_GREET: '0' }, 0, 'pass'],
    [{ GREETDELAY: '600' }, 59_000, 'reject'],
    [{ GREETDELAY: '600' }, 61_000, 'pass'],
  ])(
    'under %j a client that speaks after %i ms is a %s',
    async (environment, speaksAfterMs, verdict) => {
      const plugin = pluginUnderTest(earlyTalker, { environment })
      expect(await plugin.connect({ speaksAfterMs })).toMatchObject({ verdict })
    },
  )

  test('where it does not refuse, the client waits all the same, and later entries know of it', async () => {
    const plugin = pluginUnderTest(earlyTalker, { options: { delay: '2s', refuse: false } })
    let isGreeted = false
    const asked = plugin.connect({ speaksAfterMs: 100 }).finally(() => {
      isGreeted = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    plugin.clock.advance(1_999)
    await new Promise((resolve) => setImmediate(resolve))
    expect(isGreeted).toBe(false)
    plugin.clock.advance(1)
    expect(await asked).toMatchObject({
      verdict: 'pass',
      reason: 'EARLY_TALKER',
      findings: [{ name: 'early-talker', value: true }],
    })
  })

  test('without delay and refusal nobody waits', async () => {
    const plugin = pluginUnderTest(earlyTalker, { options: { refuse: false } })
    expect(await plugin.connect()).toEqual(await plugin.connect({ speaksAfterMs: 10 }))
  })
})
