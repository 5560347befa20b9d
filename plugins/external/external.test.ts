import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import type { JsonObject } from 'postern/plugin'
import {
  fakeNet,
  fakePrograms,
  pluginUnderTest,
  scriptedPeer,
  type FakeTalk,
  type FakeTalker,
} from 'postern/testkit'
import { verdictOf } from './answer.ts'
import { external } from './external.ts'
import { parseServiceAddress } from './web-service.ts'

const message = 'Subject: hello\r\n\r\nworld\r\n'
const all = ['connect', 'hello', 'auth', 'mail', 'rcpt', 'data', 'message']

function under(talker: FakeTalker, options: JsonObject = {}) {
  const plugin = pluginUnderTest(external, {
    options: { command: ['/usr/bin/checker', '-x'], stages: all, ...options },
    doors: { programs: fakePrograms({}, { '/usr/bin/checker': talker }) },
    environment: { CHECK: 'hard' },
  })
  return plugin
}

/** A program that answers each question by a function; undefined: not at all. */
const answering =
  (answer: (question: JsonObject) => JsonObject | string | undefined): FakeTalker =>
  (talk) =>
    talk.onLine((line) => {
      const question = JSON.parse(line) as JsonObject
      const said = answer(question)
      if (said === undefined) return
      talk.say(
        typeof said === 'string' ? said : `${JSON.stringify({ id: question['id'], ...said })}\n`,
      )
    })

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
}

describe('external, as a program', () => {
  test('that is not there is told by check, before anything starts it', async () => {
    const programs = fakePrograms({ '/usr/bin/checker': () => 'hangs' })
    const doubts = (command: string) =>
      pluginUnderTest(external, { options: { command: [command] }, doors: { programs } }).check()
    expect(await doubts('/usr/bin/checker')).toEqual([])
    expect(await doubts('looked-for-along-a-path')).toEqual([])
    expect(await doubts('/usr/bin/chekcer')).toMatchObject([
      { option: 'command', problem: '/usr/bin/chekcer is no program that this user may start' },
    ])
    expect(programs.calls).toEqual([])
  })

  test('is told the facts of every stage, and answers as a plugin does', async () => {
    const questions: JsonObject[] = []
    const plugin = under(
      answering((question) => {
        questions.push(question)
        return { verdict: 'pass' }
      }),
      { content: 'whole' },
    )
    await plugin.open()
    expect(await plugin.connect()).toEqual({ verdict: 'pass' })
    await plugin.hello('client.test')
    await plugin.auth('alice')
    await plugin.mail('alice@client.test', { parameters: { sizeBytes: 5 } })
    await plugin.rcpt('bob@postern.test')
    await plugin.data()
    await plugin.message(message)
    expect(questions.map(({ stage }) => stage)).toEqual(all)
    expect(questions[0]?.['session']).toMatchObject({
      remote: { address: '192.0.2.1' },
      environment: { CHECK: 'hard' },
    })
    expect(questions[2]).toMatchObject({ user: 'alice', mechanism: 'PLAIN' })
    expect(questions[3]).toMatchObject({
      reversePath: 'alice@client.test',
      parameters: { sizeBytes: 5 },
    })
    expect(questions[4]).toMatchObject({ recipient: 'bob@postern.test' })
    expect(questions[6]).toMatchObject({
      transaction: { recipients: ['bob@postern.test'] },
      message: {
        header: [['Subject', 'hello']],
        content: Buffer.from(message).toString('base64'),
        truncated: false,
      },
    })
    await plugin.close()
  })

  test('answers out of order, each question by its number', async () => {
    const held: (() => void)[] = []
    const plugin = under((talk) =>
      talk.onLine((line) => {
        const { id, recipient } = JSON.parse(line) as JsonObject
        held.push(() => talk.say(`${JSON.stringify({ id, verdict: 'reject', text: recipient })}\n`))
        if (held.length === 2) for (const answer of held.toReversed()) answer()
      }),
    )
    await plugin.open()
    const asked = [plugin.rcpt('one@postern.test'), plugin.rcpt('two@postern.test')]
    expect(await Promise.all(asked)).toMatchObject([
      { verdict: 'reject', status: '5.7.1', text: 'one@postern.test' },
      { verdict: 'reject', status: '5.7.1', text: 'two@postern.test' },
    ])
  })

  test('carries scores, reasons, evidence and edits', async () => {
    const said = {
      verdict: 'quarantine',
      reason: 'ODD',
      score: 2.5,
      evidence: { why: ['a'] },
      headerEdits: [
        { edit: 'prepend', name: 'X-Odd', value: 'yes' },
        { edit: 'remove', name: 'X-Even', nth: 2 },
      ],
      envelopeEdits: [
        { edit: 'addRecipient', recipient: 'copy@postern.test' },
        { edit: 'setReversePath', reversePath: '' },
      ],
    }
    const plugin = under(answering(() => said))
    await plugin.open()
    expect(await plugin.message(message)).toEqual({
      ...said,
      envelopeEdits: [
        {
          edit: 'addRecipient',
          recipient: { mailbox: { localPart: 'copy', domain: 'postern.test' } },
        },
        { edit: 'setReversePath', reversePath: null },
      ],
    })
  })

  test('vouches only where the operator says that it knows our recipients', async () => {
    const yes = answering(() => ({ verdict: 'accept' }))
    const trusted = under(yes, { vouches: true })
    await trusted.open()
    expect(await trusted.rcpt('bob@postern.test')).toEqual({ verdict: 'accept' })
    await expect(trusted.mail('alice@client.test')).rejects.toThrow('no answer')
    const other = under(yes)
    await other.open()
    await expect(other.rcpt('bob@postern.test')).rejects.toThrow('may not vouch')
  })

  const wrong: readonly (readonly [what: string, said: JsonObject])[] = [
    ['no verdict', {}],
    ['an unknown verdict', { verdict: 'maybe' }],
    ['an unknown key', { verdict: 'pass', score_: 1 }],
    ['a status that does not fit', { verdict: 'reject', status: '4.7.1' }],
    ['a score that is none', { verdict: 'pass', score: 'high' }],
    ['an edit that is none', { verdict: 'pass', headerEdits: [{ edit: 'burn', name: 'X' }] }],
    [
      'a header that smuggles',
      { verdict: 'pass', headerEdits: [{ edit: 'prepend', name: 'X', value: 'a\r\nEvil: 1' }] },
    ],
    [
      'a recipient that is none',
      { verdict: 'pass', envelopeEdits: [{ edit: 'addRecipient', recipient: 'a b' }] },
    ],
    ['too few verdicts', { verdict: 'per-recipient', verdicts: [] }],
  ]
  test.each(wrong)('%s is a fault, and the program goes on', async (_, said) => {
    let answers = 0
    const plugin = under(answering(() => (answers++ === 0 ? said : { verdict: 'pass' })))
    await plugin.open()
    await expect(plugin.message(message)).rejects.toThrow(/none|not-a-verdict|no address/)
    expect(await plugin.message(message)).toEqual({ verdict: 'pass' })
  })

  test('one that does not answer is given up, and started anew when it answers nothing', async () => {
    const talks: FakeTalk[] = []
    const plugin = under((talk) => void talks.push(talk))
    await plugin.open()
    for (let times = 0; times < 3; times++) {
      const asked = plugin.connect()
      await settle()
      plugin.clock.advance(10_000)
      await expect(asked).rejects.toThrow(/did not answer|answers nothing/)
    }
    expect(talks[0]?.stopped).toBe(true)
    plugin.clock.advance(1000)
    await settle()
    expect(talks).toHaveLength(2)
    await plugin.close()
  })

  test('one that ends fails what it was asked, and is started again, later each time', async () => {
    const talks: FakeTalk[] = []
    const plugin = under((talk) => {
      talks.push(talk)
      talk.onLine(() => talk.exit(3))
    })
    await plugin.open()
    await expect(plugin.connect()).rejects.toThrow('{"exit":3}')
    await expect(plugin.connect()).rejects.toThrow('does not run')
    plugin.clock.advance(1000)
    await settle()
    await expect(plugin.connect()).rejects.toThrow('{"exit":3}')
    plugin.clock.advance(1000)
    await settle()
    expect(talks).toHaveLength(2)
    plugin.clock.advance(1000)
    await settle()
    expect(talks).toHaveLength(3)
    await plugin.close()
    expect(plugin.clock.pending).toBe(0)
  })

  test('one that talks nonsense, or never ends its line, is ended', async () => {
    const nonsense = under(answering(() => 'hello\n'))
    await nonsense.open()
    await expect(nonsense.connect()).rejects.toThrow('says "hello"')
    const endless = under(answering(() => 'x'.repeat(1_100_000)))
    await endless.open()
    await expect(endless.connect()).rejects.toThrow('never ends its line')
  })

  test('one that is not there is a fault, and tried again', async () => {
    const plugin = under(() => undefined, { command: ['/nowhere'] })
    await plugin.open()
    await expect(plugin.connect()).rejects.toThrow('does not run')
    expect(plugin.log.events[0]).toMatchObject({ event: 'external.ended' })
    await plugin.close()
  })

  test('what it complains of is in the log', async () => {
    const plugin = under((talk) => talk.complain('warning: odd\n'))
    await plugin.open()
    await settle()
    expect(plugin.log.events).toContainEqual(
      expect.objectContaining({
        event: 'external.complaint',
        fields: expect.objectContaining({ text: 'warning: odd\n' }) as object,
      }),
    )
  })

  test('is asked only at the stages that the entry names', async () => {
    const plugin = under(
      answering(() => ({ verdict: 'reject' })),
      { stages: ['rcpt'] },
    )
    await plugin.open()
    expect(await plugin.connect()).toEqual({ verdict: 'pass' })
    expect(await plugin.rcpt('bob@postern.test')).toMatchObject({ verdict: 'reject' })
  })

  test.each([
    [{ command: [], url: '' }, 'give a command'],
    [{ url: 'http://127.0.0.1/' }, 'not both'],
    [{ stages: ['later'] }, 'no stage'],
    [{ environment: ['NAME'] }, 'no NAME=value'],
  ])('%j is a mistake in the configuration', (options, complaint) => {
    expect(() => under(() => undefined, options)).toThrow(complaint)
  })

  test('whatever JSON it answers, it is a verdict or an error', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const answer = ((): unknown => {
          try {
            return verdictOf(value)
          } catch (error) {
            return error
          }
        })()
        return answer instanceof Error || (typeof answer === 'object' && answer !== null)
      }),
    )
  })
})

describe('external, as a service', () => {
  async function service(reply: string) {
    const net = fakeNet()
    const heard: string[] = []
    await net.listen({
      address: { host: '127.0.0.1', port: 8080 },
      accepted(connection) {
        const peer = scriptedPeer(connection)
        void (async () => {
          let length = 0
          for (let line = await peer.line(); line; line = await peer.line()) {
            heard.push(line)
            if (line.startsWith('Content-Length: ')) length = Number(line.slice(16))
          }
          heard.push((await peer.take(length)) ?? '')
          peer.say(reply)
          peer.hangUp()
        })()
      },
      failed: () => undefined,
    })
    const plugin = pluginUnderTest(external, {
      options: { url: 'http://127.0.0.1:8080/check?x=1', content: 'none' },
      doors: { net },
    })
    return { plugin, heard }
  }
  const ok = (body: string): string =>
    `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`

  test('is asked by POST, and its answer counts', async () => {
    const { plugin, heard } = await service(ok('{"verdict":"defer","text":"Later"}'))
    expect(await plugin.message(message)).toMatchObject({
      verdict: 'defer',
      status: '4.7.1',
      text: 'Later',
    })
    expect(heard[0]).toBe('POST /check?x=1 HTTP/1.1')
    expect(JSON.parse(heard.at(-1) ?? '')).toMatchObject({
      stage: 'message',
      message: { sizeBytes: message.length },
    })
  })

  test.each([
    ['an error', 'HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n', 'gives 500'],
    ['no JSON', ok('hello'), 'no JSON'],
    ['no verdict', ok('{}'), 'none'],
    ['nothing', '', 'hung up'],
  ])('%s is a fault', async (_, reply, complaint) => {
    const { plugin } = await service(reply)
    await expect(plugin.message(message)).rejects.toThrow(complaint)
  })

  test('its address is what an operator would write', () => {
    expect(parseServiceAddress('https://check.example.org/a')).toEqual({
      address: { host: 'check.example.org', port: 443 },
      host: 'check.example.org',
      path: '/a',
      tls: 'check.example.org',
    })
    expect(parseServiceAddress('http://[::1]:81')).toMatchObject({
      address: { host: '::1', port: 81 },
      path: '/',
    })
    expect(parseServiceAddress('unix:/run/x.sock:/y')).toMatchObject({
      address: { path: '/run/x.sock' },
      path: '/y',
    })
    for (const text of ['', 'x', 'ftp://x/', 'http://user@x/', 'unix:/run/x.sock', 'http://']) {
      expect(parseServiceAddress(text)).toBeUndefined()
    }
  })
})
