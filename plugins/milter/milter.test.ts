import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import type { NetAddress } from 'postern/plugin'
import { fakeNet, pluginUnderTest, scriptedPeer, type ScriptedPeer } from 'postern/testkit'
import { replyOf } from './answer.ts'
import { milter } from './milter.ts'

const address: NetAddress = { host: '127.0.0.1', port: 8891 }
const message = 'Subject: hello\r\n there\r\nX-A: 1\r\nX-A: 2\r\n\r\nworld\r\n'

interface Heard {
  readonly letter: string
  readonly data: string
}
/** What it says to a step: packets, `hang` for nothing, `gone` for hanging up; undefined: continue. */
type Reply = readonly Heard[] | 'hang' | 'gone' | undefined
type Say = (heard: Heard) => Reply

const noReply = 0x80 | 0x1000 | 0x2000 | 0x4000 | 0x8000 | 0x10000 | 0x40000 | 0x80000

const said = (letter: string, data = ''): Heard => ({ letter, data })
const number = (value: number): string => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes.toString('latin1')
}

async function hear(peer: ScriptedPeer): Promise<Heard | undefined> {
  const head = await peer.take(4)
  if (head === undefined) return undefined
  const text = await peer.take(Buffer.from(head, 'latin1').readUInt32BE())
  return text === undefined ? undefined : said(text.slice(0, 1), text.slice(1))
}

function speak(peer: ScriptedPeer, { letter, data }: Heard): void {
  peer.say(number(data.length + 1) + letter + data)
}

interface Terms {
  readonly version?: number
  readonly actions?: number
  readonly protocol?: number
}

/** A milter that answers step by step. */
function under(say: Say, { version = 6, actions = 0x1f, protocol = 0 }: Terms = {}) {
  const net = fakeNet()
  const heard: Heard[] = []
  const play = async (peer: ScriptedPeer): Promise<void> => {
    for (let step = await hear(peer); step !== undefined; step = await hear(peer)) {
      if (step.letter === 'O') {
        speak(peer, said('O', number(version) + number(actions) + number(protocol)))
        continue
      }
      heard.push(step)
      if ('DAQ'.includes(step.letter)) continue
      const reply = say(step)
      if (reply === 'hang') return
      if (reply === 'gone') return peer.hangUp()
      if (reply === undefined && (protocol & noReply) !== 0 && step.letter !== 'E') continue
      for (const each of reply ?? [said('c')]) speak(peer, each)
    }
  }
  const listening = net.listen({
    address,
    accepted: (connection) => void play(scriptedPeer(connection)),
    failed: () => undefined,
  })
  const plugin = pluginUnderTest(milter, {
    options: { address: 'inet:8891@127.0.0.1' },
    doors: { net },
  })
  return { plugin, heard, net, listening, steps: () => heard.map(({ letter }) => letter).join('') }
}

const to =
  (letter: string, ...replies: readonly Heard[]): Say =>
  (heard) =>
    heard.letter === letter ? replies : undefined

/** A session in which EHLO has been said. */
const greeted = { hello: { verb: 'EHLO', name: 'client.test' } } as const

async function settle(): Promise<void> {
  for (let turn = 0; turn < 40; turn++) await new Promise((resolve) => setImmediate(resolve))
}

describe('milter', () => {
  test('is told every step of a session, with macros', async () => {
    const { plugin, heard, steps } = under(() => undefined)
    await plugin.connect()
    await plugin.hello('client.test')
    await plugin.mail('alice@client.test', { parameters: { sizeBytes: 100, bodyType: '8bitmime' } })
    await plugin.rcpt('bob@postern.test')
    await plugin.data()
    expect(await plugin.message(message)).toEqual({ verdict: 'pass' })
    plugin.sessionEnded()
    await settle()
    const macrosAside = heard.filter(({ letter }) => letter !== 'D')
    expect(macrosAside.map(({ letter, data }) => letter + data)).toEqual([
      `C[192.0.2.1]\x004${String.fromCharCode(0x9c, 0x40)}192.0.2.1\0`,
      'Hclient.test\0',
      'M<alice@client.test>\0SIZE=100\0BODY=8BITMIME\0',
      'R<bob@postern.test>\0',
      'T',
      'LSubject\0hello\n there\0',
      'LX-A\x001\0',
      'LX-A\x002\0',
      'N',
      'Bworld\r\n',
      'E',
      'Q',
    ])
    expect(heard.find(({ letter }) => letter === 'D')?.data).toContain('Cj\0mx.postern.test\0')
    expect(steps()).toContain('DE')
  })

  test('is told at the message what it missed', async () => {
    const { plugin, heard } = under(() => undefined)
    const recipients = ['bob@postern.test', 'carol@postern.test']
    await plugin.message(message, { recipients, session: greeted })
    const letters = heard.map(({ letter }) => letter).filter((letter) => letter !== 'D')
    expect(letters.join('')).toBe('CHMRRTLLLNBE')
  })

  test('is told again after it was restarted, and of one that hung up while nobody asked it', async () => {
    let healthy = false
    const { plugin, steps } = under(({ letter }) =>
      letter === 'R' && !healthy ? 'gone' : undefined,
    )
    await plugin.mail('alice@client.test', { session: greeted })
    await expect(plugin.rcpt('bob@postern.test', { session: greeted })).rejects.toThrow('hung up')
    healthy = true
    expect(await plugin.rcpt('bob@postern.test', { session: greeted })).toEqual({
      verdict: 'pass',
    })
    expect(steps().replaceAll('D', '')).toBe('CHMRCHMR')
  })

  test('a transaction that was given up is called off before the next', async () => {
    const { plugin, steps } = under(() => undefined)
    await plugin.mail('alice@client.test')
    await plugin.mail('bob@client.test')
    await plugin.message(message, { reversePath: 'bob@client.test' })
    await plugin.mail('alice@client.test')
    await settle()
    expect(steps().replaceAll('D', '')).toMatch(/^CMAM.*EM$/)
  })

  test.each([
    ['rejects', said('r'), { verdict: 'reject', status: '5.7.1' }],
    ['defers', said('t'), { verdict: 'defer', status: '4.7.1' }],
    ['gives up', said('4'), { verdict: 'defer', status: '4.3.2', close: true }],
    [
      'replies',
      said('y', '554 5.7.9 No, thank you\0'),
      { verdict: 'reject', status: '5.7.9', text: 'No, thank you' },
    ],
    ['replies for now', said('y', '450 4.2.0 Busy\0'), { verdict: 'defer', status: '4.2.0' }],
  ])('what it says counts at every stage: it %s', async (_, reply, expected) => {
    for (const letter of 'CHMRTLNBE') {
      const { plugin } = under(to(letter, reply))
      const answers = [
        await plugin.connect(),
        await plugin.hello('client.test'),
        await plugin.mail('alice@client.test'),
        await plugin.rcpt('bob@postern.test'),
        await plugin.data(),
        await plugin.message(message),
      ]
      const stage = 'CHMRTLNBE'.indexOf(letter)
      const { close, ...rest } = { close: false, ...expected }
      expect(answers[Math.min(stage, 5)]).toMatchObject({ ...rest, close })
    }
  })

  test('once it accepts, it is asked no more: for the session, or for the message', async () => {
    const atConnect = under(to('C', said('a')))
    await atConnect.plugin.connect()
    expect(await atConnect.plugin.message(message)).toEqual({ verdict: 'pass' })
    expect(atConnect.steps()).toBe('DC')
    const atMail = under(to('M', said('a')))
    await atMail.plugin.mail('alice@client.test')
    await atMail.plugin.rcpt('bob@postern.test')
    expect(await atMail.plugin.message(message)).toEqual({ verdict: 'pass' })
    await settle()
    expect(atMail.steps().replaceAll('D', '')).toBe('CMA')
  })

  test('what it discards at a recipient is discarded as a message', async () => {
    const { plugin } = under(to('R', said('d')))
    expect(await plugin.rcpt('bob@postern.test')).toMatchObject({ verdict: 'pass' })
    expect(await plugin.message(message)).toMatchObject({ verdict: 'discard' })
  })

  test('what it changes becomes edits', async () => {
    const { plugin } = under(
      to(
        'E',
        said('p'),
        said('h', 'X-Last\0one\n two\0'),
        said('i', `${number(1)}DKIM-Signature\0v=1;\n\tb=x\0`),
        said('i', `${number(9)}X-Below\0y\0`),
        said('m', `${number(2)}X-A\0three\0`),
        said('m', `${number(1)}Subject\0\0`),
        said('m', `${number(1)}X-New\0n\0`),
        said('m', `${number(1)}X-Gone\0\0`),
        said('+', '<new@postern.test>\0'),
        said('-', '<bob@postern.test>\0'),
        said('e', '<>\0'),
        said('c'),
      ),
    )
    expect(await plugin.message(message)).toEqual({
      verdict: 'pass',
      reason: 'MILTER_CHANGED',
      headerEdits: [
        { edit: 'append', name: 'X-Last', value: 'one\r\n two' },
        { edit: 'append', name: 'X-Below', value: 'y' },
        { edit: 'replace', name: 'X-A', nth: 2, value: 'three' },
        { edit: 'remove', name: 'Subject', nth: 1 },
        { edit: 'append', name: 'X-New', value: 'n' },
        { edit: 'prepend', name: 'DKIM-Signature', value: 'v=1;\r\n\tb=x' },
      ],
      envelopeEdits: [
        {
          edit: 'addRecipient',
          recipient: { mailbox: { localPart: 'new', domain: 'postern.test' } },
        },
        { edit: 'removeRecipient', mailbox: { localPart: 'bob', domain: 'postern.test' } },
        { edit: 'setReversePath', reversePath: null },
      ],
    })
  })

  test.each([
    [[1, 1], 'BA'],
    [[0, 1], 'AB'],
    [[0, 0], 'BA'],
    [[1, 2], 'AB'],
    [[0, 2, 0, 3], 'CADB'],
    [[1, 0, 3, 2], 'BDAC'],
  ])(
    'what it puts on top, at %j below our own Received or above it, keeps its order',
    async (places, order) => {
      const inserts = places.map((place, index) =>
        said('i', `${number(place)}${'ABCD'.charAt(index)}\0x\0`),
      )
      const { plugin } = under(to('E', ...inserts, said('c')))
      const header = 'X-1: a\r\nX-2: b\r\nX-3: c\r\nX-4: d\r\nX-5: e\r\n\r\n'
      const { headerEdits = [] } = await plugin.message(header)
      const names = headerEdits.map((each) => (each.edit === 'prepend' ? each.name : '?'))
      expect(names.toReversed().join('')).toBe(order)
    },
  )

  test('can hold a message, and says why', async () => {
    const { plugin } = under(to('E', said('q', 'looks odd\0'), said('c')))
    expect(await plugin.message(message)).toMatchObject({
      verdict: 'quarantine',
      reason: 'MILTER_QUARANTINE',
      evidence: { why: 'looks odd' },
    })
  })

  test('a replaced body is a fault', async () => {
    const { plugin } = under(to('E', said('b', 'other'), said('c')))
    await expect(plugin.message(message)).rejects.toThrow('replaces the body')
  })

  test('sees and answers only the steps that it wants to', async () => {
    const quiet = under(() => undefined, { protocol: noReply })
    expect(await quiet.plugin.message(message)).toEqual({ verdict: 'pass' })
    const blind = under(() => undefined, {
      protocol: 0x01 | 0x02 | 0x04 | 0x08 | 0x10 | 0x20 | 0x40 | 0x200,
    })
    expect(await blind.plugin.message(message)).toEqual({ verdict: 'pass' })
    expect(blind.steps()).toBe('DE')
    const old = under(() => undefined, { version: 2 })
    await old.plugin.message(message)
    expect(old.steps()).not.toContain('T')
    const spaced = under(() => undefined, { protocol: 0x100000 })
    await spaced.plugin.message(message)
    expect(spaced.heard).toContainEqual(said('L', 'X-A\0 1\0'))
  })

  test('gets a large body in pieces that it can take, until it has seen enough', async () => {
    const body = 'x'.repeat(300_000)
    const all = under(() => undefined)
    await all.plugin.message(`Subject: x\r\n\r\n${body}`)
    const pieces = all.heard.filter(({ letter }) => letter === 'B').map(({ data }) => data)
    expect(pieces.join('')).toBe(body)
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(65_535)
    const some = under(to('B', said('s')), { protocol: 0x400 })
    await some.plugin.message(`Subject: x\r\n\r\n${body}`)
    expect(some.steps().replaceAll('D', '')).toBe('CMRTLNBE')
  })

  const sick: readonly (readonly [what: string, say: Say, terms: Terms])[] = [
    ['hangs up', () => 'gone', {}],
    ['answers with nonsense', to('E', said('?')), {}],
    ['answers a command with a change', to('C', said('h', 'X\0y\0')), {}],
    ['skips what it cannot skip', to('M', said('s')), {}],
    ['gives a reply that is none', to('C', said('y', '250 fine\0')), {}],
    ['promises too much', to('C', said('c', 'x'.repeat(2_000_000))), {}],
    ['adds a field without a name', to('E', said('h', ' \0x\0')), {}],
    ['adds a recipient that is none', to('E', said('+', '<a b>\0')), {}],
    ['inserts nowhere', to('E', said('i', 'x')), {}],
    ['changes endlessly', to('E', ...Array.from({ length: 1001 }, () => said('h', 'X\0y\0'))), {}],
    ['wants what is not offered', () => undefined, { actions: 0x8000 }],
    ['speaks another version', () => undefined, { version: 7 }],
  ]
  test.each(sick)('one that %s is a fault', async (_, say, terms) => {
    const { plugin, net } = under(say, terms)
    await expect(plugin.message(message)).rejects.toThrow('127.0.0.1:8891')
    await settle()
    expect(net.open).toBe(0)
  })

  test('one that hangs is given up, but not while it says that it is at work', async () => {
    const { plugin } = under(to('E', said('p')))
    const verdict = plugin.message(message)
    await settle()
    plugin.clock.advance(119_000)
    await settle()
    plugin.clock.advance(2_000)
    await expect(verdict).rejects.toThrow('said nothing')
    const mute = under(() => 'hang')
    const connected = mute.plugin.connect()
    await settle()
    mute.plugin.clock.advance(30_000)
    await expect(connected).rejects.toThrow('said nothing')
  })

  test('keeps nothing of sessions that are over', async () => {
    const { plugin, net } = under(() => undefined)
    for (let number = 0; number < 20; number++) {
      const about = { session: { id: `s${number}` } }
      await plugin.connect(about)
      expect(net.open).toBeGreaterThan(0)
      plugin.sessionEnded(about)
      await settle()
    }
    expect(net.open).toBe(0)
  })

  test('can be probed', async () => {
    expect(await under(() => undefined).plugin.probe()).toBe('127.0.0.1:8891: negotiates')
  })

  test('whatever reply it gives, it is one that can be spoken', () => {
    expect(replyOf('550-5.7.1 one\r\n550 5.7.1 two')).toMatchObject({ text: 'one two' })
    expect(replyOf('421 4.3.0 bye')).toMatchObject({ answer: 'defer', close: true })
    expect(replyOf('550 5.7.1 100%% full, 5% left')).toMatchObject({ text: '100% full, 5 left' })
    expect(replyOf('550 4.3.0 mixed')).toMatchObject({ answer: 'reject', status: '5.7.1' })
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('', '550 ', '450 4.1.1 '), (text, code) => {
        const reply = replyOf(code + text)
        expect(reply === undefined || /^[\x20-\x7e]+$/.test(reply.text)).toBe(true)
      }),
    )
  })
})
