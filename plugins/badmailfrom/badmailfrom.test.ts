import { describe, expect, test } from 'vitest'
import { finding, relayClient } from 'postern/plugin'
import { pluginUnderTest } from 'postern/testkit'
import { badmailfrom } from './badmailfrom.ts'

const files = {
  'control/badmailfrom': 'spam@evil.example\n@worse.example\n',
  'control/badmailfromnorelay': 'shy@evil.example\n',
}

describe('badmailfrom', () => {
  test('refuses a sender who is listed, and names the line', async () => {
    const plugin = pluginUnderTest(badmailfrom, { files })
    expect(await plugin.mail('Spam@evil.example')).toMatchObject({
      verdict: 'reject',
      status: '5.7.1',
      text: 'sorry, your envelope sender has been denied',
      reason: 'BADMAILFROM',
      evidence: { pattern: 'spam@evil.example' },
    })
    expect(await plugin.mail('x@worse.example')).toMatchObject({ verdict: 'reject' })
    expect(await plugin.mail('good@evil.example')).toEqual({ verdict: 'pass' })
  })

  test('has nothing against the empty sender', async () => {
    const all = { 'control/badmailfrom': '.*\n' }
    const plugin = pluginUnderTest(badmailfrom, { files: all, options: { dialect: 'jms' } })
    expect(await plugin.mail('')).toEqual({ verdict: 'pass' })
    expect(await plugin.mail('a@b.test')).toMatchObject({ verdict: 'reject' })
  })

  test('asks the second file about strangers only', async () => {
    const stranger = pluginUnderTest(badmailfrom, { files })
    expect(await stranger.mail('shy@evil.example')).toMatchObject({ verdict: 'reject' })
    expect(await stranger.mail('shy@evil.example', { session: { user: 'bob' } })).toEqual({
      verdict: 'pass',
    })
    const findings = [finding(relayClient, { because: 'test' })]
    const relay = pluginUnderTest(badmailfrom, { files, findings })
    expect(await relay.mail('shy@evil.example')).toEqual({ verdict: 'pass' })
    expect(await relay.mail('spam@evil.example')).toMatchObject({ verdict: 'reject' })
  })

  test('does not get through the check with an expression that is none', () => {
    expect(() =>
      pluginUnderTest(badmailfrom, {
        files: { 'control/badmailfrom': '(\n' },
        options: { dialect: 'jms' },
      }),
    ).toThrow('control/badmailfrom:1')
  })
})
