/** `postern why` and `postern log`: each thing that can happen to mail, found by each thing somebody may have in hand of it. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  checkout,
  delivered,
  eventually,
  gatewayFolder,
  runPostern,
  runProgram,
  startGateway,
  type GatewayFolder,
  type StartedGateway,
} from './started-gateway.ts'

const yaml = `
listeners:
  - name: mx
    listen: 127.0.0.1:2525
plugin_dirs: [../plugins, ${join(checkout, 'test/fixtures/plugins')}]
receiver: { reply_ids: true }
chain:
  - plugin: relay-clients
  - plugin: rcpthosts
  - plugin: objector
    name: no-spam
    when: { recipient: [spam@postern.test] }
    options: { stage: message, text: Nothing of that kind }
`

let folder: GatewayFolder
let gateway: StartedGateway
let refusing: Server

const postern = (...args: readonly string[]) => runPostern([...args, '--config', folder.config])

/** Asked right after a reply: the gateway writes down what it has seen before it is looked for. */
const why = async (...args: readonly string[]) => (await postern('why', ...args)).stdout

/** One session from an address of this host. @returns the replies */
async function session(localAddress: string, lines: readonly string[]): Promise<string[]> {
  const socket = connect({ port: gateway.port, host: '127.0.0.1', localAddress })
  const replies: string[] = []
  const waiting = [...lines]
  let buffer = ''
  socket.setEncoding('latin1').on('data', (text) => {
    buffer += String(text)
    for (
      let end = buffer.search(/^\d{3} [^\n]*\n/m);
      end >= 0;
      end = buffer.search(/^\d{3} [^\n]*\n/m)
    ) {
      const after = buffer.indexOf('\n', end) + 1
      replies.push(buffer.slice(0, after).trimEnd())
      buffer = buffer.slice(after)
      const next = waiting.shift()
      if (next === undefined) socket.end()
      else socket.write(`${next}\r\n`, 'latin1')
    }
  })
  await once(socket, 'close')
  return replies
}

function message(from: string, to: string, id: string): readonly string[] {
  const text = `Message-ID: <${id}>\r\nSubject: one\r\n\r\nhello\r\n.`
  return ['EHLO client.test', `MAIL FROM:<${from}>`, `RCPT TO:<${to}>`, 'DATA', text, 'QUIT']
}

const idIn = (reply: string | undefined): string => /\(id (\S+)\)/.exec(reply ?? '')?.[1] ?? 'none'

beforeAll(async () => {
  refusing = createServer((socket) => {
    socket.write('220 refusing.test\r\n')
    socket
      .on('error', () => undefined)
      .on('data', (data) => {
        const verb = data.toString('latin1').slice(0, 4).toUpperCase()
        socket.write(verb === 'RCPT' ? '550 5.1.1 Nobody of that name\r\n' : '250 Ok\r\n')
      })
  }).listen(0, '127.0.0.1')
  await once(refusing, 'listening')
  const { port } = refusing.address() as AddressInfo
  folder = await gatewayFolder(yaml)
  await folder.write('tcp.smtp', '127.0.0.2:deny\n127.0.0.3:allow\n:allow,RELAYCLIENT=""\n')
  await folder.write(
    'control/smtproutes',
    `late.test:127.0.0.1:1\nrefusing.test:127.0.0.1:${port}\n`,
  )
  gateway = await startGateway(folder)
})

afterAll(async () => {
  await gateway.stop()
  await folder.remove()
  refusing.close()
})

describe('postern why', () => {
  test('finds a connection that was refused, by the id in the reply and by the client', async () => {
    const [greeting] = await session('127.0.0.2', [])
    expect(greeting).toMatch(/^554 .*\(id \S+\)$/)
    for (const key of [idIn(greeting), '127.0.0.2', '127.0.0.2/32']) {
      const told = await why(key)
      expect(told).toContain('refused: transaction')
      expect(told).toContain('client     127.0.0.2:')
      expect(told).toContain('ruled before any entry was asked: DENIED')
    }
  })

  test('finds mail that the receiver itself refused, before anybody was asked', async () => {
    const tooBig = 'MAIL FROM:<ann@large.test> SIZE=99999999999'
    const lines = ['EHLO client.test', tooBig, 'MAIL FROM:<a@b@c>', 'QUIT']
    const replies = await session('127.0.0.9', lines)
    expect(replies[2]).toMatch(/^552 5\.3\.4 Message too big \(id \S+\)$/)
    expect(replies[3]).toMatch(/^501 5\.1\.7 .* \(id \S+\)$/)
    for (const key of [idIn(replies[2]), 'ann@large.test', 'large.test', '127.0.0.9']) {
      const told = await why('--all', key)
      expect(told).toContain('refused: transaction')
      expect(told).toContain('from       <ann@large.test>')
      expect(told).toContain('the client was told: 552 5.3.4 Message too big')
      expect(told).toContain('by the receiver itself, no entry was asked: MESSAGE_TOO_BIG')
    }
    const { stdout } = await postern('log', '--reason', 'BAD_MAIL', '--client', '127.0.0.9')
    expect(stdout).toMatch(/refused +127\.0\.0\.9 +<a@b@c> → \(nobody\) {2}501 5\.1\.7 BAD_MAIL/)
  })

  test('finds a message by the number that it has in a log of qmail-send', async () => {
    const replies = await session('127.0.0.8', message('n@far.test', 'bob@postern.test', 'n@far'))
    const queued = /queued as (\S+)/.exec(replies[5] ?? '')?.[1] ?? ''
    expect(await why(String(Number.parseInt(queued, 36)))).toContain(`queued as ${queued}`)
    expect(await postern('why', '1234567890')).toMatchObject({ code: 1, stdout: '' })
  })

  test('finds a refused recipient of a client that gave up', async () => {
    const lines = [
      'EHLO client.test',
      'MAIL FROM:<ann@far.test>',
      'RCPT TO:<bob@other.test>',
      'QUIT',
    ]
    const replies = await session('127.0.0.3', lines)
    expect(replies[3]).toMatch(/^550 5\.7\.1 Relaying denied \(id \S+\)$/)
    for (const key of [
      idIn(replies[3]),
      'ann@far.test',
      'BOB@other.test',
      'other.test',
      '127.0.0.3',
    ]) {
      const told = await why(key)
      expect(told).toContain('refused: transaction')
      expect(told).toContain('bob@other.test, refused: 550 5.7.1 Relaying denied')
      expect(told).toContain('decided at rcpt by no single entry (NOT_VOUCHED)')
    }
  })

  test('finds a refused message, and says what would have been without the entry', async () => {
    const replies = await session(
      '127.0.0.4',
      message('eve@far.test', 'spam@postern.test', 'buy@far.test'),
    )
    expect(replies[5]).toMatch(/^550 5\.7\.1 Nothing of that kind \(id \S+\)$/)
    const keys = [idIn(replies[5]), '<buy@far.test>', 'buy@far.test', 'eve@far.test', '@far.test']
    for (const key of [...keys, 'spam@postern.test', '127.0.0.4']) {
      const told = await why(key)
      expect(told).toContain('Message-ID <buy@far.test>')
      expect(told).toMatch(/message .*no-spam .*reject .*OBJECTION/)
      expect(told).toContain('decided at message by no-spam (OBJECTION)')
      expect(told).toContain('without no-spam: accepted')
    }
  })

  test('finds a delivered message with its delivery', async () => {
    const replies = await session(
      '127.0.0.5',
      message('ann@far.test', 'carl@postern.test', 'fine@far.test'),
    )
    const queueId = /queued as (\S+) \(id \S+\)$/.exec(replies[5] ?? '')?.[1] ?? 'none'
    await delivered(folder, ['carl', 'postern.test'])
    for (const key of [
      idIn(replies[5]),
      queueId,
      '<fine@far.test>',
      'carl@postern.test',
      '127.0.0.5',
    ]) {
      const told = await eventually(async () => {
        const text = await why(key)
        return /delivered {2}carl@postern\.test/.test(text) ? text : undefined
      }, `the delivery under ${key}`)
      expect(told).toContain('accepted: transaction')
      expect(told).toContain(`queued as ${queueId}`)
    }
  })

  test('finds a message that waits, with the reason and the queue', async () => {
    const replies = await session(
      '127.0.0.6',
      message('ann@far.test', 'dora@late.test', 'late@far.test'),
    )
    const queueId = /queued as (\S+)/.exec(replies[5] ?? '')?.[1] ?? 'none'
    const told = await eventually(async () => {
      const text = await why(queueId)
      // The queue writes down what came of a try a moment after it is told.
      return /is in the queue, 1 tries so far, due \d{4}-/.test(text) ? text : undefined
    }, 'the attempt')
    expect(told).toContain('deferred  dora@late.test')
    expect(await why('dora@late.test')).toContain('deferred  dora@late.test')
  })

  test('finds a message that bounced, and the bounce', async () => {
    await session('127.0.0.7', message('ann@postern.test', 'emil@refusing.test', 'gone@far.test'))
    await delivered(folder, ['ann', 'postern.test'])
    const told = await eventually(async () => {
      const text = await why('<gone@far.test>')
      return text.includes('told  ann@postern.test') ? text : undefined
    }, 'the failure')
    expect(told).toContain('failed  emil@refusing.test')
    expect(told).toContain('Nobody of that name')
    // Whoever asks next whether the sender knows finds the notification by its id.
    const [, notification = ''] =
      /told {2}ann@postern\.test: notification (\S+) was queued/.exec(told) ?? []
    expect(await why(notification)).toContain('the null reverse-path')
    // Nor need anybody ask: where the bounce went is part of the story.
    const followed = await eventually(async () => {
      const text = await why('<gone@far.test>')
      return text.includes('delivered  ann@postern.test') ? text : undefined
    }, 'the bounce in the story')
    expect(followed).toContain(`  it led to ${notification}, <> to ann@postern.test\n`)
    const bounce = await eventually(async () => {
      const text = await why('ann@postern.test')
      return text.includes('the null reverse-path') ? text : undefined
    }, 'the bounce')
    expect(bounce).toMatch(/delivered {2}ann@postern\.test/)
  })

  test('follows a message by an alias to where it went, and to who was told', async () => {
    await postern('domain', 'add', 'alias.test')
    await postern('alias', 'add', 'info@alias.test', 'emil@refusing.test')
    await session('127.0.0.8', message('zoe@postern.test', 'info@alias.test', 'alias@far.test'))
    const told = await eventually(async () => {
      const text = await why('<alias@far.test>')
      return text.includes('delivered  zoe@postern.test') ? text : undefined
    }, 'the end of the story')
    const [, copy = '', notification = ''] =
      /it led to (\S+), <\S*zoe@postern\.test> to emil@refusing\.test\n[^]*it led to (\S+), <> to/.exec(
        told,
      ) ?? []
    expect(told).toMatch(
      /delivered {2}info@alias\.test by alias:\S+, \d+ ms: Sent on to one address/,
    )
    expect(told).toContain('failed  emil@refusing.test')
    const { stories } = JSON.parse(await why('<alias@far.test>', '--json'))
    const [{ attempts, followUps }] = stories
    expect(attempts).toMatchObject([{ outcome: 'delivered', ledTo: [copy] }])
    expect(followUps).toMatchObject([
      { id: copy, attempts: [{ outcome: 'failed' }, { outcome: 'told', ledTo: [notification] }] },
      { id: notification, reversePath: '<>', attempts: [{ outcome: 'delivered' }] },
    ])
  })

  test('finds a message that postern sendmail handed over, by its Message-ID too', async () => {
    const text = 'Message-ID: <cron.7@host.test>\nSubject: cron\n\nhello\n'
    const program = join(checkout, 'bin/postern')
    const sent = await runProgram(
      program,
      ['sendmail', '-f', 'cron@host.test', 'fred@postern.test'],
      {
        input: text,
        env: { POSTERN_CONFIG: folder.config },
      },
    )
    expect(sent).toMatchObject({ code: 0, stderr: '' })
    await delivered(folder, ['fred', 'postern.test'])
    for (const key of ['fred@postern.test', 'cron@host.test', '<cron.7@host.test>', 'last']) {
      const told = await eventually(async () => {
        const story = await why(key)
        return story.includes('delivered  fred@postern.test') ? story : undefined
      }, `the story of ${key}`)
      expect(told).toContain('entered without a session')
      expect(told).toContain('Message-ID <cron.7@host.test>')
    }
    expect((await postern('log', '--to', 'fred@postern.test')).stdout).toMatch(
      /accepted +queue +<cron@host\.test> → fred@postern\.test/,
    )
  })

  test('says what it means that nothing is recorded', async () => {
    const { code, stderr } = await postern('why', 'nobody@nowhere.test')
    expect(code).toBe(1)
    expect(stderr).toContain('Nothing is recorded under nobody@nowhere.test')
    expect(stderr).toContain('The traces reach back to')
  })
})

describe('postern log', () => {
  test('lists a line for each transaction, and those alone that were asked for', async () => {
    const all = (await postern('log')).stdout.trimEnd().split('\n')
    expect(all.length).toBeGreaterThanOrEqual(6)
    const { stdout } = await postern('log', '--outcome', 'refused', '--entry', 'no-spam')
    expect(stdout).toMatch(
      /^\S+ \S+ {2}refused {6}127\.0\.0\.4 +<eve@far\.test> → spam@postern\.test {2}550 5\.7\.1 OBJECTION by no-spam {2}\S+\n$/,
    )
  })

  test('prints JSON, by sender, recipient, client and time', async () => {
    const args = ['--from', 'ann@far.test', '--to', 'late.test', '--client', '127.0.0.0/8']
    const { stdout } = await postern('log', ...args, '--since', '1h', '--json')
    expect(JSON.parse(stdout)).toMatchObject({
      outcome: 'accepted',
      client: '127.0.0.6',
      recipients: [{ address: 'dora@late.test', accepted: true }],
      messageId: 'late@far.test',
    })
    expect((await postern('log', '--until', '1h')).code).toBe(1)
    const nothing = await postern('log', '--until', '-1h')
    expect([nothing.code, nothing.stderr]).toEqual([1, 'Nothing that is recorded fits.\n'])
    expect((await postern('log', ...args, '--since', '-1h')).code).toBe(0)
    const minute = new Date(Date.now() + 60_000).toISOString().slice(0, 16)
    expect((await postern('log', ...args, '--until', minute.replace('T', ' '))).code).toBe(0)
    expect((await postern('log', ...args, '--since', minute)).code).toBe(1)
  })

  test('a wrong question is told, not answered', async () => {
    for (const args of [
      ['--client', 'no-network'],
      ['--outcome', 'lost'],
      ['--since', 'yesterday-ish'],
      ['--limit', '0'],
    ]) {
      expect(await postern('log', ...args), args.join(' ')).toMatchObject({ code: 2, stdout: '' })
    }
  })
})
