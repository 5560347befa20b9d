import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { finding } from 'postern/plugin'
import {
  fakeContinuations,
  fakePrograms,
  pluginUnderTest,
  type FakeOffer,
  type FakeProgram,
  type PluginTestOptions,
} from 'postern/testkit'
import { spfResult } from '../spf/findings.ts'
import { qmailQueue } from './qmail-queue.ts'

const path = '/opt/filter/bin/filter'
const received = 'Subject: test\r\n\r\nhello\r\n'
const recipients = ['bob@postern.test', 'carol@postern.test', 'postmaster']

/** @param comesBack what the program's own qmail-queue does, once it was given the message */
function filteredBy(
  program: FakeProgram,
  comesBack: (offer: FakeOffer) => void = () => undefined,
  rest: PluginTestOptions = {},
) {
  const continuations = fakeContinuations()
  const programs = fakePrograms({
    [path]: (call) => {
      const [offer] = continuations.offers.slice(-1)
      if (offer !== undefined) comesBack(offer)
      return program(call)
    },
  })
  const plugin = pluginUnderTest(qmailQueue, {
    options: { program: path },
    ...rest,
    doors: { programs, continuations, ...rest.doors },
  })
  return { plugin, programs, continuations }
}

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString()
const digest = (of: string): string => createHash('sha256').update(of).digest('hex')

describe('a program in place of qmail-queue', () => {
  test('gets the message with LF, the envelope in qmail’s form, and the environment of qmail-smtpd', async () => {
    const { plugin, programs } = filteredBy(() => ({ exit: 31 }), undefined, {
      environment: { RELAYCLIENT: '', QMAILQUEUE: path },
      session: {
        remote: { address: '192.0.2.7', port: 4711 },
        user: 'alice',
        hello: { verb: 'EHLO', name: 'client.test' },
      },
      findings: [
        finding(spfResult, { result: 'temperror', domain: 'client.test', identity: 'mailfrom' }),
      ],
    })
    await plugin.message(received, { reversePath: 'alice@client.test', recipients })
    const [call] = programs.calls
    expect(text(call?.read.get(0))).toBe('Subject: test\n\nhello\n')
    expect(text(call?.read.get(1))).toBe(
      'Falice@client.test\0Tbob@postern.test\0Tcarol@postern.test\0Tpostmaster@mx.postern.test\0\0',
    )
    expect(Object.fromEntries(call?.environment ?? [])).toMatchObject({
      TCPREMOTEIP: '192.0.2.7',
      RELAYCLIENT: '',
      SMTP_AUTH_USER: 'alice',
      TCPREMOTEINFO: 'alice',
      SPFRESULT: 'error',
      HELO: 'client.test',
      QMAILQUEUE: '/opt/postern/bin/qmail-queue',
    })
  })

  test('that hands back the same bytes changes nothing', async () => {
    const { plugin, continuations } = filteredBy(
      () => ({ exit: 0 }),
      (offer) => offer.handBack(received),
    )
    const verdict = await plugin.message(received, { recipients })
    expect(verdict).toMatchObject({ verdict: 'pass', reason: 'QMAILQUEUE_QUEUED' })
    expect(verdict.replacement).toBeUndefined()
    expect(continuations.offers[0]?.dropped).toBe(true)
  })

  test('that hands back other bytes replaces the message, which stays readable until it is released', async () => {
    const other = `X-Scanned: yes\r\n${received}`
    const { plugin, continuations } = filteredBy(
      () => ({ exit: 0 }),
      (offer) => offer.handBack(other),
    )
    const { verdict, replacement } = await plugin.message(received, { recipients })
    expect(verdict).toBe('pass')
    expect(replacement).toMatchObject({ receivedDigest: digest(received), digest: digest(other) })
    expect(continuations.offers[0]?.dropped).toBe(false)
    replacement?.release()
    await Promise.resolve()
    expect(continuations.offers[0]?.dropped).toBe(true)
  })

  test('that hands it back for some recipients drops the others', async () => {
    const { plugin } = filteredBy(
      () => ({ exit: 0 }),
      (offer) => offer.handBack(received, ['CAROL@postern.test']),
    )
    expect(await plugin.message(received, { recipients })).toMatchObject({
      verdict: 'per-recipient',
      verdicts: [
        { verdict: 'discard', reason: 'QMAILQUEUE_DROPPED' },
        { verdict: 'pass' },
        { verdict: 'discard' },
      ],
      evidence: { dropped: ['bob@postern.test', 'postmaster'] },
    })
  })

  test('that ends well and hands nothing back has kept the mail', async () => {
    const { plugin } = filteredBy(() => ({ exit: 0 }))
    expect(await plugin.message(received)).toMatchObject({
      verdict: 'discard',
      reason: 'QMAILQUEUE_KEPT',
    })
  })

  test.each([
    [{ exit: 1 }, { verdict: 'discard', reason: 'QMAILQUEUE_SPAM' }],
    [{ exit: 11 }, { status: '5.1.3', text: 'envelope address too long for qq' }],
    [{ exit: 31 }, { status: '5.3.0', text: 'mail server permanently rejected message' }],
    [{ exit: 32 }, { status: '5.3.0', text: 'we do not accept SPAM' }],
    [{ exit: 40 }, { verdict: 'reject', text: 'qq permanent problem' }],
    [{ exit: 53 }, { status: '4.3.0', text: 'qq write error or disk full' }],
    [{ exit: 72 }, { status: '4.4.1', text: 'connection to mail server timed out' }],
    [{ exit: 81 }, { verdict: 'defer', text: 'qq internal bug' }],
    [{ exit: 82 }, { verdict: 'defer', text: 'qq temporary problem' }],
    [
      { exit: 82, writes: { 4: 'D' } },
      { verdict: 'defer', text: 'qq temporary problem' },
    ],
    [
      { exit: 82, writes: { 4: 'Dno viruses here (#5.7.1)\r\n' } },
      { verdict: 'reject', status: '5.7.1', text: 'no viruses here' },
    ],
    [
      { exit: 82, writes: { 4: 'Dno (#4.7.1)' } },
      { verdict: 'reject', status: '5.3.0', text: 'no' },
    ],
    [
      { exit: 82, writes: { 4: 'Zlater\u0007' } },
      { verdict: 'defer', status: '4.3.0', text: 'later?' },
    ],
    [{ exit: 31, writes: { 4: 'Dunheard' } }, { text: 'mail server permanently rejected message' }],
    [{ signal: 'SIGSEGV' }, { verdict: 'defer', text: 'qq crashed' }],
  ])('that ends with %j, whatever it has handed back: %j', async (end, verdict) => {
    const { plugin, continuations } = filteredBy(
      () => end,
      (offer) => offer.handBack('X-Evil: yes\r\n\r\n'),
    )
    const answer = await plugin.message(received)
    expect(answer).toMatchObject(verdict)
    expect(answer.replacement).toBeUndefined()
    expect(continuations.offers[0]?.dropped).toBe(true)
  })

  test('is heard by the log, as far as it is text', async () => {
    const { plugin } = filteredBy(() => ({ exit: 31, writes: { 2: 'simscan: VIRUS\n\u001b[0m' } }))
    await plugin.message(received)
    expect(plugin.log.events).toMatchObject([
      { event: 'qmail-queue.said', fields: { program: path, text: 'simscan: VIRUS ?[0m' } },
    ])
  })

  test('is given no binary message, whose line ends are no line ends', async () => {
    const { plugin, programs } = filteredBy(() => ({ exit: 0 }))
    expect(
      await plugin.message(received, { parameters: { bodyType: 'binarymime' } }),
    ).toMatchObject({ verdict: 'reject', reason: 'QMAILQUEUE_BINARY' })
    expect(programs.calls).toEqual([])
  })

  test('that hangs, or is not there, is a fault; what it has handed back is forgotten', async () => {
    const { plugin, continuations } = filteredBy(
      () => 'hangs',
      (offer) => offer.handBack(received),
    )
    const answer = plugin.message(received).catch(String)
    while (continuations.offers.length === 0) await new Promise((then) => setImmediate(then))
    for (let turn = 0; turn < 20; turn++) await new Promise((then) => setImmediate(then))
    plugin.clock.advance(300_000)
    expect(await answer).toContain('timeout')
    await new Promise((then) => setImmediate(then))
    expect(continuations.offers[0]?.dropped).toBe(true)
    const missing = pluginUnderTest(qmailQueue, {
      options: { program: '/nowhere' },
      doors: { programs: fakePrograms() },
    })
    await expect(missing.message(received)).rejects.toThrow('ENOENT')
    expect(await missing.check()).toMatchObject([{ option: 'program' }])
  })

  test('runs beside no more than so many others', async () => {
    const { plugin } = filteredBy(() => 'hangs', undefined, {
      options: { program: path, at_once: 1 },
    })
    const first = plugin.message(received).catch(String)
    await new Promise((then) => setImmediate(then))
    expect(await plugin.message(received)).toMatchObject({ reason: 'QMAILQUEUE_BUSY' })
    plugin.clock.advance(300_000)
    expect(await first).toContain('timeout')
  })
})

describe('the rules of an old tcp.smtp', () => {
  test.each([
    '/var/qmail/bin/qmail-scanner-queue.pl',
    '/var/qmail/bin/qmail-queue',
    'bin/qmail-queue',
    '/var/qmail/bin/simscan',
  ])('name %s, which is not run: this chain does its work', async (program) => {
    const programs = fakePrograms({ [program]: () => ({ exit: 31 }) })
    const plugin = pluginUnderTest(qmailQueue, {
      environment: { QMAILQUEUE: program },
      doors: { programs },
    })
    expect(await plugin.message(received)).toEqual({ verdict: 'pass' })
    expect(programs.calls).toEqual([])
  })

  test('name another program, which is', async () => {
    const { plugin, programs } = filteredBy(() => ({ exit: 31 }), undefined, {
      options: {},
      environment: { QMAILQUEUE: path },
    })
    expect(await plugin.message(received)).toMatchObject({ verdict: 'reject' })
    expect(programs.calls).toHaveLength(1)
  })

  test('name none, and the message is queued', async () => {
    expect(await pluginUnderTest(qmailQueue).message(received)).toEqual({ verdict: 'pass' })
  })
})
