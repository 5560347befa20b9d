import { describe, expect, test } from 'vitest'
import { emptyEnvironment, type Environment } from '../mail/environment.ts'
import type { JsonObject } from '../mail/json.ts'
import type { ReceiverSettings } from '../smtp/policy.ts'
import { chainUnderTest } from '../testkit/chain-under-test.ts'

function settingsFor(
  receiver: JsonObject,
  {
    listener = 'mx',
    environment = emptyEnvironment,
  }: { listener?: string; environment?: Environment } = {},
): ReceiverSettings {
  const chain = chainUnderTest({
    entries: [],
    receiver,
    environmentOf: () => ({ environment, denied: false }),
  })
  return chain.dial({ listener }).policy.settings
}

const environment = (variables: Record<string, string>): Environment => ({
  variables: new Map(Object.entries(variables)),
  source: 'tcp.smtp:7',
})

describe('settings of the receiver', () => {
  test('what is not said is sensible', () => {
    expect(settingsFor({})).toEqual({
      hostname: 'mx.postern.test',
      greeting: 'mx.postern.test ESMTP',
      maxMessageBytes: 50 * 1024 * 1024,
      maxRecipients: 1000,
      maxErrors: 20,
      maxFailedLogins: 5,
      maxHops: 100,
      commandTimeoutMs: 300_000,
      dataTimeoutMs: 600_000,
      starttls: 'off',
      mechanisms: [],
      authWithoutTls: false,
    })
  })

  test('STARTTLS is offered where the listener has a certificate, and only there', () => {
    expect(settingsFor({ starttls: 'offered' }, { listener: 'mx' }).starttls).toBe('off')
    expect(settingsFor({ starttls: 'offered' }, { listener: 'submission' }).starttls).toBe(
      'offered',
    )
  })

  test.each([
    ['', 'mx.postern.test ESMTP'],
    ['mail.example.org', 'mail.example.org ESMTP'],
    ['mail.example.org ESMTP at your service', 'mail.example.org ESMTP at your service'],
    ['Welcome', 'mx.postern.test Welcome ESMTP'],
  ])('the greeting %j', (greeting, spoken) => {
    expect(settingsFor({ greeting }).greeting).toBe(spoken)
  })

  test('a tcp.smtp rule overrides what has a variable', () => {
    const rule = environment({
      SMTPGREETING: 'other.example.org',
      DATABYTES: '1000',
      MAXRCPT: '5',
      ALLOW_INSECURE_AUTH: '1',
    })
    expect(settingsFor({ max_message: '25MB' }, { environment: rule })).toMatchObject({
      greeting: 'other.example.org ESMTP',
      maxMessageBytes: 1000,
      maxRecipients: 5,
      authWithoutTls: true,
    })
  })

  test('a variable that does not parse defers the connection: it opens nothing that it was to close', async () => {
    const chain = chainUnderTest({
      entries: [],
      environmentOf: () => ({ environment: environment({ DATABYTES: 'lots' }), denied: false }),
    })
    const session = chain.dial()
    expect(await session.connect()).toMatch(/^421 4\.3\.0 /)
    session.end('refused')
    expect(chain.log.events[0]).toMatchObject({
      event: 'receiver.setting-unusable',
      fields: { problem: expect.stringContaining('DATABYTES of tcp.smtp:7') },
    })
    expect(await chain.trace()).toMatchObject({ ruled: 'SETTINGS', end: 'refused' })
  })

  test('clients under one rule share one object of settings', () => {
    const rule = environment({ DATABYTES: '1000' })
    const chain = chainUnderTest({
      entries: [],
      environmentOf: () => ({ environment: rule, denied: false }),
    })
    expect(chain.dial().policy.settings).toBe(chain.dial().policy.settings)
  })
})
