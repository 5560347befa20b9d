import { describe, expect, test } from 'vitest'
import { pluginUnderTest } from 'postern/testkit'
import { badhelo } from './badhelo.ts'

const files = { 'control/badhelo': '^localhost$\n!\\.\n' }

describe('badhelo', () => {
  test('refuses a name that is listed, and names the line', async () => {
    const plugin = pluginUnderTest(badhelo, { files })
    expect(await plugin.hello('LOCALHOST')).toMatchObject({
      verdict: 'reject',
      status: '5.7.1',
      text: 'sorry, your HELO host name has been denied',
      evidence: { pattern: '^localhost$', hello: 'LOCALHOST' },
    })
    expect(await plugin.hello('nodots')).toMatchObject({ evidence: { pattern: '!\\.' } })
    expect(await plugin.hello('mail.client.test')).toEqual({ verdict: 'pass' })
  })

  test('is not asked where NOBADHELO is set, even to nothing', async () => {
    const plugin = pluginUnderTest(badhelo, { files, environment: { NOBADHELO: '' } })
    expect(await plugin.hello('localhost')).toEqual({ verdict: 'pass' })
  })

  test('knows plain names where it is told to', async () => {
    const plain = { 'control/badhelo': 'mail.evil.example\n' }
    const plugin = pluginUnderTest(badhelo, { files: plain, options: { dialect: 'qmail' } })
    expect(await plugin.hello('Mail.Evil.Example')).toMatchObject({ verdict: 'reject' })
    expect(await plugin.hello('mailxevil.example')).toEqual({ verdict: 'pass' })
  })
})
