import { describe, expect, test } from 'vitest'
import { finding, relayClient } from 'postern/plugin'
import { pluginUnderTest, type PluginTestOptions } from 'postern/testkit'
import { percenthack } from './percenthack.ts'

const files = {
  'control/percenthack': 'gate.test\nInner.test\n',
  'control/rcpthosts': 'gate.test\ninner.test\npostern.test\n.sub.test\n',
}
const under = (rest: PluginTestOptions = {}) => pluginUnderTest(percenthack, { files, ...rest })

describe('percenthack', () => {
  test.each([
    ['bob%postern.test@gate.test', 'bob', 'postern.test'],
    ['bob%postern.test@GATE.test', 'bob', 'postern.test'],
    ['bob%postern.test%inner.test@gate.test', 'bob', 'postern.test'],
    ['bob%x%a.sub.test@gate.test', 'bob%x', 'a.sub.test'],
  ])('takes %s for %s@%s', async (recipient, localPart, domain) => {
    expect(await under().rcpt(recipient)).toMatchObject({
      verdict: 'pass',
      envelopeEdits: [{ edit: 'replaceRecipient', by: { mailbox: { localPart, domain } } }],
    })
  })

  test.each(['bob@gate.test', 'bob%other.test@postern.test'])(
    'leaves %s alone',
    async (recipient) => {
      expect(await under().rcpt(recipient)).toEqual({ verdict: 'pass' })
    },
  )

  test('does not let strangers relay', async () => {
    const recipient = 'bob%elsewhere.test@gate.test'
    expect(await under().rcpt(recipient)).toMatchObject({ verdict: 'reject', status: '5.7.1' })
    const findings = [finding(relayClient, { because: 'test' })]
    expect(await under({ findings }).rcpt(recipient)).toMatchObject({ reason: 'PERCENTHACK' })
    const session = { user: 'bob' }
    expect(await under().rcpt(recipient, { session })).toMatchObject({ reason: 'PERCENTHACK' })
  })

  test.each(['%postern.test@gate.test', 'bob%@gate.test', 'bob%-a.test@gate.test'])(
    'refuses %s, which comes to no address',
    async (recipient) => {
      expect(await under().rcpt(recipient)).toMatchObject({ verdict: 'reject', status: '5.1.3' })
    },
  )

  test('does nothing without its file', async () => {
    expect(await under({ files: {} }).rcpt('bob%postern.test@gate.test')).toEqual({
      verdict: 'pass',
    })
  })
})
