import { describe, expect, test } from 'vitest'
import { netstring } from '../formats/netstring.ts'
import { emptyEnvironment } from '../mail/environment.ts'
import { passRuling } from '../mail/ruling.ts'
import { scriptedPolicy, slowPolicy, type Script } from '../testkit/scripted-policy.ts'
import { settled, smtpStage, type StageClient, type StageOptions } from '../testkit/smtp-stage.ts'
import type { PacketProtocol } from './packet.ts'
import { PacketReceiver } from './receiver.ts'

interface Options extends Omit<StageOptions, 'policy'> {
  readonly script?: Script
  readonly settings?: Parameters<typeof scriptedPolicy>[1]
}

const ours = { has: (address: string) => address === '198.51.100.7' }

async function stage(protocol: PacketProtocol, options: Options = {}) {
  const { script, settings, listener, ...rest } = options
  const policy = scriptedPolicy(script, { protocol, qmqpClients: ours, ...settings })
  const made = await smtpStage({
    ...rest,
    policy,
    listener: { tls: 'off', wordless: true, ...listener },
    receive: (parts) => new PacketReceiver(protocol, parts),
  })
  return { ...made, policy, dial: (from?: string) => made.dial(from) }
}

const packet = (message: string, sender: string, ...recipients: readonly string[]) =>
  [
    netstring(Buffer.from(message, 'latin1')),
    netstring(sender),
    netstring(...recipients.map((each) => netstring(each))),
  ].join('')

/** The words of each netstring, once nothing more comes. */
async function heard(client: StageClient): Promise<readonly string[]> {
  await settled()
  const answers: string[] = []
  for (let rest = client.unread; rest !== '';) {
    const [, digits = ''] = /^(\d+):/.exec(rest) ?? []
    const from = digits.length + 1
    const to = from + Number(digits)
    expect(rest[to]).toBe(',')
    answers.push(rest.slice(from, to))
    rest = rest.slice(to + 1)
  }
  return answers
}

const message = '\nSubject: x\n\nhello\n'

describe('QMTP', () => {
  test('says nothing first, and answers each recipient once the message is safe', async () => {
    const { dial, queue, policy } = await stage('qmtp')
    const client = await dial()
    expect(await heard(client)).toEqual([])
    client.send(packet(message, 'a@b.test', 'c@d.test', 'e@f.test'))
    const [first, second, ...more] = await heard(client)
    expect(first).toMatch(/^KOk: queued as \S+$/)
    expect([second, more]).toEqual([first, []])
    const [commit, ...others] = queue.commits
    expect(others).toEqual([])
    expect(commit?.message.bytes.toString()).toBe('Subject: x\r\n\r\nhello\r\n')
    expect(commit?.placement.envelope).toMatchObject({
      reversePath: { localPart: 'a', domain: 'b.test' },
      bodyType: '7bit',
      recipients: [
        { mailbox: { localPart: 'c', domain: 'd.test' } },
        { mailbox: { localPart: 'e', domain: 'f.test' } },
      ],
    })
    expect(commit?.placement.headerEdits).toMatchObject([
      {
        name: 'Received',
        value: expect.stringMatching(
          /^from unknown \(unknown \[198\.51\.100\.7\]\)\r\n by mx\.test with QMTP id \S+; /,
        ),
      },
    ])
    expect(policy.history).toEqual([
      'connect',
      'mail',
      'rcpt',
      'rcpt',
      'data',
      'message',
      'transaction committed',
    ])
  })

  test('takes a bounce of a bounce as one: what qmail calls #@[] is the null reverse-path', async () => {
    const { dial, queue } = await stage('qmtp')
    const client = await dial()
    client.send(packet(message, '#@[]', 'c@d.test'))
    await settled()
    expect(queue.commits[0]?.placement.envelope.reversePath).toBeNull()
  })

  test('takes qmail’s sender of VERP as its base, as by SMTP: the mark is no way around those who judge senders', async () => {
    const asked: unknown[] = []
    const script: Script = {
      mail({ reversePath, parameters }) {
        asked.push([reversePath, parameters.verp])
        return passRuling
      },
    }
    const { dial } = await stage('qmtp', { script })
    const client = await dial()
    const senders = ['list-@b.test-@[]', 'list-@b..test-@[]', 'list--@[]', 'a@b.test']
    client.send(senders.map((sender) => packet(message, sender, 'c@d.test')).join(''))
    await settled()
    expect((await heard(client)).map((answer) => answer.charAt(0))).toEqual(['K', 'D', 'D', 'K'])
    expect(asked).toEqual([
      [{ localPart: 'list-', domain: 'b.test' }, true],
      [{ localPart: 'a', domain: 'b.test' }, undefined],
    ])
  })

  test('refuses for good what is too long for an address, and takes the others', async () => {
    const long = `${'a'.repeat(2000)}@[]`
    const { dial, queue } = await stage('qmtp')
    const client = await dial()
    client.send(packet(message, long, 'c@d.test') + packet(message, 'a@b.test', long, 'c@d.test'))
    await settled()
    expect((await heard(client)).map((answer) => answer.charAt(0))).toEqual(['D', 'D', 'K'])
    expect(queue.commits).toHaveLength(1)
  })

  test('takes packet after packet, sent ahead and cut anywhere', async () => {
    const text =
      packet(message, '', 'c@d.test') +
      packet('\rSubject: y\r\n\r\ntwo\r\n', 'a@b.test', 'e@f.test')
    const { dial, queue } = await stage('qmtp', { through: slowPolicy })
    const whole = await dial()
    whole.send(text)
    await settled()
    await settled()
    expect(await heard(whole)).toHaveLength(2)
    const bytewise = await dial()
    for (const byte of text) {
      bytewise.send(byte)
      // oxlint-disable-next-line no-await-in-loop -- one byte after the other is what is tried
      await new Promise<void>((resolve) => void setImmediate(resolve))
    }
    await settled()
    expect(await heard(bytewise)).toHaveLength(2)
    const bodies = queue.commits.map(({ message: kept }) => kept.bytes.toString())
    const [one, two] = ['Subject: x\r\n\r\nhello\r\n', 'Subject: y\r\n\r\ntwo\r\n']
    expect(bodies).toEqual([one, two, one, two])
    expect(queue.commits[0]?.placement.envelope.reversePath).toBeNull()
    expect(queue.openDrafts).toBe(0)
  })

  test('answers in the order of the recipients, each with its own fate', async () => {
    const { dial, queue } = await stage('qmtp', {
      script: {
        rcpt: ({ recipient: { mailbox } }) =>
          mailbox.localPart === 'no'
            ? { ruling: 'reject', status: '5.7.1', text: 'not here', close: false }
            : mailbox.localPart === 'later'
              ? { ruling: 'defer', status: '4.2.1', text: 'not now', close: false }
              : { ruling: 'pass' },
      },
      settings: { maxRecipients: 2 },
    })
    const client = await dial()
    const names = ['no@d.test', 'a@d.test', 'later@d.test', 'nobody at all', 'b@d.test', 'c@d.test']
    client.send(packet(message, 'a@b.test', ...names))
    expect(await heard(client)).toEqual([
      'Dnot here (#5.7.1)',
      expect.stringMatching(/^KOk/),
      'Znot now (#4.2.1)',
      expect.stringMatching(/^KOk/),
      'ZToo many recipients in one transaction (#4.5.3)',
      'ZToo many recipients in one transaction (#4.5.3)',
    ])
    expect(queue.commits[0]?.placement.envelope.recipients).toHaveLength(2)
  })

  test('has no answer that promises anything where the policy or the disk refuse', async () => {
    const no = { ruling: 'reject', status: '5.7.1', text: 'no', close: false } as const
    const refusing: readonly Script[] = [
      { mail: () => no },
      { rcpt: () => no },
      { data: () => no },
      { message: () => no },
    ]
    for (const script of refusing) {
      // oxlint-disable-next-line no-await-in-loop -- one stage after the other
      const { dial, queue } = await stage('qmtp', { script })
      // oxlint-disable-next-line no-await-in-loop -- as above
      const client = await dial()
      client.send(packet(message, 'a@b.test', 'c@d.test', 'e@f.test'))
      // oxlint-disable-next-line no-await-in-loop -- as above
      expect(await heard(client)).toEqual(['Dno (#5.7.1)', 'Dno (#5.7.1)'])
      expect([queue.commits.length, queue.openDrafts]).toEqual([0, 0])
    }
    const full = await stage('qmtp')
    full.queue.refuseNextCommit('DISK_FULL')
    const client = await full.dial()
    client.send(packet(message, 'a@b.test', 'c@d.test') + packet(message, 'a@b.test', 'c@d.test'))
    expect(await heard(client)).toEqual([
      'ZNo space left, try again later (#4.3.1)',
      expect.stringMatching(/^KOk/),
    ])
  })

  test.each([
    ['a CR alone', '\na\rb\n', 'DThe message holds a bare CR, which no mail may (#5.6.0)'],
    [
      'an LF alone among CRLF',
      '\ra\nb\r\n',
      'DThe message holds a bare LF, which no mail may (#5.6.0)',
    ],
    ['a NUL', '\na\0b\n', 'DThe message holds a NUL, which no mail may (#5.6.0)'],
    ['too much', `\n${'x'.repeat(200)}\n`, 'DMessage too big (#5.3.4)'],
  ])('a message with %s is read to its end and refused', async (_what, text, said) => {
    const { dial, queue } = await stage('qmtp', { settings: { maxMessageBytes: 100 } })
    const client = await dial()
    client.send(packet(text, 'a@b.test', 'c@d.test') + packet(message, 'a@b.test', 'c@d.test'))
    expect(await heard(client)).toEqual([said, expect.stringMatching(/^KOk/)])
    expect(queue.openDrafts).toBe(0)
  })

  test('a policy that throws promises nothing, and the next packet is taken', async () => {
    let broken = true
    const { dial, queue } = await stage('qmtp', {
      script: {
        mail() {
          if (broken) throw new Error('a bug')
          return { ruling: 'pass' }
        },
      },
    })
    const client = await dial()
    client.send(packet(message, 'a@b.test', 'c@d.test'))
    expect(await heard(client)).toEqual(['ZLocal error, try again later (#4.3.0)'])
    broken = false
    client.send(packet(message, 'a@b.test', 'c@d.test'))
    expect((await heard(client))[1]).toMatch(/^KOk/)
    expect(queue.openDrafts).toBe(0)
  })

  test('what is no packet ends the session without a word', async () => {
    const { dial, queue, policy, log } = await stage('qmtp')
    const client = await dial()
    client.send(`${packet(message, 'a@b.test', 'c@d.test')}11:\nhello`)
    expect(await heard(client)).toHaveLength(1)
    client.send('12345x')
    expect(await heard(client)).toHaveLength(1)
    expect(client.closed).toBe(true)
    expect(queue.openDrafts).toBe(0)
    expect(policy.history.at(-1)).toBe('session errors')
    expect(log.events.map(({ event }) => event)).toContain('packet.broken')
  })

  test('a client that falls silent, trickles or leaves takes its draft with it', async () => {
    const { dial, clock, queue, policy } = await stage('qmtp', {
      settings: { dataTimeoutMs: 60_000 },
    })
    const silent = await dial()
    silent.send('100:\nhalf')
    await settled()
    expect(queue.openDrafts).toBe(1)
    clock.advance(60_000)
    await settled()
    expect([silent.closed, silent.unread, queue.openDrafts]).toEqual([true, '', 0])
    const gone = await dial()
    gone.send('100:\nhalf')
    await settled()
    gone.connection.destroy()
    await settled()
    expect(queue.openDrafts).toBe(0)
    const trickle = await stage('qmtp', {
      settings: { dataPace: { minBytesPerSecond: 100, windowMs: 1_000 } },
    })
    const slow = await trickle.dial()
    slow.send('100000:\n')
    for (let second = 0; second < 5 && !slow.closed; second++) {
      slow.send('x')
      // oxlint-disable-next-line no-await-in-loop -- time passes second by second
      await settled()
      trickle.clock.advance(1_000)
    }
    await settled()
    expect([slow.closed, trickle.queue.openDrafts]).toEqual([true, 0])
    expect(policy.history).toContain('session timeout')
  })

  test('between two packets a client may be as slow as between two commands', async () => {
    const { dial, clock, policy } = await stage('qmtp', {
      settings: {
        commandTimeoutMs: 300_000,
        dataTimeoutMs: 60_000,
        dataPace: { minBytesPerSecond: 100, windowMs: 1_000 },
      },
    })
    const client = await dial()
    for (const wanted of [1, 2]) {
      // oxlint-disable-next-line no-await-in-loop -- one packet after the other
      await settled()
      clock.advance(299_000)
      client.send(packet(message, 'a@b.test', 'c@d.test'))
      // oxlint-disable-next-line no-await-in-loop -- as above
      expect(await heard(client)).toHaveLength(wanted)
    }
    clock.advance(299_999)
    await settled()
    expect(client.closed).toBe(false)
    clock.advance(1)
    await settled()
    expect(client.closed).toBe(true)
    expect(policy.history.at(-1)).toBe('session timeout')
  })

  test('whoever may not come in hears nothing', async () => {
    const refused = await stage('qmtp', {
      script: {
        connect: () => ({ ruling: 'reject', status: '5.7.1', text: 'no', close: true }),
      },
    })
    const client = await refused.dial()
    client.send(packet(message, 'a@b.test', 'c@d.test'))
    expect(await heard(client)).toEqual([])
    expect(client.closed).toBe(true)
    const full = await stage('qmtp', { listener: { maxConnections: 1 } })
    await full.dial()
    const second = await full.dial()
    await full.lookAgain()
    await settled()
    expect([second.unread, second.closed]).toEqual(['', true])
  })
})

describe('QMQP', () => {
  const whole = (...parts: readonly string[]) =>
    String(netstring(...parts.map((each) => netstring(each))))

  test('takes one message for all of its recipients, and closes', async () => {
    const { dial, queue } = await stage('qmqp')
    const client = await dial()
    client.send(whole('Subject: x\n\nhello\n', 'a@b.test', 'c@d.test', 'e@f.test'))
    expect(await heard(client)).toEqual([expect.stringMatching(/^KOk: queued as/)])
    expect(client.closed).toBe(true)
    expect(queue.commits[0]?.message.bytes.toString()).toBe('Subject: x\r\n\r\nhello\r\n')
    expect(queue.commits[0]?.placement.headerEdits).toMatchObject([
      { value: expect.stringContaining('with QMQP id') },
    ])
  })

  test('takes none where one recipient is refused', async () => {
    const { dial, queue } = await stage('qmqp', {
      script: {
        rcpt: ({ recipient: { mailbox } }) =>
          mailbox.localPart === 'e'
            ? { ruling: 'reject', status: '5.1.1', text: 'nobody', close: false }
            : { ruling: 'pass' },
      },
    })
    const client = await dial()
    client.send(whole('hello\n', 'a@b.test', 'c@d.test', 'e@f.test'))
    expect(await heard(client)).toEqual(['Dnobody (#5.1.1)'])
    expect([queue.commits.length, queue.openDrafts]).toEqual([0, 0])
    const nobody = await dial()
    nobody.send(whole('hello\n', 'a@b.test'))
    expect(await heard(nobody)).toEqual(['DNo valid recipients (#5.5.1)'])
  })

  test('refuses for good a list that is too long: it cannot be sent in parts', async () => {
    const { dial, queue } = await stage('qmqp', { settings: { maxRecipients: 2 } })
    const sent = async (...recipients: readonly string[]) => {
      const client = await dial()
      client.send(whole('Subject: x\n\nhello\n', 'a@b.test', ...recipients))
      return heard(client)
    }
    expect(await sent('c@d.test', 'e@f.test', 'g@h.test')).toEqual([
      expect.stringMatching(/^DToo many recipients .*#5\.5\.3/),
    ])
    expect(queue.commits).toEqual([])
    expect(await sent('c@d.test', 'e@f.test')).toEqual([expect.stringMatching(/^KOk/)])
  })

  test('is for clients that are named, or may relay by their rule, and for nobody else', async () => {
    const { dial, policy, log } = await stage('qmqp')
    const stranger = await dial('203.0.113.9')
    stranger.send(whole('hello\n', 'a@b.test', 'c@d.test'))
    expect(await heard(stranger)).toEqual([])
    expect(stranger.closed).toBe(true)
    expect(policy.history).toEqual(['connect', 'session refused'])
    expect(log.events.map(({ event }) => event)).toContain('qmqp.refused')
    const environment = { ...emptyEnvironment, variables: new Map([['RELAYCLIENT', '']]) }
    const ruled = await stage('qmqp', {
      through: (inner) => ({
        introduce: (newcomer) => inner.introduce(newcomer),
        tlsFor: () => undefined,
        open: (facts) => Object.create(inner.open(facts), { environment: { value: environment } }),
      }),
    })
    const client = await ruled.dial('203.0.113.9')
    client.send(whole('hello\n', 'a@b.test', 'c@d.test'))
    expect(await heard(client)).toEqual([expect.stringMatching(/^KOk/)])
  })
})
