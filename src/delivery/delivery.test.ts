/** The courier with all its own parts, over real connections on loopback and a disk in memory. */
import { readFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { parseSmtpRoutes } from '../formats/smtproutes.ts'
import { nodeNet } from '../runtime/node/net.ts'
import type { NetListener } from '../runtime/net.ts'
import { fakeClock } from '../testkit/fake-clock.ts'
import { fakeDisk } from '../testkit/fake-disk.ts'
import { fakeDns } from '../testkit/fake-dns.ts'
import { memoryQueue } from '../testkit/memory-queue.ts'
import { recordingLog } from '../testkit/recording-log.ts'
import { scriptedHop, type HopOptions } from '../testkit/scripted-hop.ts'
import { seededRandom } from '../testkit/seeded-random.ts'
import { createBouncer } from './bounce.ts'
import { Courier } from './courier.ts'
import { createRouter } from './router.ts'
import { maildirTransport } from './transport/maildir.ts'
import { smtpTransport } from './transport/smtp.ts'

const pem = (name: string) =>
  readFileSync(new URL(`../../test/fixtures/tls/${name}`, import.meta.url), 'utf8')

const listeners: NetListener[] = []
afterEach(async () => {
  for (const listener of listeners.splice(0)) await listener.close()
})

async function gateway(hopOptions: HopOptions = {}) {
  const hop = scriptedHop(hopOptions)
  const listener = await nodeNet.listen({
    address: { host: '127.0.0.1', port: 0 },
    accepted: hop.accepted,
    failed: () => {},
  })
  listeners.push(listener)
  const port = 'port' in listener.address ? listener.address.port : 0
  const clock = fakeClock()
  const log = recordingLog()
  const random = seededRandom(1)
  const queue = memoryQueue(clock)
  const disk = fakeDisk({ '/srv/motd': '' })
  const smtpRoutes = parseSmtpRoutes(Buffer.from(`there.test:[127.0.0.1]:${port}\n`)).value
  const hostname = 'mx.here.test'
  const courier = new Courier({
    queue,
    clock,
    log,
    router: createRouter({
      mailRoot: '/srv/mail',
      tables: () => ({ defaultHost: 'here.test', locals: new Set(['here.test']), smtpRoutes }),
    }),
    carriers: {
      plugin: { channel: 'remote', transport: { deliver: () => expect.fail('no plugin carries') } },
      local: { channel: 'local', transport: { deliver: () => expect.fail('nobody is a user') } },
      maildir: {
        channel: 'local',
        transport: maildirTransport({ disk, clock, random, process: { pid: 1 }, hostname }),
      },
      smtp: {
        channel: 'remote',
        transport: smtpTransport({
          net: nodeNet,
          dns: fakeDns(),
          clock,
          random,
          log,
          settings: () => ({ helloName: hostname }),
          pool: () => ({ idleMs: 0 }),
        }),
      },
      lmtp: { channel: 'local', transport: { deliver: () => expect.fail('no LMTP') } },
      qmtp: { channel: 'remote', transport: { deliver: () => expect.fail('no QMTP') } },
      alias: { channel: 'local', transport: { deliver: () => expect.fail('no alias') } },
    },
    bouncer: createBouncer({
      queue,
      clock,
      random,
      log,
      settings: () => ({
        hostname,
        from: { localPart: 'MAILER-DAEMON', domain: hostname },
        doubleBounceTo: { localPart: 'postmaster', domain: 'here.test' },
        maxBytes: 100_000,
        holds: () => false,
      }),
    }),
    limits: () => ({
      local: 10,
      remote: 20,
      messages: 100,
      lifetimeMs: 604_800_000,
      delayNoticeMs: 14_400_000,
    }),
  })
  courier.start()

  return {
    hop,
    log,
    queue,
    courier,
    post: async (...to: string[]) => {
      const draft = queue.begin()
      await draft.write(Buffer.from('Subject: hi\r\n\r\n.hello\r\n'))
      await draft.end()
      const recipients = to.map((address) => {
        const [localPart = '', domain = ''] = address.split('@')
        return { mailbox: { localPart, domain } }
      })
      const reversePath = { localPart: 'ann', domain: 'here.test' }
      const common = { bodyType: '7bit', smtputf8: false, requireTls: false } as const
      const envelope = { reversePath, recipients, ...common }
      await draft.commit([{ disposition: 'deliver', headerEdits: [], envelope }])
      while (queue.size > 0 && queue.nextDueAt() !== clock.now() + 400_000) await setImmediate()
    },
    mailOf: async (localPart: string): Promise<string[]> => {
      const folder = `/srv/mail/here.test/${localPart}/new`
      const names = await disk.list(folder).catch(() => [])
      return names.map((name) => disk.bytes(`${folder}/${name}`).toString())
    },
  }
}

describe('delivery', () => {
  test('takes a message to a Maildir and to a relay', async () => {
    const { post, hop, mailOf } = await gateway()
    await post('bob@here.test', 'cid@there.test')
    expect(await mailOf('bob')).toEqual([
      'Return-Path: <ann@here.test>\nDelivered-To: bob@here.test\nSubject: hi\n\n.hello\n',
    ])
    expect(hop.taken).toEqual([
      {
        reversePath: 'ann@here.test',
        recipients: ['cid@there.test'],
        message: 'Subject: hi\r\n\r\n.hello\r\n',
        encrypted: false,
      },
    ])
  })

  test('tells the sender what the relay refused', async () => {
    const { post, mailOf } = await gateway({ answers: { RCPT: '550 5.1.1 Nobody of that name' } })
    await post('cid@there.test')
    const [bounce] = await mailOf('ann')
    expect(bounce).toContain('Return-Path: <>\n')
    expect(bounce).toContain('[127.0.0.1] said:\n550 5.1.1 Nobody of that name')
    expect(bounce).toContain('Final-Recipient: rfc822;cid@there.test')
  })

  test('is encrypted where the relay can, whatever its certificate', async () => {
    const tls = nodeNet.tlsContext({ certificate: pem('mx.test.pem'), key: pem('mx.test.key') })
    const { post, hop, log } = await gateway({ extensions: ['STARTTLS', 'PIPELINING'], tls })
    await post('cid@there.test')
    expect(hop.taken[0]?.encrypted).toBe(true)
    expect(log.events.map(({ event }) => event)).toEqual(['delivery.started', 'delivery.delivered'])
  })

  test('goes on in the clear where the handshake breaks', async () => {
    const { post, hop, log } = await gateway({ extensions: ['STARTTLS'], tls: 'fails' })
    await post('cid@there.test')
    expect(hop.taken[0]?.encrypted).toBe(false)
    expect(log.events.map(({ event }) => event)).toEqual([
      'delivery.started',
      'smtp.tls_failed',
      'delivery.delivered',
    ])
  })

  test.each(['greeting', 'EHLO', 'MAIL', 'RCPT', 'DATA', 'message'] as const)(
    'is deferred where the relay hangs up at %s',
    async (step) => {
      const { post, queue, hop } = await gateway({ answers: { [step]: 'hang-up' } })
      await post('cid@there.test')
      expect(queue.settled[0]?.results).toMatchObject([{ outcome: 'deferred' }])
      expect(hop.taken).toEqual([])
    },
  )
})
