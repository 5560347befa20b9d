import { describe, expect, test } from 'vitest'
import type { Message } from '../../mail/message.ts'
import type { Connection } from '../../runtime/net.ts'
import type { FakeZones } from '../../testkit/fake-dns.ts'
import { memoryMessage } from '../../testkit/memory-message.ts'
import { address, byMx, hello, meet, relay, settle, stage } from '../../testkit/next-hop-stage.ts'
import { scriptedHop, type HopAnswers } from '../../testkit/scripted-hop.ts'
import { scriptedPeer } from '../../testkit/scripted-peer.ts'

describe('a message for a next hop', () => {
  test('is delivered when the final dot was answered with yes', async () => {
    const { hop, result } = await meet()
    expect(result).toEqual({
      outcome: 'delivered',
      status: '2.0.0',
      text: '250 2.0.0 Taken',
      remote: '[192.0.2.1]',
      relayed: 'without-dsn',
    })
    expect(hop.taken).toEqual([
      {
        reversePath: 'ann@here.test',
        recipients: ['bob@there.test'],
        message: 'Subject: hi\r\n\r\n.dot\r\nhello\r\n',
        encrypted: false,
      },
    ])
  })

  test('is announced with its size, and the session ends with QUIT', async () => {
    const { hop, net } = await meet()
    await settle()
    expect(hop.commands).toEqual([
      'EHLO here.test',
      `MAIL FROM:<ann@here.test> SIZE=${hello.sizeBytes}`,
      'RCPT TO:<bob@there.test>',
      'DATA',
      'QUIT',
    ])
    expect(net.open).toBe(0)
  })

  test('is delivered without EHLO where only HELO is known', async () => {
    const { hop, result } = await meet({ answers: { EHLO: '502 5.5.1 What?' } })
    expect(result.outcome).toBe('delivered')
    expect(hop.commands.slice(0, 3)).toEqual([
      'EHLO here.test',
      'HELO here.test',
      'MAIL FROM:<ann@here.test>',
    ])
  })

  test('goes out from the null reverse-path as <>', async () => {
    const { hop } = await meet({ extensions: [] }, { envelope: { reversePath: null } })
    expect(hop.commands).toContain('MAIL FROM:<>')
  })

  test('with no bytes at all is one lone dot', async () => {
    const { hop, result } = await meet({}, { message: memoryMessage('') })
    expect(result.outcome).toBe('delivered')
    expect(hop.taken[0]?.message).toBe('')
  })

  test('of several chunks arrives whole', async () => {
    const text = `Subject: long\r\n\r\n${'.a line with a dot\r\n'.repeat(20_000)}`
    const { hop } = await meet({}, { message: memoryMessage(text) })
    expect(hop.taken[0]?.message).toBe(text)
  })

  test('holding more than ASCII is said to be 8BITMIME', async () => {
    const { hop, result } = await meet({}, { message: memoryMessage('Subject: x\r\n\r\né\r\n') })
    expect(result.outcome).toBe('delivered')
    expect(hop.commands[1]).toContain(' BODY=8BITMIME')
  })

  test('holding more than ASCII fails where only 7-bit text is taken', async () => {
    const message = memoryMessage('Subject: x\r\n\r\né\r\n')
    const { hop, result } = await meet({ extensions: [] }, { message })
    expect(result).toMatchObject({ outcome: 'failed', status: '5.6.3' })
    expect(hop.taken).toEqual([])
  })

  test('larger than the next hop takes fails without being offered', async () => {
    const { hop, result } = await meet({ extensions: ['SIZE 10'] })
    expect(result).toMatchObject({ outcome: 'failed', status: '5.3.4' })
    expect(hop.commands.join()).not.toContain('MAIL')
  })

  test('that needs SMTPUTF8 fails where that is not known, and says so where it is', async () => {
    const envelope = { smtputf8: true }
    const header = memoryMessage('Subject: J\u00f6rg\r\n\r\nhi\r\n')
    for (const needy of [{ to: ['j\u00f6rg'] }, { message: header }]) {
      const refused = await meet({}, { envelope, ...needy })
      expect(refused.result).toMatchObject({ outcome: 'failed', status: '5.6.7' })
      expect(refused.hop.commands.join()).not.toContain('MAIL')
    }
    const taken = await meet({ extensions: ['SMTPUTF8'] }, { envelope, to: ['jörg'] })
    expect(taken.result.outcome).toBe('delivered')
    expect(taken.hop.commands[1]).toBe('MAIL FROM:<ann@here.test> SMTPUTF8')
  })

  test('that came with SMTPUTF8 and does not need it goes where that is not known', async () => {
    const there = { localPart: 'bob', domain: 'j\u00f6rg.test' }
    const { hop, result } = await meet(
      { extensions: [] },
      { envelope: { smtputf8: true, reversePath: there } },
    )
    expect(result.outcome).toBe('delivered')
    expect(hop.commands[1]).toBe('MAIL FROM:<bob@xn--jrg-sna.test>')
  })

  test('whose recipient would end the command line fails for that recipient alone', async () => {
    const { hop, results } = await meet({}, { to: ['a\r\nDATA', 'bob'] })
    expect(results.map(({ outcome, status }) => [outcome, status])).toEqual([
      ['failed', '5.1.3'],
      ['delivered', '2.0.0'],
    ])
    expect(hop.taken[0]?.recipients).toEqual(['bob@there.test'])
  })
})

describe('a refusal', () => {
  test.each([
    ['MAIL', '550 5.7.1 No', 'failed', '5.7.1'],
    ['MAIL', '450 4.7.1 Later', 'deferred', '4.7.1'],
    ['RCPT', '550 5.1.1 Nobody', 'failed', '5.1.1'],
    ['RCPT', '450 Later', 'deferred', '4.0.0'],
    ['DATA', '554 5.5.1 No', 'failed', '5.5.1'],
    ['DATA', '451 4.3.0 Later', 'deferred', '4.3.0'],
    ['DATA', '250 2.0.0 Fine', 'deferred', '4.5.0'],
    ['message', '554 5.7.1 Spam', 'failed', '5.7.1'],
    ['message', '452 4.3.1 Full', 'deferred', '4.3.1'],
    ['message', '354 What?', 'deferred', '4.5.0'],
  ] as const)('of %s by %s: %s %s', async (step, text, outcome, status) => {
    for (const extensions of [[], ['PIPELINING']]) {
      const { hop, result } = await meet({ extensions, answers: { [step]: text } })
      expect(result).toEqual({ outcome, status, text, remote: '[192.0.2.1]' })
      expect(hop.taken).toEqual([])
    }
  })

  test.each([
    ['greeting', '421 4.3.2 Busy', '4.3.2'],
    ['greeting', '554 No mail here', '4.3.2'],
    ['EHLO', '450 4.7.1 Later', '4.7.1'],
    ['HELO', '550 5.7.1 Not you', '4.3.2'],
  ] as const)(
    'at %s by %s is no refusal of the message: it is deferred',
    async (step, text, status) => {
      const answers: HopAnswers = { EHLO: step === 'HELO' ? '502 What?' : '250 hop', [step]: text }
      const { result } = await meet({ answers })
      expect(result).toMatchObject({ outcome: 'deferred', status })
      expect(result.text).toContain(text)
    },
  )

  test('of one recipient leaves the others their mail', async () => {
    const answers: HopAnswers = {
      RCPT: (line) => (line.includes('cid') ? '550 5.1.1 Nobody' : '250 2.1.5 Ok'),
    }
    for (const extensions of [[], ['PIPELINING']]) {
      const { hop, results } = await meet({ extensions, answers }, { to: ['bob', 'cid', 'dan'] })
      expect(results.map(({ outcome }) => outcome)).toEqual(['delivered', 'failed', 'delivered'])
      expect(hop.taken[0]?.recipients).toEqual(['bob@there.test', 'dan@there.test'])
    }
  })

  test('of several lines is kept line by line, without anything a terminal would obey', async () => {
    const { result } = await meet({ answers: { RCPT: '550-5.1.1 one\x1b[2J\r\n550 5.1.1 two' } })
    expect(result.text).toBe('550 5.1.1 one?[2J\n550 5.1.1 two')
  })

  test('by 421 at a recipient defers all that were not refused before', async () => {
    const answers: HopAnswers = {
      RCPT: (line) =>
        line.includes('bob') ? '550 5.1.1 No' : line.includes('cid') ? '250 Ok' : '421 4.3.2 Bye',
    }
    const { hop, results } = await meet({ answers }, { to: ['bob', 'cid', 'dan', 'eve'] })
    expect(results.map(({ outcome }) => outcome)).toEqual([
      'failed',
      'deferred',
      'deferred',
      'deferred',
    ])
    expect(hop.taken).toEqual([])
  })

  test('that comes before the final dot counts, and the dot is not sent', async () => {
    const message = memoryMessage(`Subject: x\r\n\r\n${'x'.repeat(300_000)}\r\n`)
    const sent: (string | undefined)[] = []
    const talk = async (connection: Connection) => {
      const peer = scriptedPeer(connection)
      peer.say('220 hi\r\n')
      for (const reply of ['500 x', '250 x', '250 x', '250 x', '354 x\r\n552 5.3.4 Too big']) {
        await peer.line()
        peer.say(`${reply}\r\n`)
      }
      sent.push(await peer.data())
    }
    const { results } = stage({
      hosts: { [`${address}:2525`]: (it) => void talk(it) },
      message: slowly(message),
    })
    expect(await results).toMatchObject([{ outcome: 'failed', status: '5.3.4' }])
    await settle()
    expect(sent).toEqual([undefined])
  })

  describe.each(['DATA', 'BDAT'])('from a peer that reads no more of %s', (by) => {
    test.each([
      ['552 5.3.4 Too big', 'hangs up', 'failed', '5.3.4'],
      ['451 4.3.1 No room', 'hangs up', 'deferred', '4.3.1'],
      ['552 5.3.4 Too big', 'stays', 'failed', '5.3.4'],
      ['250 2.0.0 Taken', 'hangs up', 'deferred', '4.4.2'],
      ['552 5.3', 'hangs up without an end of the line', 'deferred', '4.4.2'],
    ] as const)('%s counts where it then %s: %s', async (reply, end, outcome, status) => {
      const talk = async (connection: Connection) => {
        const peer = scriptedPeer(connection)
        peer.say('220 hi\r\n')
        const extensions = by === 'BDAT' ? '250-x\r\n250-CHUNKING\r\n250 PIPELINING' : '250 x'
        for (const said of [extensions, '250 x', '250 x', ...(by === 'DATA' ? ['354 x'] : [])]) {
          await peer.line()
          peer.say(`${said}\r\n`)
        }
        connection.pause()
        await settle()
        peer.say(end.endsWith('line') ? reply : `${reply}\r\n`)
        if (end !== 'stays') peer.hangUp()
      }
      const { results, clock, net } = stage({
        hosts: { [`${address}:2525`]: (it) => void talk(it) },
        message: memoryMessage(`Subject: x\r\n\r\n${'x'.repeat(300_000)}\r\n`),
      })
      for (let turns = 0; turns < 5; turns++) await settle()
      clock.advance(180_000)
      expect(await results).toMatchObject([{ outcome, status }])
      await settle()
      expect(net.open).toBe(0)
    })
  })
})

/** The same message, with a turn of the event loop before each chunk. */
function slowly(message: Message): Message {
  return {
    ...message,
    header: message.header,
    async *read(range) {
      for await (const chunk of message.read(range)) {
        await settle()
        yield chunk
      }
    },
  }
}

describe('many recipients', () => {
  const names = (count: number) => Array.from({ length: count }, (_, i) => `r${i}`)

  test('are mailed a hundred at a time, over one connection', async () => {
    const { hop, results, calls } = await meet({}, { to: names(250) })
    expect(results.every(({ outcome }) => outcome === 'delivered')).toBe(true)
    expect(hop.taken.map(({ recipients }) => recipients.length)).toEqual([100, 100, 50])
    expect(calls).toHaveLength(1)
  })

  test.each(['452 4.5.3 Too many', '452 Too many', '552 5.5.3 Too many'])(
    'are mailed a few at a time where the next hop says %s',
    async (text) => {
      let accepted = 0
      const answers: HopAnswers = {
        MAIL: () => {
          accepted = 0
          return '250 Ok'
        },
        RCPT: () => (accepted++ < 3 ? '250 Ok' : text),
      }
      const { hop, results } = await meet({ answers }, { to: names(8) })
      expect(results.every(({ outcome }) => outcome === 'delivered')).toBe(true)
      expect(hop.taken.map(({ recipients }) => recipients.length)).toEqual([3, 3, 2])
    },
  )

  test('none of whom is taken for being too many are deferred', async () => {
    const { results } = await meet({ answers: { RCPT: '452 4.5.3 Too many' } }, { to: names(2) })
    expect(results).toMatchObject([
      { outcome: 'deferred', status: '4.5.3' },
      { outcome: 'deferred', status: '4.5.3' },
    ])
  })

  test('a final dot answered by 452 4.5.3 ends the matter', async () => {
    const { hop, results } = await meet({ answers: { message: '452 4.5.3 Too many' } })
    expect(results).toMatchObject([{ outcome: 'deferred', status: '4.5.3' }])
    expect(hop.commands.filter((line) => line.startsWith('MAIL'))).toHaveLength(1)
  })

  test('of a session that ends early are deferred', async () => {
    const { results } = await meet({ answers: { message: '421 4.3.2 Bye' } }, { to: names(150) })
    expect(results.map(({ outcome }) => outcome)).toEqual(names(150).map(() => 'deferred'))
  })
})

describe('TLS', () => {
  const extensions = ['STARTTLS', 'PIPELINING']

  test('is used where it is offered', async () => {
    const { hop, result } = await meet({ extensions })
    expect(result.outcome).toBe('delivered')
    expect(hop.taken[0]?.encrypted).toBe(true)
    expect(hop.commands.slice(0, 3)).toEqual(['EHLO here.test', 'STARTTLS', 'EHLO here.test'])
  })

  test('that is offered and then refused is done without', async () => {
    const { hop, result } = await meet({ extensions, answers: { STARTTLS: '454 4.7.0 No' } })
    expect(result.outcome).toBe('delivered')
    expect(hop.taken[0]?.encrypted).toBe(false)
  })

  test('whose handshake fails costs the encryption and not the mail, once, and is logged', async () => {
    const { hop, result, calls, log } = await meet({ extensions, tls: 'fails' })
    const note = expect.stringMatching(/^In the clear, for TLS failed: .*handshake/)
    expect(result).toMatchObject({ outcome: 'delivered', note })
    expect(hop.taken[0]?.encrypted).toBe(false)
    expect(calls).toHaveLength(2)
    expect(log.events.map(({ event }) => event)).toEqual(['smtp.tls_failed'])
  })

  test('at which the server hangs up is done without, once', async () => {
    const { hop, result, calls } = await meet({ extensions, answers: { STARTTLS: 'hang-up' } })
    expect(result.outcome).toBe('delivered')
    expect(hop.taken[0]?.encrypted).toBe(false)
    expect(calls).toHaveLength(2)
  })

  test('after which the server hangs up is done without, and where it is demanded the mail waits', async () => {
    const answers = {
      EHLO: (() => {
        let times = 0
        return () => (++times === 2 ? 'hang-up' : '250-there.test\r\n250 STARTTLS')
      })(),
    }
    const { hop, result } = await meet({ answers })
    expect(result.outcome).toBe('delivered')
    expect(hop.taken[0]?.encrypted).toBe(false)
    const tlsPolicy = () => ({ level: 'encrypt' }) as const
    const demanded = await meet(
      { extensions, answers: { STARTTLS: 'hang-up' } },
      { settings: { tlsPolicy } },
    )
    expect(demanded.result).toMatchObject({ outcome: 'deferred', status: '4.7.5' })
    expect(demanded.calls).toHaveLength(1)
  })

  test('replies slipped in behind STARTTLS in the clear are not believed', async () => {
    const { hop, log } = await meet({
      extensions,
      answers: { STARTTLS: '220 Go\r\n250 slipped in' },
    })
    expect(log.events[0]?.fields.error).toContain('in the clear')
    expect(hop.taken[0]?.encrypted).toBe(false)
  })
})

describe('a login at the relay', () => {
  const login = { user: 'user=x', password: { reveal: () => 'pass' }, withoutTls: false }
  const plain = `AUTH PLAIN ${Buffer.from('\0user=x\0pass').toString('base64')}`

  test('is done by PLAIN under TLS, and named in MAIL', async () => {
    const { hop, result } = await meet(
      { extensions: ['STARTTLS', 'AUTH LOGIN PLAIN'] },
      { route: { ...relay, login } },
    )
    expect(result.outcome).toBe('delivered')
    expect(hop.commands).toContain(plain)
    expect(hop.commands).toContain('MAIL FROM:<ann@here.test> AUTH=user+3Dx')
  })

  test('is done by LOGIN where there is no PLAIN', async () => {
    const { hop } = await meet(
      {
        extensions: ['STARTTLS', 'AUTH LOGIN'],
        answers: {
          AUTH: (line) =>
            line === Buffer.from('pass').toString('base64') ? '235 Ok' : '334 VXNlcm5hbWU6',
        },
      },
      { route: { ...relay, login } },
    )
    expect(hop.taken).toHaveLength(1)
    expect(hop.commands).toContain('AUTH LOGIN')
  })

  test('never goes out in the clear unless the route says so', async () => {
    const silent = await meet({ extensions: ['AUTH PLAIN'] }, { route: { ...relay, login } })
    expect(silent.hop.commands.join()).not.toContain('AUTH')
    expect(silent.result.outcome).toBe('delivered')
    const open = { ...login, withoutTls: true }
    const told = await meet(
      { extensions: ['STARTTLS', 'AUTH PLAIN'] },
      { route: { ...relay, login: open } },
    )
    expect(told.hop.commands).toContain(plain)
    expect(told.hop.commands).not.toContain('STARTTLS')
  })

  test.each([
    ['no login that we know', ['STARTTLS', 'AUTH SCRAM-SHA-256'], {}],
    ['no login', ['STARTTLS'], {}],
    ['no TLS now', ['STARTTLS', 'AUTH PLAIN'], { tls: 'fails' }],
  ] as const)(
    'that is not to be had, for there is %s, bounces nothing for the want of it',
    async (_, extensions, more) => {
      const wants: readonly HopAnswers[] = [
        { MAIL: '530 5.7.0 Authentication required' },
        { RCPT: '554 5.7.1 Relay access denied' },
      ]
      for (const answers of wants) {
        const { result } = await meet(
          { extensions, answers, ...more },
          { route: { ...relay, login } },
        )
        expect(result).toMatchObject({ outcome: 'deferred', status: '4.7.0' })
        expect(result.text).toMatch(/could not log in \(.+\), said:\n5\d\d 5\.7/)
      }
      const answers = { RCPT: '550 5.1.1 No such user' }
      const { result } = await meet(
        { extensions, answers, ...more },
        { route: { ...relay, login } },
      )
      expect(result).toMatchObject({ outcome: 'failed', status: '5.1.1' })
    },
  )

  test('that is refused defers', async () => {
    const { result } = await meet(
      { extensions: ['STARTTLS', 'AUTH PLAIN'], answers: { AUTH: '535 5.7.8 No' } },
      { route: { ...relay, login } },
    )
    expect(result.outcome).toBe('deferred')
    expect(result.text).not.toContain('pass')
  })
})

describe('the hosts of a domain', () => {
  const mx = (exchange: string, preference: number) => ({ exchange, preference })
  const zones: FakeZones = {
    'there.test': { mx: [mx('backup.test', 20), mx('best.test', 10)] },
    'best.test': { addresses: ['192.0.2.10', '2001:db8::10'] },
    'backup.test': { addresses: ['192.0.2.20'] },
  }

  test('are tried best first, address by address, until one lets us in', async () => {
    const hop = scriptedHop()
    const { calls, results } = stage({
      route: byMx,
      zones,
      hosts: { '192.0.2.20:25': hop.accepted },
    })
    expect(await results).toMatchObject([
      { outcome: 'delivered', remote: 'backup.test (192.0.2.20)' },
    ])
    expect(calls).toEqual(['192.0.2.10:25', '2001:db8::10:25', '192.0.2.20:25'])
  })

  test.each(['greeting', 'EHLO'] as const)(
    'are passed over where the %s is refused or broken',
    async (step) => {
      for (const text of ['421 4.3.2 Busy', 'hang-up']) {
        const busy = scriptedHop({ answers: { [step]: text } })
        const hop = scriptedHop()
        const hosts = { '192.0.2.10:25': busy.accepted, '192.0.2.20:25': hop.accepted }
        const [result] = await stage({ route: byMx, zones, hosts }).results
        expect(result?.outcome).toBe('delivered')
        expect(hop.taken).toHaveLength(1)
      }
    },
  )

  test('are not tried further once one has heard of the message', async () => {
    const refusing = scriptedHop({ answers: { MAIL: '451 4.7.1 Later' } })
    const { calls, results } = stage({
      route: byMx,
      zones,
      hosts: { '192.0.2.10:25': refusing.accepted },
    })
    expect(await results).toMatchObject([{ outcome: 'deferred', status: '4.7.1' }])
    expect(calls).toEqual(['192.0.2.10:25'])
  })

  test('that all refuse the connection defer', async () => {
    const { results } = stage({ route: byMx, zones })
    expect(await results).toMatchObject([{ outcome: 'deferred', status: '4.4.1' }])
  })

  test('are five connections at most, however many there are', async () => {
    const many = Array.from({ length: 50 }, (_, i) => `192.0.2.${i + 1}`)
    const { calls, results } = stage({ route: byMx, zones: { 'there.test': { addresses: many } } })
    expect(await results).toMatchObject([{ outcome: 'deferred' }])
    expect(calls).toHaveLength(5)
  })

  test('that can not be looked up now do not turn a failure to connect into a bounce', async () => {
    const half = {
      'there.test': { mx: [mx('dead.test', 10), mx('gone.test', 20)] },
      'dead.test': 'fails',
    } as const
    const { results } = stage({ route: byMx, zones: half })
    expect(await results).toMatchObject([{ outcome: 'deferred', status: '4.4.3' }])
  })
})
