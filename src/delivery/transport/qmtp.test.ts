import { describe, expect, test } from 'vitest'
import { netstring } from '../../formats/netstring.ts'
import type { Envelope } from '../../mail/envelope.ts'
import { nextTurn } from '../../mail/next-turn.ts'
import type { QmtpRoute } from '../../mail/route.ts'
import type { Connection } from '../../runtime/net.ts'
import { fakeClock } from '../../testkit/fake-clock.ts'
import { fakeDns } from '../../testkit/fake-dns.ts'
import { fakeNet } from '../../testkit/fake-net.ts'
import { memoryMessage } from '../../testkit/memory-message.ts'
import { scriptedPeer, type ScriptedPeer } from '../../testkit/scripted-peer.ts'
import { seededRandom } from '../../testkit/seeded-random.ts'
import { qmtpTransport } from './qmtp.ts'
import type { SmtpSettings } from './smtp.ts'

const route: QmtpRoute = { transport: 'qmtp', key: 'qmtp', host: 'hub.test', port: 209 }
const message = memoryMessage('Subject: hi\r\n\r\n.dot\r\n')
const sent = `${message.sizeBytes + 1}:\r${message.bytes.toString()},6:a@b.cd,`

interface Scene {
  /** What the server does with its client. */
  readonly server: (peer: ScriptedPeer) => Promise<void> | void
  readonly to?: readonly string[]
  readonly message?: typeof message
  readonly envelope?: Partial<Envelope>
  readonly settings?: Partial<SmtpSettings>
}

async function meet({
  server,
  to = ['bob', 'cid'],
  message: what = message,
  envelope,
  settings,
}: Scene) {
  const net = fakeNet()
  const clock = fakeClock()
  const accepted = (connection: Connection): void => void server(scriptedPeer(connection))
  await net.listen({ address: { host: '192.0.2.7', port: 209 }, accepted, failed: () => {} })
  const transport = qmtpTransport({
    net,
    clock,
    random: seededRandom(1),
    dns: fakeDns({ 'hub.test': { addresses: ['192.0.2.6', '192.0.2.7'] } }),
    settings: () => ({ helloName: 'here.test', ...settings }),
  })
  const recipients = to.map((localPart) => ({ mailbox: { localPart, domain: 'there.test' } }))
  const whole: Envelope = {
    reversePath: { localPart: 'a', domain: 'b.cd' },
    recipients,
    bodyType: '7bit',
    smtputf8: false,
    requireTls: false,
    ...envelope,
  }
  const delivery = { queueId: 'q', message: what, envelope: whole, recipients, route }
  const controller = new AbortController()
  const results = transport.deliver(delivery, controller.signal)
  return { results, clock, controller }
}

/** Each chunk comes when whatever the server says has arrived. */
function slowly(whole: typeof message): typeof message {
  return Object.assign(Object.create(whole), {
    async *read(...range: Parameters<typeof whole.read>) {
      for await (const chunk of whole.read(...range)) {
        for (let turn = 0; turn < 10; turn++) await nextTurn()
        yield chunk
      }
    },
  })
}

const answers = (...texts: readonly string[]) => texts.map((text) => netstring(text)).join('')

describe('a QMTP server', () => {
  test('is given message, sender and recipients at once, and answers for each', async () => {
    let heard: string | undefined
    const names = ['bob', 'c d', 'e', 'f'].map((to) => netstring(`${to}@there.test`))
    const list = netstring(...names).toString()
    const { results } = await meet({
      async server(peer) {
        heard = await peer.take(`${sent}${list}`.length)
        peer.say(answers('Kok 1 qp 2', 'Zlater (#4.2.1)', 'Dno such list (#5.1.1)', 'Dno'))
      },
      to: ['bob', 'c d', 'e', 'f'],
    })
    const [bob, ...others] = await results
    expect(bob).toEqual({
      outcome: 'delivered',
      status: '2.0.0',
      text: 'ok 1 qp 2',
      remote: 'hub.test (192.0.2.7)',
      relayed: 'without-dsn',
    })
    expect(others).toMatchObject([
      { outcome: 'deferred', status: '4.2.1', text: 'later (#4.2.1)' },
      { outcome: 'failed', status: '5.1.1' },
      { outcome: 'failed', status: '5.0.0' },
    ])
    expect(heard).toBe(`${sent}${list}`)
  })

  test('is given no more recipients in one packet than the setting says', async () => {
    const packets: (string | undefined)[] = []
    const { results } = await meet({
      async server(peer) {
        for (const answer of ['Kone', 'Ktwo']) {
          // oxlint-disable-next-line no-await-in-loop -- one packet after the other
          packets.push(await peer.take(`${sent}18:14:bob@there.test,,`.length))
          peer.say(answers(answer))
        }
      },
      settings: { maxRecipients: 1 },
    })
    expect((await results).map(({ text }) => text)).toEqual(['one', 'two'])
    expect(packets[1]).toBe(`${sent}18:14:cid@there.test,,`)
  })

  test('is given each recipient of VERP with a sender of his own', async () => {
    const packet = (name: string): string =>
      `${sent.replace('6:a@b.cd,', `21:a-${name}=there.test@b.cd,`)}18:14:${name}@there.test,,`
    const packets: (string | undefined)[] = []
    const { results } = await meet({
      async server(peer) {
        for (const name of ['bob', 'cid']) {
          // oxlint-disable-next-line no-await-in-loop -- one packet after the other
          packets.push(await peer.take(packet(name).length))
          peer.say(answers('Kok'))
        }
      },
      envelope: { reversePath: { localPart: 'a-@b.cd-', domain: '[]' } },
    })
    expect(await results).toMatchObject([{ outcome: 'delivered' }, { outcome: 'delivered' }])
    expect(packets).toEqual([packet('bob'), packet('cid')])
  })

  test.each([
    ['A: b\r\n\r\none\rtwo\nthree\r\n', '\rA: b\r\n\r\none two three\r\n'],
    ['A: b\r\n\r\nno end', '\rA: b\r\n\r\nno end\r\n'],
    ['A: b\r\n\r\nhalf an end\r', '\rA: b\r\n\r\nhalf an end \r\n'],
    ['A: b\r\n\r\nanother\n', '\rA: b\r\n\r\nanother \r\n'],
    ['\r\n', '\r\r\n'],
    ['\n', '\r \r\n'],
    ['', '\r'],
  ])('is given %j with lines as every next hop gets them', async (kept, given) => {
    const expected = `${netstring(given).toString()}6:a@b.cd,18:14:bob@there.test,,`
    let heard: string | undefined
    const { results } = await meet({
      async server(peer) {
        heard = await peer.take(expected.length)
        peer.say(answers('Kok'))
      },
      to: ['bob'],
      message: memoryMessage(kept),
    })
    expect(await results).toMatchObject([{ outcome: 'delivered' }])
    expect(heard).toBe(expected)
  })

  test.each([
    ['says nothing that is an answer', '220 hub ESMTP\r\n', /it sent what is no answer/],
    ['answers with a letter of its own', answers('Xok'), /it sent what is no answer/],
    ['answers without end', '10001:', /it sent what is no answer/],
    ['answers with nothing', answers(''), /it sent what is no answer/],
  ])('that %s has taken nothing', async (_what, said, text) => {
    const { results } = await meet({ server: (peer) => peer.say(said) })
    const expected = { outcome: 'deferred', status: '4.4.2', text: expect.stringMatching(text) }
    expect(await results).toMatchObject([expected, expected])
  })

  test('that leaves after one answer has given one', async () => {
    const { results } = await meet({
      async server(peer) {
        await peer.take(sent.length)
        peer.say(answers('Kok'))
        peer.hangUp()
      },
    })
    expect(await results).toMatchObject([
      { outcome: 'delivered' },
      { outcome: 'deferred', text: expect.stringContaining('may have taken all the same') },
    ])
  })

  test('is not believed that it took a message before it was told for whom', async () => {
    const second: (string | undefined)[] = []
    const early = async (peer: ScriptedPeer): Promise<void> => {
      peer.say(answers('Kok', 'Kok'))
      second.push(await peer.take(sent.indexOf(',6:') + 1))
    }
    const { results } = await meet({
      server: early,
      message: slowly(message),
      settings: { maxRecipients: 1 },
    })
    const text = expect.stringContaining('before it was told for whom')
    const deferred = { outcome: 'deferred', status: '4.4.2', text }
    expect(await results).toMatchObject([deferred, deferred])
    // Another packet behind half of one would be part of it.
    expect(second).toEqual([undefined])
  })

  test('that falls silent, or that nobody needs any more, is let go', async () => {
    const silent = await meet({ server: () => undefined })
    for (let turn = 0; turn < 50; turn++) {
      // oxlint-disable-next-line no-await-in-loop -- lets happen what can
      await new Promise<void>((resolve) => void setImmediate(resolve))
    }
    silent.clock.advance(600_000)
    expect(await silent.results).toMatchObject([{ outcome: 'deferred' }, { outcome: 'deferred' }])
    const aborted = await meet({ server: () => undefined })
    aborted.controller.abort()
    expect(await aborted.results).toMatchObject([{ outcome: 'deferred' }, { outcome: 'deferred' }])
  })

  test('is not told what asks for TLS, nor what is no text', async () => {
    const server = (): never => expect.fail('nobody is called')
    const required = await meet({ server, envelope: { requireTls: true } })
    expect((await required.results)[0]).toMatchObject({ outcome: 'failed', status: '5.7.30' })
    const binary = await meet({ server, envelope: { bodyType: 'binarymime' } })
    expect((await binary.results)[0]).toMatchObject({ outcome: 'failed', status: '5.6.3' })
    const policy = await meet({ server, settings: { tlsPolicy: () => ({ level: 'encrypt' }) } })
    expect((await policy.results)[0]).toMatchObject({ outcome: 'deferred', status: '4.7.5' })
  })
})
