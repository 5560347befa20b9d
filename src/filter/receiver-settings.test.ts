import { describe, expect, test } from 'vitest'
import { emptyEnvironment, type Environment } from '../mail/environment.ts'
import type { JsonObject } from '../mail/json.ts'
import type { ReceiverSettings } from '../smtp/policy.ts'
import { chainUnderTest, entryOf, type ChainTestOptions } from '../testkit/chain-under-test.ts'
import { onePassword } from '../../test/fixtures/plugins/one-password/one-password.ts'

type Listeners = ChainTestOptions['listeners']

function settingsFor(
  receiver: JsonObject,
  {
    listener = 'mx',
    environment = emptyEnvironment,
    listeners,
  }: { listener?: string; environment?: Environment; listeners?: NonNullable<Listeners> } = {},
): ReceiverSettings {
  const chain = chainUnderTest({
    entries: [entryOf(onePassword)],
    receiver,
    ...(listeners === undefined ? {} : { listeners }),
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
      localIpHost: 'mx.postern.test',
      lenientAddresses: false,
      maxMessageBytes: 50 * 1024 * 1024,
      maxRecipients: 1000,
      maxErrors: 20,
      maxFailedLogins: 5,
      maxRefusedRecipients: 100,
      maxIdleCommands: 1_000,
      tarpit: { after: 10, delayMs: 1_000 },
      maxHops: 100,
      maxHeaderBytes: 256 * 1024,
      maxHeaderFields: 1000,
      maxTextLineBytes: 0,
      lineEnds: 'refuse',
      nul: 'refuse',
      extensionsOff: [],
      commandTimeoutMs: 300_000,
      dataTimeoutMs: 600_000,
      dataPace: { minBytesPerSecond: 100, windowMs: 120_000 },
      starttls: 'off',
      mechanisms: ['PLAIN', 'LOGIN'],
      apop: false,
      authWithoutTls: false,
      authRequired: false,
      logsMail: false,
      logsRecipients: false,
      protocol: 'smtp',
      prdr: true,
      binaryMime: false,
      splitsByClass: false,
      qmqpClients: expect.objectContaining({ list: [] }),
      etrnClients: expect.objectContaining({ list: [] }),
      completesHeader: false,
      replyIds: false,
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
      MAXRCPT: '250',
      ALLOW_INSECURE_AUTH: '1',
    })
    expect(settingsFor({ max_message: '25MB' }, { environment: rule })).toMatchObject({
      greeting: 'other.example.org ESMTP',
      maxMessageBytes: 1000,
      maxRecipients: 250,
      authWithoutTls: true,
    })
  })

  test.each([
    ['offered', '1', true],
    ['offered', '0', false],
    ['offered', 'required', true],
  ])('auth: %s and REQUIRE_AUTH=%s ask for a login: %s', (auth, REQUIRE_AUTH, authRequired) => {
    const rule = environment({ REQUIRE_AUTH })
    expect(settingsFor({ auth }, { environment: rule })).toMatchObject({ authRequired })
  })

  test.each([
    ['0', 100_000],
    ['-1', 100_000],
    ['7', 7],
    ['100', 100],
    ['4000', 4000],
  ])('MAXRCPT=%s means %i recipients', (MAXRCPT, maxRecipients) => {
    expect(settingsFor({}, { environment: environment({ MAXRCPT }) })).toMatchObject({
      maxRecipients,
    })
  })

  test.each([
    [{ FORCE_TLS: '1' }, { starttls: 'required' }],
    [{ DENY_TLS: '1' }, { starttls: 'off' }],
    [
      { SSL: '1', FORCE_TLS: '1' },
      { starttls: 'off', authWithoutTls: true },
    ],
    [{ REQUIRE_AUTH: '1' }, { authRequired: true }],
    [{ QMAILSMTPD_HELP_VERSION: '1' }, { helpVersion: '1.2.3' }],
    [
      { QMAILSMTPD_LOG_MAIL: '1', QMAILSMTPD_LOG_RCPT: '2' },
      { logsMail: true, logsRecipients: true },
    ],
    [
      { FORCE_TLS: '0', DENY_TLS: '', SSL: '0' },
      { starttls: 'offered', authWithoutTls: false },
    ],
  ])('the switches %j do what qmail-smtpd does with them', (variables, settings) => {
    const rule = { listener: 'submission', environment: environment(variables) }
    expect(settingsFor({}, rule)).toMatchObject(settings)
  })

  test.each([
    [{ FORCE_TLS: '1', DENY_TLS: '1' }, 'force_tls by tcp.smtp:7 is on together with deny_tls'],
    [{ FORCE_TLS: '1' }, 'force_tls by tcp.smtp:7 is required, but the listener mx has no TLS'],
  ])(
    'the switches %j defer the connection where nobody could ever send',
    async (variables, problem) => {
      const chain = chainUnderTest({
        entries: [],
        environmentOf: () => ({ environment: environment(variables), denied: false }),
      })
      const session = chain.dial({ listener: 'mx' })
      expect(await session.connect()).toMatch(/^421 4\.3\.0 /)
      session.end('refused')
      expect(chain.log.events[0]).toMatchObject({
        event: 'receiver.setting-unusable',
        fields: { problem },
      })
    },
  )

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

  test('extensions are switched off by their keywords, in any case', () => {
    expect(settingsFor({ extensions_off: ['chunking', 'DSN'] }).extensionsOff).toEqual([
      'CHUNKING',
      'DSN',
    ])
  })

  test.each([
    [
      { extensions_off: ['CHUNKS'] },
      'there is no extension "CHUNKS"',
      'write some of PIPELINING, SIZE',
    ],
    [
      { extensions_off: ['8BITMIME'] },
      'without which there is no SMTPUTF8',
      '[8BITMIME, SMTPUTF8]',
    ],
    [{ max_header: 0 }, 'too small for any mail', 'at least 1KB'],
    [{ max_line: 998 }, 'shorter than the lines that everybody may send', '1000 or more'],
    [
      { extensions_off: ['STARTTLS'], starttls: 'required' },
      'starttls says that it is required',
      'starttls: off',
    ],
  ])('%j is a mistake with a remedy', (receiver, problem, remedy) => {
    expect(() => settingsFor(receiver)).toThrow(problem)
    expect(() => settingsFor(receiver)).toThrow(remedy)
  })

  test('line ends may be mended for one client alone', () => {
    const rule = environment({ LINEENDS: 'fix' })
    expect(settingsFor({}, { environment: rule }).lineEnds).toBe('fix')
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

const listenerPlace = (lines: Readonly<Record<string, number>>) => ({
  file: 'postern.yaml',
  path: ['listeners', 1],
  lineOf: (path: readonly (string | number)[]) => lines[path.slice(2).join('.')],
})

describe('a listener', () => {
  test('has settings of its own in place of the section', () => {
    const listeners = [
      { name: 'mx', tls: false },
      { name: 'inside', tls: false, options: { max_message: '1GB', max_recipients: 5 } },
    ]
    const section = { max_message: '25MB', max_errors: 3 }
    expect(settingsFor(section, { listeners })).toMatchObject({ maxMessageBytes: 25 * 1024 ** 2 })
    expect(settingsFor(section, { listeners, listener: 'inside' })).toMatchObject({
      maxMessageBytes: 1024 ** 3,
      maxRecipients: 5,
      maxErrors: 3,
    })
  })

  test('keeps its settings under a tcp.smtp rule that says nothing of them', () => {
    const listeners = [{ name: 'inside', tls: false, options: { max_errors: 7 } }]
    const rule = environment({ MAXRCPT: '900' })
    expect(settingsFor({}, { listeners, listener: 'inside', environment: rule })).toMatchObject({
      maxErrors: 7,
      maxRecipients: 900,
    })
  })

  test.each(['submission', 'smtps'] as const)(
    'with the role %s asks for a login and completes headers, whatever the section says',
    (role) => {
      const listeners = [{ name: 'out', role, tls: true }]
      const section = { auth: 'offered', complete_header: false }
      expect(settingsFor(section, { listeners, listener: 'out' })).toMatchObject({
        protocol: 'smtp',
        authRequired: true,
        completesHeader: true,
      })
    },
  )

  test('with the role qmqp takes long lists, which its clients cannot send in parts, unless it says less', () => {
    const qmqp = { name: 'in', role: 'qmqp' as const, tls: false }
    const less = { ...qmqp, name: 'less', options: { max_recipients: 50 } }
    const listeners = [qmqp, less]
    expect(settingsFor({}, { listeners, listener: 'in' })).toMatchObject({ maxRecipients: 20_000 })
    expect(settingsFor({}, { listeners, listener: 'less' })).toMatchObject({ maxRecipients: 50 })
  })

  test('is not bound to its role: its own settings stand above it', () => {
    const listeners = [
      { name: 'out', role: 'submission' as const, tls: true, options: { complete_header: false } },
    ]
    expect(settingsFor({}, { listeners, listener: 'out' })).toMatchObject({
      authRequired: true,
      completesHeader: false,
    })
  })

  test('that speaks LMTP says so in its greeting', () => {
    const listeners = [{ name: 'in', role: 'lmtp' as const, tls: false }]
    expect(settingsFor({}, { listeners, listener: 'in' })).toMatchObject({
      protocol: 'lmtp',
      greeting: 'mx.postern.test LMTP',
    })
    expect(
      settingsFor({ greeting: 'mail.test ESMTP here' }, { listeners, listener: 'in' }).greeting,
    ).toBe('mail.test here LMTP')
  })

  test('offers no login where auth is off', () => {
    expect(settingsFor({ auth: 'off' }).mechanisms).toEqual([])
  })
})

describe('mistakes in what a listener says', () => {
  const mistakesOf = (
    traits: Omit<NonNullable<Listeners>[number], 'name'>,
    { receiver = {}, entries = [entryOf(onePassword)] }: Partial<ChainTestOptions> = {},
  ): string => {
    try {
      chainUnderTest({ entries, receiver, listeners: [{ name: 'out', ...traits }] })
    } catch (error) {
      return error instanceof Error ? error.message : ''
    }
    return ''
  }

  test('are named where they stand, all at once', () => {
    const options = { max_errors: 0, max_hopps: 3 }
    const place = listenerPlace({ 'receiver.max_errors': 9, 'receiver.max_hopps': 10 })
    const said = mistakesOf({ tls: true, options, place }).split('\n')
    expect(said).toHaveLength(2)
    expect(said[0]).toBe(
      'listeners[1].receiver.max_hopps: is not an option; did you mean max_hops?',
    )
    expect(said[1]).toMatch(/^listeners\[1\]\.receiver\.max_errors: /)
  })

  test('of the section are said once, not for each listener', () => {
    expect(mistakesOf({ tls: true }, { receiver: { max_errors: 0 } }).split('\n')).toHaveLength(1)
  })

  test('a tarpit in which every client would give up is refused', () => {
    expect(mistakesOf({ tls: true }, { receiver: { tarpit_delay: '5m' } })).toMatch(
      /^receiver\.tarpit_delay: is so long that clients would give up; write 60s or less/,
    )
  })

  test('a login that nobody can verify, or that is not offered, is asked for in vain', () => {
    const place = listenerPlace({})
    const role = 'submission' as const
    expect(mistakesOf({ role, tls: true, place }, { entries: [] })).toMatch(
      /^listeners\[1\]\.role: the listener out asks for a login, but no entry verifies logins/,
    )
    expect(mistakesOf({ role, tls: false, place })).toMatch(
      /^listeners\[1\]\.role: the listener out asks for a login, which it does not offer without TLS/,
    )
    expect(mistakesOf({ role, tls: false, options: { auth_without_tls: true } })).toBe('')
  })
})
