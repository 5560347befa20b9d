import { describe, expect, test } from 'vitest'
import { emptyEnvironment } from '../mail/environment.ts'
import { passRuling, type Ruling } from '../mail/ruling.ts'
import { processCounters } from '../runtime/node/counters.ts'
import { settled, smtpStage } from '../testkit/smtp-stage.ts'

const envelope = 'HELO c.test\r\nMAIL FROM:<a@client.test>\r\nRCPT TO:<b@mx.test>\r\nDATA\r\n'

describe('a listener', () => {
  test('turns away who comes beyond its limit, and takes the next when one has gone', async () => {
    const stage = await smtpStage({ listener: { maxConnections: 2 } })
    const first = await stage.dial('198.51.100.1')
    await stage.dial('198.51.100.2')
    const third = await stage.dial('198.51.100.3')
    await stage.lookAgain()
    expect(await third.reply()).toBe('421 4.3.2 Too many connections, come back later')
    await settled()
    expect(third.closed).toBe(true)
    expect(stage.listener.sessions).toBe(2)
    expect(stage.policy.opened.length).toBe(2)
    first.connection.destroy()
    await settled()
    expect(await (await stage.dial('198.51.100.3')).reply()).toBe('220 mx.test ESMTP')
  })

  test('has a limit for each address', async () => {
    const stage = await smtpStage({ listener: { maxConnectionsPerAddress: 1 } })
    const first = await stage.dial('198.51.100.1')
    expect(await first.reply()).toContain('220')
    const second = await stage.dial('198.51.100.1')
    await stage.lookAgain()
    expect(await second.reply()).toBe('421 4.7.0 Too many connections from your address')
    expect(await (await stage.dial('198.51.100.2')).reply()).toContain('220')
    first.send('QUIT\r\n')
    await settled()
    expect(await (await stage.dial('198.51.100.1')).reply()).toContain('220')
  })

  test('counts a client no longer as one of its address when its QUIT is answered, whenever its socket is closed', async () => {
    const counters = processCounters()
    const stage = await smtpStage({ listener: { maxConnectionsPerAddress: 1 }, counters })
    for (let count = 0; count < 3; count++) {
      const client = await stage.dial('198.51.100.1')
      expect(await client.reply()).toContain('220')
      client.send('QUIT\r\n')
      expect(await client.reply()).toContain('221')
      expect(counters.count('smtp:mx:198.51.100.1')).toBe(0)
      expect(counters.count('smtp:mx')).toBe(1)
    }
  })

  test('counts a client that was sent away as one of its address until it is gone', async () => {
    const counters = processCounters()
    const stage = await smtpStage({ counters })
    const { address } = stage.listener
    if (!('host' in address)) throw new Error('it listens by TCP')
    // It never closes anything.
    let heard = ''
    const stubborn = await stage.net.connect({
      address,
      localAddress: '198.51.100.1',
      timeoutMs: 1,
    })
    const nothing = (): void => {}
    stubborn.attach({
      data: (chunk) => void (heard += chunk.toString()),
      ended: nothing,
      drained: nothing,
      closed: nothing,
    })
    await settled()
    stage.clock.advance(600_000)
    await settled()
    expect(heard).toContain('421 ')
    expect(counters.count('smtp:mx:198.51.100.1')).toBe(1)
    stubborn.end()
    await settled()
    expect(counters.count('smtp:mx:198.51.100.1')).toBe(0)
  })

  test('does not count those it turned away', async () => {
    const stage = await smtpStage({ listener: { maxConnections: 2, maxConnectionsPerAddress: 1 } })
    await stage.dial('198.51.100.1')
    for (let count = 0; count < 3; count++) {
      const another = await stage.dial('198.51.100.1')
      await stage.lookAgain()
      expect(await another.reply()).toContain('421')
    }
    expect(await (await stage.dial('198.51.100.2')).reply()).toContain('220')
  })

  test('names every session differently', async () => {
    const stage = await smtpStage()
    for (let count = 0; count < 5; count++) await stage.dial()
    const ids = stage.policy.opened.map(({ id }) => id)
    expect(new Set(ids).size).toBe(5)
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-z]+$/)
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('no rules')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no rules'))],
  ])('whose policy %s at the door sends the client away', async (_, introduce) => {
    const stage = await smtpStage({ through: (policy) => ({ ...policy, introduce }) })
    const client = await stage.dial()
    expect(await client.reply()).toBe('421 4.3.0 Local error, come back later')
    await settled()
    expect(stage.listener.sessions).toBe(0)
    expect(stage.log.events.map(({ event }) => event)).toContain('policy.failed')
  })

  test('keeps to the limits that the policy has for a client, and to its words', async () => {
    const limits = { maxConnectionsPerAddress: 1, texts: { address: '421 mx enough of you' } }
    const stage = await smtpStage({
      through: (policy) => ({
        ...policy,
        introduce: (newcomer) => {
          const known = { environment: emptyEnvironment, denied: false }
          const isBusy = newcomer.remote.address === '198.51.100.9'
          return { ...known, limits: isBusy ? limits : {} }
        },
      }),
    })
    const first = await stage.dial('198.51.100.9')
    const second = await stage.dial('198.51.100.9')
    const others = [await stage.dial('198.51.100.8'), await stage.dial('198.51.100.8')]
    await stage.lookAgain()
    expect(await first.reply()).toMatch(/^220 /)
    expect(await second.reply()).toBe('421 4.7.0 mx enough of you')
    for (const other of others) expect(await other.reply()).toMatch(/^220 /)
  })

  test('says what ident has said of a client, and asks nobody about one whom a proxy names', async () => {
    const asked: unknown[] = []
    const known = { environment: emptyEnvironment, denied: false, limits: {}, remoteInfo: 'joe' }
    const stage = await smtpStage({
      listener: { proxyNetworks: { has: (address) => address === '198.51.100.2' } },
      through: (policy) => ({
        ...policy,
        introduce: ({ local }) => {
          asked.push(local)
          return known
        },
      }),
    })
    expect(await (await stage.dial('198.51.100.1')).reply()).toContain('220')
    const proxied = await stage.dial('198.51.100.2')
    proxied.send('PROXY TCP4 203.0.113.10 192.0.2.1 40000 25\r\n')
    expect(await proxied.reply()).toContain('220')
    expect(asked).toEqual([{ address: '192.0.2.1', port: 25 }, undefined])
    const opened = stage.log.events.filter(({ event }) => event === 'session.opened')
    expect(opened[0]?.fields).toMatchObject({ remoteInfo: 'joe' })
  })

  test('whose policy cannot open a session says so and sends the client away', async () => {
    const broken = {
      open: () => {
        throw new Error('no chain')
      },
    }
    const stage = await smtpStage({ through: (policy) => ({ ...policy, ...broken }) })
    const client = await stage.dial()
    expect(await client.reply()).toBe('421 4.3.0 Local error, come back later')
    await settled()
    expect(stage.listener.sessions).toBe(0)
    expect(stage.log.events.map(({ event }) => event)).toContain('policy.failed')
  })
})

describe('a listener whose connections are counted elsewhere', () => {
  const counted = processCounters()
  const counters = {
    take: async (key: string, limit: number) => counted.take(key, limit),
    give: (key: string) => counted.give(key),
    count: async (key: string) => counted.count(key),
    spend: () => undefined,
  }

  test('serves as many as there is room for, and gives back what it took for the others', async () => {
    const listener = { maxConnections: 2, maxConnectionsPerAddress: 1 }
    const stage = await smtpStage({ listener, counters })
    const first = await stage.dial('198.51.100.1')
    const second = await stage.dial('198.51.100.1')
    await stage.lookAgain()
    expect(await second.reply()).toContain('from your address')
    await stage.dial('198.51.100.2')
    const third = await stage.dial('198.51.100.3')
    await stage.lookAgain()
    expect(await third.reply()).toContain('Too many connections,')
    first.send('QUIT\r\n')
    await settled()
    const next = await stage.dial('198.51.100.1')
    expect(await next.reply()).toContain('220')
    const closing = stage.listener.close(1_000)
    await closing
    expect([counted.count('smtp:mx'), counted.count('smtp:mx:198.51.100.1')]).toEqual([0, 0])
  })

  test('greets those who were being counted when it closed, and sends them away', async () => {
    const answer = Promise.withResolvers<boolean>()
    const stage = await smtpStage({ counters: { ...counters, take: () => answer.promise } })
    const client = await stage.dial()
    const closing = stage.listener.close(30_000)
    let closed = false
    void closing.then(() => void (closed = true))
    await settled()
    expect([client.closed, client.unread, closed]).toEqual([false, '', false])
    answer.resolve(true)
    expect(await client.reply()).toContain('220')
    expect(await client.reply()).toContain('421 4.3.2')
    await closing
    expect(stage.listener.sessions).toBe(0)
  })
})

describe('a listener that closes', () => {
  test('tells idle clients at once and is closed when they are gone', async () => {
    const stage = await smtpStage()
    const client = await stage.dial()
    await client.reply()
    const closing = stage.listener.close(30_000)
    expect(await client.reply()).toBe('421 4.3.2 mx.test is shutting down')
    await closing
    expect(client.closed).toBe(true)
    expect(stage.policy.history.at(-1)).toBe('session shutdown')
    expect(stage.clock.pending).toBe(0)
    await expect(stage.dial()).rejects.toMatchObject({ code: 'CONNECT_FAILED' })
  })

  test('lets a transaction finish first', async () => {
    const stage = await smtpStage()
    const client = await stage.dial()
    client.send(envelope)
    for (const code of ['220', '250', '250', '250', '354'])
      expect(await client.reply()).toContain(code)
    const closing = stage.listener.close(30_000)
    await settled()
    expect(client.unread).toBe('')
    client.send('text\r\n.\r\nMAIL FROM:<next@client.test>\r\n')
    expect(await client.reply()).toContain('250 2.0.0 Ok: queued')
    expect(await client.reply()).toContain('421 4.3.2')
    await closing
    expect(stage.policy.history.slice(-2)).toEqual(['transaction committed', 'session shutdown'])
  })

  test('waits for an answer that is on its way', async () => {
    const stage = await smtpStage()
    const answer = Promise.withResolvers<Ruling>()
    stage.policy.script.hello = () => answer.promise
    const client = await stage.dial()
    client.send('HELO client.test\r\n')
    await client.reply()
    const closing = stage.listener.close(30_000)
    await settled()
    answer.resolve(passRuling)
    expect(await client.reply()).toBe('250 mx.test')
    expect(await client.reply()).toContain('421 4.3.2')
    await closing
  })

  test('does not wait longer than it was told to', async () => {
    const stage = await smtpStage()
    const client = await stage.dial()
    client.send(`${envelope}half a mess`)
    for (let count = 0; count < 5; count++) await client.reply()
    const closing = stage.listener.close(30_000)
    await settled()
    stage.clock.advance(30_000)
    expect(await client.reply()).toContain('421 4.3.2')
    await closing
    expect(stage.policy.history.slice(-2)).toEqual(['transaction aborted', 'session shutdown'])
    expect(stage.queue.openDrafts).toBe(0)
  })

  test('says what came of a commit that is under way, however little time it has', async () => {
    const stage = await smtpStage()
    const written = Promise.withResolvers<void>()
    stage.queue.delayCommits(written.promise)
    const client = await stage.dial()
    client.send(envelope)
    for (let count = 0; count < 5; count++) await client.reply()
    client.send('text\r\n.\r\n')
    await settled()
    const closing = stage.listener.close(0)
    stage.clock.advance(1)
    await settled()
    expect(client.unread).toBe('')
    written.resolve()
    expect(await client.reply()).toContain('250 2.0.0 Ok: queued')
    expect(await client.reply()).toContain('421 4.3.2')
    await closing
    expect(stage.policy.history.slice(-2)).toEqual(['transaction committed', 'session shutdown'])
  })

  test('does not wait for a client that does not read what came of its commit', async () => {
    const stage = await smtpStage()
    const [written, asked] = [Promise.withResolvers<void>(), Promise.withResolvers<Ruling>()]
    stage.queue.delayCommits(written.promise)
    stage.policy.script.rcpt = () => asked.promise
    const client = await stage.dial()
    await client.reply()
    client.send('EHLO client.test\r\n')
    const hellos = Math.floor(40_000 / (await client.reply()).length)
    client.connection.pause()
    // More than fits is on its way just when the commit begins.
    for (const after of ['', `${envelope}text\r\n.\r\n`]) {
      client.send(`${'EHLO client.test\r\n'.repeat(hellos)}${after}`)
      await settled()
    }
    stage.clock.advance(1_001)
    asked.resolve(passRuling)
    await settled()
    void stage.listener.close(0)
    stage.clock.advance(1)
    await settled()
    written.resolve()
    await settled()
    expect(stage.policy.history.slice(-2)).toEqual(['transaction committed', 'session shutdown'])
  })

  test('with nobody in it is closed at once', async () => {
    const stage = await smtpStage()
    await stage.listener.close(30_000)
    expect(stage.clock.pending).toBe(0)
    expect(stage.net.open).toBe(0)
  })
})
