import { describe, expect, test } from 'vitest'
import { pluginUnderTest } from 'postern/testkit'
import { relayrej } from './relayrej.ts'

describe('relayrej', () => {
  test.each(['bob%other.example@postern.test', 'other.example!bob@postern.test'])(
    'refuses %s',
    async (recipient) => {
      expect(await pluginUnderTest(relayrej).rcpt(recipient)).toMatchObject({
        verdict: 'reject',
        status: '5.7.1',
        text: "we don't relay",
        reason: 'RELAYREJ',
      })
    },
  )

  test('refuses a quoted local-part that holds an address', async () => {
    expect(await pluginUnderTest(relayrej).rcpt('"bob@other.example"@postern.test')).toMatchObject({
      evidence: { character: '@' },
    })
  })

  test('lets ordinary recipients pass', async () => {
    expect(await pluginUnderTest(relayrej).rcpt('bob+tag@postern.test')).toEqual({
      verdict: 'pass',
    })
  })

  test('is driven by RELAYREJ', async () => {
    const off = pluginUnderTest(relayrej, { environment: { RELAYREJ: '0' } })
    expect(await off.rcpt('a%b@postern.test')).toEqual({ verdict: 'pass' })
    const on = pluginUnderTest(relayrej, {
      options: { on: false },
      environment: { RELAYREJ: '1' },
    })
    expect(await on.rcpt('a%b@postern.test')).toMatchObject({ verdict: 'reject' })
  })
})
