import { describe, expect, test } from 'vitest'
import { PosternError } from '../../mail/errors.ts'
import type { Connection, TlsOptions } from '../../runtime/net.ts'
import { fakeClock } from '../../testkit/fake-clock.ts'
import { fakeDns } from '../../testkit/fake-dns.ts'
import { fakeNet } from '../../testkit/fake-net.ts'
import { memoryStore } from '../../testkit/memory-store.ts'
import { recordingLog } from '../../testkit/recording-log.ts'
import { scriptedPeer } from '../../testkit/scripted-peer.ts'
import { settle } from '../../testkit/next-hop-stage.ts'
import type { TlsSighting } from '../tls-rpt/sighting.ts'
import { StsPolicies } from './policies.ts'

const text = 'version: STSv1\r\nmode: enforce\r\nmx: mx.there.test\r\nmax_age: 86400\r\n'
const ok = (body: string): string =>
  `HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\n\r\n${body}`
const policy = { mode: 'enforce', mx: ['mx.there.test'], maxAgeSeconds: 86_400 }
const web = '8.8.4.4'

async function scene({
  response = ok(text),
  addresses = [web],
  stays = false,
  believed = true,
}: {
  readonly response?: string | undefined
  readonly addresses?: readonly string[]
  /** The host does not hang up. */
  readonly stays?: boolean
  readonly believed?: boolean
} = {}) {
  const net = fakeNet()
  const clock = fakeClock()
  const store = memoryStore(clock)
  const log = recordingLog()
  const handshakes: TlsOptions[] = []
  const requests: string[] = []
  const answer = { text: response }
  const dns = fakeDns({
    '_mta-sts.there.test': { txt: ['v=STSv1; id=1;'] },
    'mta-sts.there.test': { addresses },
  })
  const serve = async (connection: Connection): Promise<void> => {
    const peer = scriptedPeer(connection)
    await peer.startTls({ tlsContext: 'opaque' })
    for (
      let line = await peer.line();
      line !== undefined && line !== '';
      line = await peer.line()
    ) {
      requests.push(line)
    }
    if (answer.text === 'silence') return
    peer.say(answer.text)
    if (!stays) peer.hangUp()
  }
  const accepted = (connection: Connection): void => void serve(connection).catch(() => undefined)
  for (const host of addresses) {
    await net.listen({ address: { host, port: 443 }, accepted, failed: () => {} })
  }
  const connect: typeof net.connect = async (options) => {
    if (answer.text === 'defect') throw new TypeError('a defect')
    const connection = await net.connect(options)
    const startTls = connection.startTls.bind(connection)
    connection.startTls = (tls) => {
      handshakes.push(tls)
      if (believed) return startTls(tls)
      connection.destroy()
      // As a connection does it: whoever is attached knows first.
      return settle().then(() => Promise.reject(new PosternError('PEER_FAILED', 'TLS: unknown')))
    }
    return connection
  }
  const seen: TlsSighting[] = []
  const policies = new StsPolicies(
    { net: { ...net, connect }, clock, store, log, dns },
    (sighting) => seen.push(sighting),
  )
  const find = () => policies.find('there.test', new AbortController().signal)
  return { answer, clock, dns, find, handshakes, log, requests, seen, store }
}

describe('the policy of a domain', () => {
  test('is fetched by HTTPS from a host whose certificate is verified', async () => {
    const { find, handshakes, requests } = await scene()
    expect(await find()).toEqual(policy)
    expect(requests.slice(0, 2)).toEqual([
      'GET /.well-known/mta-sts.txt HTTP/1.1',
      'Host: mta-sts.there.test',
    ])
    expect(handshakes).toMatchObject([{ verify: true, servername: 'mta-sts.there.test' }])
  })

  test('is fetched once for all who ask, and not again while it holds', async () => {
    const { find, requests, clock } = await scene()
    await Promise.all([find(), find(), find()])
    clock.advance(86_399_000)
    expect(await find()).toEqual(policy)
    expect(requests.filter((line) => line.startsWith('GET'))).toHaveLength(1)
    clock.advance(2_000)
    await find()
    expect(requests.filter((line) => line.startsWith('GET'))).toHaveLength(2)
  })

  test('is fetched again once a day, and mail does not wait for it', async () => {
    const long = text.replace('86400', '604800')
    const { find, requests, clock, answer } = await scene({ response: ok(long) })
    const fetches = () => requests.filter((line) => line.startsWith('GET')).length
    await find()
    clock.advance(2 * 86_400_000)
    expect(await find()).toMatchObject({ mode: 'enforce' })
    await settle()
    expect(fetches()).toBe(2)
    clock.advance(6 * 86_400_000)
    answer.text = 'HTTP/1.1 500 Oh\r\n\r\n'
    expect(await find()).toMatchObject({ mode: 'enforce' })
    await settle()
    expect(fetches()).toBe(3)
  })

  test('holds where fetching it again meets a defect of ours, which ends nothing', async () => {
    const { find, clock, answer, log } = await scene({
      response: ok(text.replace('86400', '604800')),
    })
    await find()
    clock.advance(2 * 86_400_000)
    answer.text = 'defect'
    expect(await find()).toMatchObject({ mode: 'enforce' })
    await settle()
    expect(log.events.at(-1)).toMatchObject({
      event: 'mta_sts.not_fetched',
      fields: { domain: 'there.test', error: 'TypeError: a defect' },
    })
  })

  test('is fetched anew when its id changes; while that fails the old one holds', async () => {
    const { find, answer, dns, requests } = await scene()
    await find()
    dns.change({ '_mta-sts.there.test': { txt: ['v=STSv1; id=2'] } })
    answer.text = 'HTTP/1.1 500 Oh\r\n\r\n'
    expect(await find()).toEqual(policy)
    expect(await find()).toEqual(policy)
    expect(requests.filter((line) => line.startsWith('GET'))).toHaveLength(2)
  })

  test('holds though the record is gone or can not be asked for', async () => {
    const { find, dns } = await scene()
    await find()
    dns.change({ '_mta-sts.there.test': 'fails' })
    expect(await find()).toEqual(policy)
    dns.change({ '_mta-sts.there.test': undefined })
    expect(await find()).toEqual(policy)
  })

  test.each(['and hangs up', 'and stays'])(
    'may come in chunks from a host that sends them %s',
    async (how) => {
      const chunks = `5\r\n${text.slice(0, 5)}\r\n${(text.length - 5).toString(16)};x=y\r\n${text.slice(5)}\r\n0\r\n\r\n`
      const { find } = await scene({
        stays: how === 'and stays',
        response: `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`,
      })
      expect(await find()).toEqual(policy)
    },
  )

  test.each([
    ['a redirect', 'HTTP/1.1 301 Moved\r\nLocation: https://10.0.0.1/\r\n\r\n'],
    ['a web page', ok(text).replace('text/plain', 'text/html')],
    ['a page that is cut short', ok(text).slice(0, -10)],
    [
      'chunks that are cut short',
      ok(text).replace(/Content-Length.*/, 'Transfer-Encoding: chunked'),
    ],
    ['no policy', ok('hello')],
    ['no HTTP', '220 hi\r\n'],
    ['too much', ok('x'.repeat(100_000))],
    ['nothing', ''],
  ])(
    'is none where the host answers %s, and it is not asked again at once',
    async (_, response) => {
      const { find, log, requests } = await scene({ response })
      expect(await find()).toBeUndefined()
      expect(await find()).toBeUndefined()
      expect(log.events.map(({ event }) => event)).toContain('mta_sts.not_fetched')
      expect(requests.filter((line) => line.startsWith('GET'))).toHaveLength(1)
    },
  )

  test('that can not be had is reported once, with what is wrong with it', async () => {
    for (const [response, failure] of [
      [ok('hello'), 'sts-policy-invalid'],
      ['HTTP/1.1 404 None\r\n\r\n', 'sts-policy-fetch-error'],
    ] as const) {
      const { find, seen } = await scene({ response })
      await Promise.all([find(), find()])
      await find()
      expect(seen).toMatchObject([
        { domain: 'there.test', policy: { type: 'sts' }, outcome: { failure } },
      ])
    }
    const { find, seen } = await scene({ response: undefined, addresses: [] })
    await find()
    expect(seen).toMatchObject([{ outcome: { failure: 'sts-policy-fetch-error' } }])
  })

  test('is none where the host is silent for a quarter of a minute', async () => {
    const { find, clock } = await scene({ response: 'silence' })
    const found = find()
    await settle()
    clock.advance(15_000)
    expect(await found).toBeUndefined()
  })

  test.each([
    '127.0.0.1',
    '10.1.2.3',
    '169.254.169.254',
    '::1',
    'fd00::1',
    '::ffff:10.0.0.1',
    '192.0.2.1',
  ])('is never fetched from %s', async (address) => {
    const { find, requests } = await scene({ addresses: [address] })
    expect(await find()).toBeUndefined()
    expect(requests).toEqual([])
  })

  test.each([
    ['holds', ok(text), policy],
    ['that can not be had is not waited for again', 'HTTP/1.1 500 Oh\r\n\r\n', undefined],
  ])('%s for five minutes where there is no store', async (_, response, found) => {
    const { find, store, requests, clock, dns } = await scene({ response })
    const fetches = () => requests.filter((line) => line.startsWith('GET')).length
    store.fail(true)
    expect(await find()).toEqual(found)
    clock.advance(299_000)
    expect(await find()).toEqual(found)
    dns.change({ '_mta-sts.there.test': 'fails' })
    expect(await find()).toEqual(found)
    expect(fetches()).toBe(1)
    dns.change({ '_mta-sts.there.test': { txt: ['v=STSv1; id=1'] } })
    clock.advance(1_000)
    expect(await find()).toEqual(found)
    expect(fetches()).toBe(2)
  })

  test('holds as long where there is no store, though another id is told that nobody can fetch', async () => {
    const { find, store, dns, clock, answer, requests } = await scene()
    store.fail(true)
    await find()
    dns.change({ '_mta-sts.there.test': { txt: ['v=STSv1; id=2'] } })
    answer.text = 'HTTP/1.1 500 Oh\r\n\r\n'
    for (let mails = 0; mails < 3; mails++) expect(await find()).toEqual(policy)
    expect(requests.filter((line) => line.startsWith('GET'))).toHaveLength(2)
    clock.advance(300_000)
    expect(await find()).toBeUndefined()
  })

  test('holds no longer than it says where there is no store', async () => {
    const { find, store, dns, clock } = await scene({ response: ok(text.replace('86400', '60')) })
    store.fail(true)
    await find()
    clock.advance(60_000)
    dns.change({ '_mta-sts.there.test': undefined })
    expect(await find()).toBeUndefined()
  })

  test('from a host whose certificate is not believed is none, and reported as that', async () => {
    const { find, seen } = await scene({ believed: false })
    expect(await find()).toBeUndefined()
    expect(seen).toMatchObject([{ outcome: { failure: 'sts-webpki-invalid' } }])
  })

  test('is not fetched for a domain without a record', async () => {
    const { find, dns, requests } = await scene()
    dns.change({ '_mta-sts.there.test': undefined })
    expect(await find()).toBeUndefined()
    expect(requests).toEqual([])
  })
})
