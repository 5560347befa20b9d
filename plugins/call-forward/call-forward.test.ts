import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { finding, relayClient } from 'postern/plugin'
import {
  fakeDns,
  fakeNet,
  pluginUnderTest,
  scriptedPeer,
  type PluginTestOptions,
  type ScriptedPeer,
} from 'postern/testkit'
import { callForward } from './call-forward.ts'

const minute = 60_000
const hour = 60 * minute
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** A back end that answers RCPT as told; every command it heard is kept. */
async function backEnd(
  answer: (command: string) => string | undefined,
  rest: PluginTestOptions = {},
) {
  const net = fakeNet()
  const heard: string[] = []
  const state = { answer, questions: 0 }
  const serve = async (peer: ScriptedPeer): Promise<void> => {
    peer.say(state.answer('') ?? '220 back.test\r\n')
    for (let line = await peer.line(); line !== undefined; line = await peer.line()) {
      heard.push(line)
      if (line === 'QUIT') return peer.hangUp()
      peer.say(state.answer(line) ?? '250-back.test\r\n250 fine\r\n')
    }
  }
  await net.listen({
    address: { host: '192.0.2.50', port: 25 },
    failed: () => undefined,
    accepted(connection) {
      state.questions++
      void serve(scriptedPeer(connection))
    },
  })
  const plugin = pluginUnderTest(callForward, {
    files: { 'tables/call-forward': 'postern.test smtp:back.test\n' },
    doors: {
      net,
      dns: fakeDns({
        'back.test': { addresses: ['192.0.2.50'] },
        'two.test': { addresses: ['192.0.2.49', '192.0.2.50'] },
      }),
    },
    ...rest,
  })
  return { plugin, heard, state }
}

const toRcpt = (reply: string) => (command: string) =>
  command.startsWith('RCPT') ? `${reply}\r\n` : undefined

describe('call-forward', () => {
  test('asks up to RCPT with the null path, and no further', async () => {
    const { plugin, heard } = await backEnd(toRcpt('250 2.1.5 ok'))
    expect(await plugin.rcpt('Bob@postern.test')).toMatchObject({
      verdict: 'pass',
      reason: 'EXISTS',
    })
    await turns()
    expect(heard).toEqual([
      'EHLO mx.postern.test',
      'MAIL FROM:<>',
      'RCPT TO:<Bob@postern.test>',
      'QUIT',
    ])
  })

  test.each([
    ['550 5.1.1 no such user', 'reject', 'NO_SUCH_RECIPIENT'],
    ['550 unknown', 'reject', 'NO_SUCH_RECIPIENT'],
    ['553 5.1.3 bad', 'reject', 'NO_SUCH_RECIPIENT'],
    ['450 4.2.0 greylisted', 'defer', 'NO_ANSWER'],
    ['451 4.1.1 not now', 'defer', 'NO_ANSWER'],
    ['421 4.3.2 closing', 'defer', 'NO_ANSWER'],
    ['552 5.2.2 full', 'defer', 'NO_ANSWER'],
    ['550 5.2.2 full', 'defer', 'NO_ANSWER'],
    ['550 5.7.1 we do not like you', 'defer', 'NO_ANSWER'],
    ['what?', 'defer', 'NO_ANSWER'],
  ])('%s: %s', async (reply, verdict, reason) => {
    const { plugin } = await backEnd(toRcpt(reply))
    expect(await plugin.rcpt('bob@postern.test')).toMatchObject({ verdict, reason })
  })

  test('never refuses for good for what is said before RCPT', async () => {
    for (const where of ['', 'EHLO', 'MAIL']) {
      const { plugin } = await backEnd((command) =>
        command === where ||
        (where !== '' && command.startsWith(where)) ||
        command.startsWith('HELO')
          ? '554 5.5.1 go away\r\n'
          : undefined,
      )
      expect(await plugin.rcpt('bob@postern.test')).toMatchObject({ verdict: 'defer' })
    }
  })

  test('remembers what it heard: a yes for a day, a no for minutes', async () => {
    const { plugin, state } = await backEnd(toRcpt('250 ok'))
    for (let n = 0; n < 3; n++) await plugin.rcpt('bob@postern.test')
    expect(state.questions).toBe(1)
    plugin.clock.advance(24 * hour)
    state.answer = toRcpt('550 gone')
    expect(await plugin.rcpt('BOB@postern.test')).toMatchObject({ verdict: 'reject' })
    expect(await plugin.rcpt('bob@postern.test')).toMatchObject({ evidence: { by: 'memory' } })
    plugin.clock.advance(10 * minute)
    state.answer = toRcpt('250 back')
    expect(await plugin.rcpt('bob@postern.test')).toMatchObject({ verdict: 'pass' })
    expect(state.questions).toBe(3)
  })

  test('takes an old yes, and no old no, where the back end does not answer', async () => {
    const { plugin, state } = await backEnd((command) =>
      command.startsWith('RCPT TO:<bob') ? '250 ok\r\n' : toRcpt('550 no')(command),
    )
    await plugin.rcpt('bob@postern.test')
    await plugin.rcpt('eve@postern.test')
    plugin.clock.advance(48 * hour)
    state.answer = () => '421 down\r\n'
    expect(await plugin.rcpt('bob@postern.test')).toMatchObject({ reason: 'REMEMBERED' })
    expect(await plugin.rcpt('eve@postern.test')).toMatchObject({ verdict: 'defer' })
  })

  test('goes on asking a back end that will not say anything about one recipient', async () => {
    const { plugin, state } = await backEnd((command) =>
      command.startsWith('RCPT TO:<secret') ? '550 5.7.1 not for you\r\n' : undefined,
    )
    for (let n = 0; n < 5; n++) await plugin.rcpt(`secret${n}@postern.test`)
    expect(await plugin.rcpt('bob@postern.test')).toMatchObject({ reason: 'EXISTS' })
    expect(state.questions).toBe(6)
  })

  test('gives up at its deadline, and lets a back end rest that fails again and again', async () => {
    const { plugin, state } = await backEnd(() => '')
    for (let n = 0; n < 3; n++) {
      const answer = plugin.rcpt('bob@postern.test')
      await turns()
      plugin.clock.advance(10_000)
      expect(await answer).toMatchObject({ verdict: 'defer', reason: 'NO_ANSWER' })
    }
    state.answer = toRcpt('250 ok')
    expect(await plugin.rcpt('bob@postern.test')).toMatchObject({
      evidence: { why: 'it rests, after failing several times' },
    })
    expect(state.questions).toBe(3)
    const labels = { entry: 'call-forward', back_end: 'smtp:back.test' }
    const isResting = () =>
      plugin.metrics.value('postern_plugin_call_forward_back_end_resting', labels)
    expect(await isResting()).toBe(1)
    plugin.clock.advance(30_000)
    expect(await plugin.rcpt('bob@postern.test')).toMatchObject({ reason: 'EXISTS' })
    expect(await isResting()).toBe(0)
  })

  test('asks at the next address of a back end where there is nobody at the one before', async () => {
    const files = { 'tables/call-forward': 'postern.test smtp:two.test\n' }
    const { plugin } = await backEnd(toRcpt('250 ok'), { files })
    expect(await plugin.rcpt('bob@postern.test')).toMatchObject({ reason: 'EXISTS' })
  })

  test('asks the next back end where the one before does not answer, and takes the word of the first that does', async () => {
    const files = { 'tables/call-forward': 'postern.test smtp:gone.test,smtp:back.test\n' }
    const { plugin, heard, state } = await backEnd(toRcpt('550 5.1.1 nobody'), { files })
    expect(await plugin.rcpt('eve@postern.test')).toMatchObject({
      verdict: 'reject',
      evidence: { backEnd: 'smtp:back.test' },
    })
    expect(heard).toContain('RCPT TO:<eve@postern.test>')
    state.answer = (command) => (command === '' ? '421 closing\r\n' : undefined)
    expect(await plugin.rcpt('bob@postern.test')).toMatchObject({
      verdict: 'defer',
      evidence: {
        backEnd: 'smtp:gone.test,smtp:back.test',
        why: expect.stringMatching(/^smtp:gone\.test: .+; smtp:back\.test: .+421/),
      },
    })
    const mistyped = { 'tables/call-forward': 'postern.test smtp:back.test,smtps:other.test\n' }
    const strict = await backEnd(toRcpt('250 ok'), { files: mistyped })
    await expect(strict.plugin.rcpt('bob@postern.test')).rejects.toThrow('smtps:other.test is no')
    // What waits is an answer too: the next one knows no better.
    const turned = { 'tables/call-forward': 'postern.test smtp:back.test,smtp:back.test\n' }
    const again = await backEnd(toRcpt('450 4.2.0 later'), { files: turned })
    expect(await again.plugin.rcpt('bob@postern.test')).toMatchObject({ verdict: 'defer' })
    expect(again.state.questions).toBe(1)
  })

  test('passes without an answer where it is told to', async () => {
    const { plugin } = await backEnd(toRcpt('450 later'), { options: { unavailable: 'pass' } })
    expect(await plugin.rcpt('bob@postern.test')).toMatchObject({ reason: 'NO_ANSWER' })
  })

  test('asks each domain’s own back end, and none where there is none', async () => {
    const files = {
      'tables/call-forward':
        'postern.test smtp:192.0.2.50\n.sub.test lmtp:192.0.2.50:25\nfree.test none\n* mx',
    }
    const { plugin, heard } = await backEnd(toRcpt('250 ok'), { files })
    expect(await plugin.rcpt('bob@free.test')).toEqual({ verdict: 'pass' })
    await expect(plugin.rcpt('bob@other.test')).rejects.toThrow('mx is no back end')
    expect(heard).toEqual([])
    expect(await plugin.rcpt('bob@a.sub.test')).toMatchObject({ reason: 'EXISTS' })
    expect(heard[0]).toBe('LHLO mx.postern.test')
  })

  test('is not asked about logins and clients that may relay', async () => {
    const { plugin, state } = await backEnd(toRcpt('550 no'), {
      findings: [finding(relayClient, { because: 'test' })],
    })
    expect(await plugin.rcpt('bob@postern.test')).toEqual({ verdict: 'pass' })
    expect(state.questions).toBe(0)
  })

  test('whatever a back end says, only a refusal of the recipient is for good', async () => {
    const printable = fc.string({
      unit: fc.constantFrom('5', '0', '.', ' ', '-', 'x'),
      maxLength: 20,
    })
    await fc.assert(
      fc.asyncProperty(printable, async (text) => {
        const { plugin } = await backEnd((command) =>
          command.startsWith('RCPT') ? `${text}\r\n451 end\r\n` : undefined,
        )
        const { verdict } = await plugin.rcpt('bob@postern.test')
        const refusal = /^5[0-9]{2}([ -]|$)/.test(text)
        expect(verdict === 'reject' && !refusal).toBe(false)
      }),
      { numRuns: 60 },
    )
  })
})
