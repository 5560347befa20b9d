/** Clients that come through a proxy, from a listener's point of view. */
import { describe, expect, test } from 'vitest'
import { parseNetworks } from '../plugin/networks.ts'
import { formatHandOver } from '../formats/hand-over.ts'
import { settled, smtpStage } from '../testkit/smtp-stage.ts'

const line = 'PROXY TCP4 203.0.113.9 192.0.2.1 40000 25\r\n'
const proxy = '198.51.100.7'

function trusted(...list: string[]) {
  const parsed = parseNetworks(list)
  if (!parsed.ok) throw new Error(parsed.item)
  return { proxyNetworks: parsed.networks }
}

describe('a listener behind a proxy', () => {
  test('serves the client that the proxy names', async () => {
    const stage = await smtpStage({ listener: trusted('198.51.100.0/24') })
    const client = await stage.dial(proxy)
    await settled()
    expect(client.unread).toBe('')
    client.send(line)
    expect(await client.reply()).toBe('220 mx.test ESMTP')
    expect(stage.policy.opened[0]).toMatchObject({
      remote: { address: '203.0.113.9', port: 40_000 },
      local: { address: '192.0.2.1', port: 25 },
    })
  })

  test('takes the first command from the same packet, after the greeting', async () => {
    const stage = await smtpStage({ listener: trusted(proxy) })
    const client = await stage.dial(proxy)
    client.send(`${line}EHLO client.test\r\n`)
    expect(await client.reply()).toBe('220 mx.test ESMTP')
    expect(await client.reply()).toContain('250-mx.test')
    client.send('QUIT\r\n')
    expect(await client.reply()).toContain('221')
  })

  test('reads the header byte by byte', async () => {
    const stage = await smtpStage({ listener: trusted(proxy) })
    const client = await stage.dial(proxy)
    for (const byte of `${line}HELO c.test\r\n`) {
      client.send(byte)
      await settled()
    }
    expect(await client.reply()).toBe('220 mx.test ESMTP')
    expect(await client.reply()).toBe('250 mx.test')
  })

  test('counts the client, not the proxy', async () => {
    const listener = { ...trusted(proxy), maxConnectionsPerAddress: 1 }
    const stage = await smtpStage({ listener })
    const first = await stage.dial(proxy)
    first.send(line)
    expect(await first.reply()).toContain('220')
    const second = await stage.dial(proxy)
    second.send(line)
    await stage.lookAgain()
    expect(await second.reply()).toBe('421 4.7.0 Too many connections from your address')
    await settled()
    expect(second.closed).toBe(true)
    const third = await stage.dial(proxy)
    third.send('PROXY TCP4 203.0.113.10 192.0.2.1 40000 25\r\n')
    expect(await third.reply()).toContain('220')
  })

  test.each([
    ['no header', 'EHLO client.test\r\n'],
    ['a broken header', 'PROXY TCP4 somebody\r\n'],
  ])('closes on %s without a word, and logs it', async (_, sent) => {
    const stage = await smtpStage({ listener: trusted(proxy) })
    const client = await stage.dial(proxy)
    client.send(sent)
    await settled()
    expect(client.closed).toBe(true)
    expect(client.unread).toBe('')
    expect(stage.policy.opened).toEqual([])
    expect(stage.log.events).toMatchObject([
      { event: 'connection.unintroduced', fields: { remote: proxy } },
    ])
    expect(stage.clock.pending).toBe(0)
  })

  test('makes no fuss of a proxy that only looks whether it is there', async () => {
    const stage = await smtpStage({ listener: trusted(proxy) })
    const client = await stage.dial(proxy)
    client.connection.end()
    await settled()
    expect(client.closed).toBe(true)
    expect(stage.log.events).toMatchObject([{ event: 'connection.unintroduced', level: 'debug' }])
  })

  test('waits five seconds for the header', async () => {
    const stage = await smtpStage({ listener: trusted(proxy) })
    const client = await stage.dial(proxy)
    client.send('PROXY TCP4 203.0')
    await settled()
    stage.clock.advance(5_000)
    await settled()
    expect(client.closed).toBe(true)
    expect(stage.policy.opened).toEqual([])
  })

  test('counts those who have not said who they are', async () => {
    const stage = await smtpStage({ listener: { ...trusted(proxy), maxConnections: 1 } })
    const first = await stage.dial(proxy)
    const second = await stage.dial(proxy)
    await stage.lookAgain()
    expect(await second.reply()).toContain('421 4.3.2')
    first.connection.destroy()
    await settled()
    const third = await stage.dial(proxy)
    third.send(line)
    expect(await third.reply()).toContain('220')
  })

  test('waits for them no longer than its grace when it closes', async () => {
    const stage = await smtpStage({ listener: trusted(proxy) })
    const client = await stage.dial(proxy)
    client.send('PROXY')
    await settled()
    const closing = stage.listener.close(5_000)
    await settled()
    expect(client.closed).toBe(false)
    stage.clock.advance(5_000)
    await closing
    await settled()
    expect(client.closed).toBe(true)
    expect(stage.clock.pending).toBe(0)
  })

  test('serves the proxy itself, which looks whether it is there', async () => {
    const stage = await smtpStage({ listener: trusted(proxy) })
    const client = await stage.dial(proxy)
    client.send('PROXY UNKNOWN\r\n')
    expect(await client.reply()).toContain('220')
    expect(stage.policy.opened[0]?.remote.address).toBe(proxy)
  })

  test('believes nobody else: PROXY is an unknown command to them', async () => {
    const stage = await smtpStage({ listener: trusted(proxy) })
    const client = await stage.dial('198.51.100.8')
    expect(await client.reply()).toContain('220')
    client.send(line)
    expect(await client.reply()).toBe('500 5.5.2 Command not recognised')
    expect(stage.policy.opened[0]?.remote.address).toBe('198.51.100.8')
  })
})

describe('a listener to which tcpserver hands over', () => {
  const listener = { handOver: true }
  const block = (variables: Readonly<Record<string, string>>): string =>
    formatHandOver(new Map(Object.entries(variables)))?.toString('latin1') ?? ''

  test('serves the client that the variables name, with their environment', async () => {
    const stage = await smtpStage({ listener })
    const client = await stage.dial()
    const variables = {
      PROTO: 'TCP',
      TCPREMOTEIP: '203.0.113.9',
      TCPREMOTEPORT: '40000',
      TCPREMOTEHOST: 'spike.test',
      TCPLOCALIP: '::ffff:192.0.2.1',
      TCPLOCALPORT: '25',
      RELAYCLIENT: '',
      DATABYTES: '1000',
    }
    client.send(`${block(variables)}EHLO client.test\r\n`)
    expect(await client.reply()).toBe('220 mx.test ESMTP')
    expect(await client.reply()).toContain('250-STARTTLS')
    const [facts] = stage.policy.opened
    expect(facts).toMatchObject({
      remote: { address: '203.0.113.9', port: 40_000 },
      local: { address: '192.0.2.1', port: 25 },
      remoteName: 'spike.test',
    })
    expect([...(facts?.environment?.variables ?? [])]).toEqual([
      ['RELAYCLIENT', ''],
      ['DATABYTES', '1000'],
    ])
  })

  test('gives clients with equal variables one environment', async () => {
    const stage = await smtpStage({ listener })
    for (const TCPREMOTEIP of ['203.0.113.9', '203.0.113.10']) {
      const client = await stage.dial()
      client.send(block({ TCPREMOTEIP, RELAYCLIENT: '' }))
      await client.reply()
    }
    const [one, two] = stage.policy.opened
    expect(one?.environment).toBe(two?.environment)
    expect(one?.remote).not.toEqual(two?.remote)
  })

  test('knows TLS that ended before tcpserver, and offers it no more', async () => {
    const stage = await smtpStage({ listener })
    const client = await stage.dial()
    const SSL_PROTOCOL = 'TLSv1.3'
    client.send(`${block({ TCPREMOTEIP: '203.0.113.9', SSL: '1', SSL_PROTOCOL })}EHLO c.test\r\n`)
    await client.reply()
    const ehlo = await client.reply()
    expect(ehlo).not.toContain('STARTTLS')
    expect(ehlo).toContain('AUTH')
    expect(stage.policy.opened[0]?.tls).toEqual({ protocol: 'TLSv1.3', cipher: 'unknown' })
  })

  test('serves a client of inetd, whom nobody names', async () => {
    const stage = await smtpStage({ listener })
    const client = await stage.dial()
    client.send(block({}))
    expect(await client.reply()).toContain('220')
    expect(stage.policy.opened[0]?.remote).toEqual({ address: 'unknown', port: 0 })
  })

  test.each(['EHLO client.test\r\n', block({ TCPREMOTEIP: 'spike.test' })])(
    'closes on anything else: %j',
    async (sent) => {
      const stage = await smtpStage({ listener })
      const client = await stage.dial()
      client.send(sent)
      await settled()
      expect(client.closed).toBe(true)
      expect(client.unread).toBe('')
      expect(stage.policy.opened).toEqual([])
    },
  )
})
