/** A gateway of several processes: that they are one gateway, and that the end of one is nobody else's. */
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { emptyLedger, foundIn, sendUntilBroken } from '../crash/ledger-sender.ts'
import {
  delivered,
  dialogue,
  eventually,
  gatewayFolder,
  mailIn,
  printed,
  runPostern,
  startGateway,
  type GatewayFolder,
  type StartedGateway,
} from './started-gateway.ts'
import { isAlive, workersOf } from './worker-processes.ts'

let folder: GatewayFolder
let gateway: StartedGateway

async function stopped(): Promise<void> {
  await gateway.stop()
  await folder.remove()
}

type Change = readonly [from: string, to: string]

/** Replaces texts in postern.yaml. */
async function configure(...changes: readonly Change[]): Promise<void> {
  const path = join(folder.config, 'postern.yaml')
  const before = await readFile(path, 'utf8')
  await folder.write(
    'postern.yaml',
    changes.reduce((text, [from, to]) => text.replace(from, to), before),
  )
}

async function startWith(workers: number, ...changes: readonly Change[]): Promise<StartedGateway> {
  folder = await gatewayFolder()
  await folder.write('control/rcpthosts', 'postern.test\naway.test\n')
  await folder.write('control/smtproutes', 'away.test:127.0.0.1:1\n')
  await configure(['listeners:', `workers: ${workers}\nlisteners:`], ...changes)
  gateway = await startGateway(folder)
  return gateway
}

/** Sends one message over a connection of its own. @returns the shard that its queue id is of, or the reply */
async function sendOne(subject: string, to = 'bob@postern.test'): Promise<number | string> {
  const replies = await dialogue(gateway.port, [
    'EHLO c',
    'MAIL FROM:<a@client.test>',
    `RCPT TO:<${to}>`,
    'DATA',
    `Subject: ${subject}\r\n\r\nhello\r\n.`,
    'QUIT',
  ])
  const id = /queued as (\w{11})/.exec(replies[5] ?? '')?.[1]
  return id === undefined ? (replies[5] ?? 'nothing') : parseInt(id, 36) % 64
}

/** Sends messages until each worker has taken one. @returns how many */
async function sendToEach(workers: number, to?: string): Promise<number> {
  const shards = new Set<number | string>()
  let sent = 0
  while (shards.size < workers && sent < 200) {
    shards.add(await sendOne(`number ${++sent}`, to))
  }
  expect(shards).toEqual(new Set(Array.from({ length: workers }, (_, shard) => shard)))
  return sent
}

describe('four workers', () => {
  const limit = 5
  let sockets: string
  beforeAll(async () => {
    sockets = await mkdtemp(join(tmpdir(), 'postern-socket-'))
    await startWith(
      4,
      ['listeners:', `listeners:\n  - name: local\n    listen: ${join(sockets, 'smtp')}`],
      ['listen: 127', `max_connections_per_address: ${limit}\n    listen: 127`],
      ['listeners:', 'receiver: { etrn: [127.0.0.1] }\nlisteners:'],
    )
  })
  afterAll(async () => {
    await stopped()
    await rm(sockets, { recursive: true })
  })

  test('each take mail on the same port, and all of it arrives', async () => {
    expect(workersOf(gateway.pid)).toHaveLength(4)
    expect(gateway.stdout().match(/listening on 127/g)).toHaveLength(1)
    expect(gateway.stdout()).toContain('\n  4 workers receive and deliver\n')
    const sent = await sendToEach(4)
    const mail = await delivered(folder, ['bob', 'postern.test'], sent)
    expect(new Set(mail.map((text) => /^Subject: .*$/m.exec(text)?.[0])).size).toBe(sent)
  })

  test('try all that waits for a domain, whichever of them is asked by ETRN', async () => {
    const sent = await sendToEach(4, 'bob@away.test')
    const replies = await dialogue(gateway.port, ['EHLO c', 'ETRN away.test', 'QUIT'])
    expect(replies[2]).toBe(`253 2.0.0 ${sent} pending messages for away.test started`)
  })

  test('leave a UNIX socket to the first of them', async () => {
    const path = join(sockets, 'smtp')
    expect(gateway.stdout()).toContain(`listening on ${path} (local)`)
    const socket = connect(path)
    expect(await greetingOf(socket)).toMatch(/^220 /)
    await quit(socket)
  })

  test('serve exactly as many connections from one address as its limit says, whoever accepts them', async () => {
    const dial = (client: number, count: number): Socket[] => {
      const localAddress = `127.0.1.${client}`
      const to = { port: gateway.port, host: '127.0.0.1', localAddress }
      return Array.from({ length: count }, () => connect(to))
    }
    for (let client = 1; client <= 50; client++) {
      const dialled = dial(client, limit + 1)
      const greetings = await Promise.all(dialled.map(greetingOf))
      expect(greetings.filter((text) => text.startsWith('220'))).toHaveLength(limit)
      expect(greetings.filter((text) => text.startsWith('421 4.7.0'))).toHaveLength(1)
      await Promise.all(dialled.map(quit))
    }
    // The places are given back when the workers have seen the ends.
    await eventually(async () => {
      const dialled = dial(1, limit)
      const greetings = await Promise.all(dialled.map(greetingOf))
      await Promise.all(dialled.map(quit))
      return greetings.every((text) => text.startsWith('220')) ? true : undefined
    }, 'free places')
  })

  test('are all told to reload, and say who they are in the log', async () => {
    gateway.signal('SIGHUP')
    const whoReloaded = (): ReadonlySet<number> => {
      const reloaded = gateway.stderr().match(/^.*config\.reloaded.*$/gm) ?? []
      return new Set(reloaded.map((line) => Number(/"worker":(\d)/.exec(line)?.[1])))
    }
    await expect.poll(whoReloaded).toEqual(new Set([1, 2, 3, 4]))
  })

  test('leave all slots for remote deliveries to the one that has mail for them', async () => {
    const open = new Set<Socket>()
    const silent = createServer((socket) => {
      open.add(socket)
      socket.on('error', () => undefined).on('close', () => open.delete(socket))
    })
    await once(silent.listen(0, '0.0.0.0'), 'listening')
    const { port } = silent.address() as AddressInfo
    const domains = Array.from({ length: 10 }, (_, each) => `slow${each}.test`)
    const routes = domains.map((domain, each) => `${domain}:127.0.2.${each + 1}:${port}\n`)
    await folder.write('control/rcpthosts', ['postern.test', ...domains, ''].join('\n'))
    await folder.write('control/smtproutes', `away.test:127.0.0.1:1\n${routes.join('')}`)
    await folder.write('control/concurrencyremote', '8\n')
    await runPostern(['reload', '--config', folder.config])
    const mail = domains.flatMap((domain) => [
      'MAIL FROM:<a@client.test>',
      `RCPT TO:<bob@${domain}>`,
      'DATA',
      'Subject: slow\r\n\r\nhello\r\n.',
    ])
    // One connection: all of it lies with one worker.
    await dialogue(gateway.port, ['EHLO c', ...mail, 'QUIT'])
    // A quarter is for hops that answer.
    await eventually(async () => (open.size >= 6 ? true : undefined), 'six connections')
    expect(open.size).toBe(6)
    for (const socket of open) socket.destroy()
    silent.close()
  })

  test('end gracefully with their supervisor, and with 0', async () => {
    const workers = workersOf(gateway.pid)
    expect(await gateway.stop()).toBe(0)
    expect(workers.filter(isAlive)).toEqual([])
  })
})

describe('several workers', () => {
  afterEach(stopped)

  test('leave nothing behind that is queued when there are fewer of them later', async () => {
    await startWith(2, ['maildirs:', 'paused: true\n  maildirs:'])
    const sent = await sendToEach(2)
    const list = await runPostern(['queue', 'list', '--config', folder.config])
    expect(list.stdout).toContain(`${sent} queued`)
    expect(await gateway.stop()).toBe(0)
    await configure(['workers: 2', 'workers: 1'], ['paused: true', 'paused: false'])
    gateway = await startGateway(folder)
    expect(workersOf(gateway.pid)).toHaveLength(1)
    expect(await delivered(folder, ['bob', 'postern.test'], sent)).toHaveLength(sent)
    const empty = await eventually(async () => {
      const { stdout } = await runPostern(['queue', 'list', '--config', folder.config])
      return stdout.includes('\n0 queued') ? stdout : undefined
    }, 'an empty queue')
    expect(empty).not.toContain('damaged')
  })

  test('end at once when their supervisor is killed', async () => {
    await startWith(2)
    const workers = workersOf(gateway.pid)
    gateway.signal('SIGKILL')
    expect(await gateway.exited()).toBe('SIGKILL')
    await eventually(async () => (workers.some(isAlive) ? undefined : true), 'the workers’ end')
    gateway = await startGateway(folder)
    expect(await sendOne('again')).toBeTypeOf('number')
  })

  test('killed one after the other under load lose no message that was answered 250', async () => {
    await startWith(2)
    const ledger = emptyLedger()
    let over = false
    const senders = Array.from({ length: 4 }, async (_, sender) => {
      for (let life = 0; !over; life++) {
        const message = {
          prefix: `${sender}-${life}`,
          limit: 100_000,
          recipient: 'ledger@postern.test',
        }
        await sendUntilBroken(gateway.port, ledger, message)
      }
    })
    for (let kill = 0; kill < 3; kill++) {
      const before = ledger.acknowledged.size
      await eventually(
        async () => (ledger.acknowledged.size > before + 50 ? true : undefined),
        'mail',
      )
      const victim = workersOf(gateway.pid)[kill % 2]
      if (victim !== undefined) process.kill(victim, 'SIGKILL')
      await gateway.seen('"event":"worker.replaced"', kill + 1)
    }
    over = true
    // Whoever sends stops at the next break.
    for (const worker of workersOf(gateway.pid)) process.kill(worker, 'SIGKILL')
    await Promise.all(senders)
    const found = await eventually(async () => {
      const copies = foundIn(await mailIn(folder, 'postern.test', 'ledger'))
      return [...ledger.acknowledged.keys()].every((id) => copies.has(id)) ? copies : undefined
    }, 'all acknowledged messages')
    for (const [id, digest] of ledger.acknowledged) expect(found.get(id), id).toContain(digest)
  }, 180_000)
})

test('a number of workers which cannot be is a mistake that check finds', async () => {
  folder = await gatewayFolder()
  await configure(['listeners:', 'workers: none\nlisteners:'])
  const { code, stderr } = await runPostern(['check', '--config', folder.config])
  await folder.remove()
  expect(code).toBe(1)
  expect(stderr).toMatch(/postern\.yaml:\d+: workers: "none" is not a number of processes/)
})

describe('a message on which plugins end the process', () => {
  afterEach(stopped)

  test('is not filtered a fourth time: 451, its bytes are kept, and other mail goes on', async () => {
    folder = await gatewayFolder()
    await folder.write('../own/deadly/deadly.ts', deadlyPlugin)
    await configure(
      ['chain:\n', 'chain:\n  - plugin: deadly\n'],
      ['plugin_dirs:\n', 'plugin_dirs:\n  - ../own\n'],
    )
    gateway = await startGateway(folder)
    for (let time = 1; time <= 3; time++) {
      expect(await sendOne('deadly')).toBe('nothing')
      await gateway.seen('"event":"worker.replaced"', time)
    }
    expect(await sendOne('deadly')).toMatch(/^451 4\.3\.0 /)
    expect(gateway.stderr().match(/worker\.ended/g)).toHaveLength(3)
    expect(await sendOne('harmless')).toBe(0)
    await gateway.seen('"event":"message.ends-workers"')
    const damaged = join(folder.root, 'var/spool/damaged')
    const [name = ''] = await readdir(damaged)
    const kept = await readFile(join(damaged, name), 'latin1')
    expect(kept).toMatch(/^messages like this one ended workers/)
    expect(kept).toContain('\nSubject: deadly\r\n\r\nhello\r\n')
    await printed(['trace', 'last', '--config', folder.config], 'postern.test')
    // What is known of it outlives the gateway.
    await gateway.stop()
    gateway = await startGateway(folder)
    expect(await sendOne('deadly')).toMatch(/^451 4\.3\.0 /)
  })
})

const deadlyPlugin = `import { definePlugin, pass } from 'postern/plugin'
export const deadly = definePlugin({
  name: 'deadly',
  setup: () => ({
    message({ message }) {
      if (message.header.first('subject') === 'deadly') process.kill(process.pid, 'SIGKILL')
      return pass()
    },
  }),
})
`

async function greetingOf(socket: Socket): Promise<string> {
  const [bytes] = await once(socket, 'data')
  return String(bytes)
}

async function quit(socket: Socket): Promise<void> {
  if (socket.closed) return
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.on('error', () => undefined)
  socket.resume()
  socket.end('QUIT\r\n')
  await closed
}
