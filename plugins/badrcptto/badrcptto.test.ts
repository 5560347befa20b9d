import { describe, expect, test } from 'vitest'
import { pluginUnderTest } from 'postern/testkit'
import { badrcptto } from './badrcptto.ts'

const files = {
  'control/badrcptto': 'old@postern.test\n@closed.test\n',
  'control/badrcpttonorelay': 'internal@postern.test\n',
}

describe('badrcptto', () => {
  test('refuses a recipient who is listed, and no other one of the session', async () => {
    const plugin = pluginUnderTest(badrcptto, { files })
    expect(await plugin.rcpt('OLD@postern.test')).toMatchObject({
      verdict: 'reject',
      status: '5.7.1',
      text: 'sorry, your envelope recipient has been denied',
      reason: 'BADRCPTTO',
      evidence: { pattern: 'old@postern.test' },
    })
    expect(await plugin.rcpt('bob@closed.test')).toMatchObject({ verdict: 'reject' })
    expect(await plugin.rcpt('internal@postern.test')).toMatchObject({ verdict: 'reject' })
    expect(await plugin.rcpt('bob@postern.test')).toEqual({ verdict: 'pass' })
  })

  test('asks the second file about strangers only', async () => {
    const plugin = pluginUnderTest(badrcptto, { files, session: { user: 'bob' } })
    expect(await plugin.rcpt('internal@postern.test')).toEqual({ verdict: 'pass' })
    expect(await plugin.rcpt('old@postern.test')).toMatchObject({ verdict: 'reject' })
  })
})
