/** The operator's commands on a running gateway, and what they say where none runs. */
import { once } from 'node:events'
import { chmod, readFile, stat } from 'node:fs/promises'
import { connect, createServer, type AddressInfo } from 'node:net'
import { basename, join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import {
  checkout,
  delivered,
  dialogue,
  eventually,
  gatewayFolder,
  mailIn,
  runPostern,
  runProgram,
  startGateway,
  type GatewayFolder,
  type StartedGateway,
} from './started-gateway.ts'
import { isAlive, workersOf } from './worker-processes.ts'

let folder: GatewayFolder
let gateway: StartedGateway | undefined

afterEach(async () => {
  await gateway?.stop()
  gateway = undefined
  await folder.remove()
})

async function started(
  ...changes: readonly (readonly [string, string])[]
): Promise<StartedGateway> {
  folder = await gatewayFolder()
  await change(...changes)
  gateway = await startGateway(folder)
  return gateway
}

async function change(...changes: readonly (readonly [string, string])[]): Promise<void> {
  const path = join(folder.config, 'postern.yaml')
  const before = await readFile(path, 'utf8')
  const after = changes.reduce((text, [from, to]) => text.replace(from, to), before)
  await folder.write('postern.yaml', after)
}

const postern = (...args: readonly string[]) => runPostern([...args, '--config', folder.config])

async function status() {
  const { stdout } = await postern('stat', '--json')
  return JSON.parse(stdout)
}

async function send(port: number, subject: string): Promise<string> {
  const replies = await dialogue(port, [
    'EHLO c',
    'MAIL FROM:<a@client.test>',
    'RCPT TO:<bob@postern.test>',
    'DATA',
    `Subject: ${subject}\r\n\r\nhello\r\n.`,
    'QUIT',
  ])
  return replies[5] ?? replies.at(-1) ?? 'nothing'
}

describe('stat', () => {
  test('says what runs, since when, where it listens and what waits', async () => {
    const { pid, port } = await started(['listeners:', 'workers: 2\nlisteners:'])
    const found = await status()
    expect(found).toMatchObject({
      running: true,
      version: '0.1.0',
      pid,
      folder: folder.config,
      admits: true,
      workers: [
        { number: 1, state: 'open', shards: [0] },
        { number: 2, state: 'open', shards: [1] },
      ],
      listeners: [{ name: 'mx', address: `127.0.0.1:${port}` }],
      queue: { messages: 0, delivering: 0, paused: [] },
      generation: 1,
    })
    expect(found.workers.map((worker: { pid: number }) => worker.pid)).toEqual(workersOf(pid))
    const { stdout, code } = await postern('stat')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^postern: up \(pid \d+\) \d+ seconds, version 0\.1\.0, /)
    expect(stdout).toContain('\nmessages in queue: 0\n')
    expect(stdout).toContain(`\nlistening on 127.0.0.1:${port} (mx), 0 sessions\n`)
  })

  test('and the other commands say that no gateway runs, in the exit codes of init scripts', async () => {
    folder = await gatewayFolder()
    const nobody = await postern('stat')
    expect([nobody.code, nobody.stdout]).toEqual([3, 'postern: down\n'])
    expect(nobody.stderr).toContain(`no gateway runs with ${folder.config}; postern start`)
    for (const name of ['flush', 'doqueue', 'reload', 'restart']) {
      expect([name, (await postern(name)).code]).toEqual([name, 7])
    }
    expect((await postern('pause', '--accept')).code).toBe(7)
    expect((await postern('stop')).code).toBe(0)
    expect((await postern('stat', '--json')).stdout).toBe('{\n  "running": false\n}\n')
  })

  test('is for the gateway’s own user, and for a group if the operator wants that', async () => {
    const gid = process.getgid?.() ?? 0
    await started(['\nlog:', `\ncontrol: { path: ../run, group: "${gid}" }\nlog:`])
    const mode = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)
    expect(await mode(join(folder.root, 'run'))).toBe('710')
    expect(await mode(join(folder.root, 'run/socket'))).toBe('660')
    expect((await status()).running).toBe(true)
    if (gid === 0 && process.getuid?.() === 0) await expectStrangerToBeTold()
    await gateway?.stop()
    await change([` group: "${gid}"`, ' group: no-such-group'])
    gateway = await startGateway(folder)
    await gateway.seen('control.unavailable')
  })
})

/** Of a host's other users, whose commands are the same. */
async function expectStrangerToBeTold(): Promise<void> {
  for (const path of [folder.root, folder.config]) await chmod(path, 0o755)
  const stranger = [
    '--reuid=65534',
    '--regid=65534',
    '--clear-groups',
    join(checkout, 'bin/postern'),
  ]
  for (const line of ['stat', 'queue list', 'metrics']) {
    const args = [...stranger, ...line.split(' '), '--config', folder.config]
    const { code, stderr } = await runProgram('setpriv', args)
    expect([line, code]).toEqual([line, 4])
    expect(stderr).toMatch(
      /^postern: nobody may not (?:ask the gateway behind|use) \/\S+: root\b.* may\n/,
    )
    expect(stderr).toContain(`try: sudo -u root postern ${line} --config ${folder.config}\n`)
  }
  expect((await status()).running).toBe(true)
  await chmod(folder.config, 0o700)
  const unread = await runProgram('setpriv', [...stranger, 'stat', '--config', folder.config])
  expect(unread).toMatchObject({ code: 4, stderr: expect.stringContaining('nobody may not use') })
}

describe('pause and cont', () => {
  test('stop deliveries and let them go on, while mail is taken', async () => {
    const { port } = await started()
    expect((await postern('pause')).stdout).toBe('deliveries paused\n')
    expect(await send(port, 'waits')).toMatch(/^250 /)
    expect(await mailIn(folder, 'postern.test', 'bob')).toEqual([])
    expect(await status()).toMatchObject({ queue: { messages: 1, paused: [{ what: 'all' }] } })
    expect((await postern('stat')).stdout).toContain('deliveries paused: everything')
    expect((await postern('cont', '--json')).stdout).toContain('"deliveries": "running"')
    expect(await delivered(folder, ['bob', 'postern.test'])).toHaveLength(1)
  })

  test('with --accept tell clients to come back later, those of new workers too', async () => {
    const { port } = await started()
    await postern('pause', '--accept')
    expect(await dialogue(port, [])).toEqual([
      '421 4.3.2 Not accepting mail for now, come back later',
    ])
    expect((await postern('restart')).code).toBe(0)
    expect(await dialogue(port, [])).toHaveLength(1)
    expect((await dialogue(port, []))[0]).toMatch(/^421 4\.3\.2 /)
    await postern('cont')
    expect(await send(port, 'again')).toMatch(/^250 /)
  })
})

describe('reload', () => {
  test('answers with the mistakes, and nothing changes; without any it is in force', async () => {
    const { port } = await started()
    await change(['chain:\n', 'chain:\n  - plugin: no-such-plugin\n'])
    const refused = await postern('reload')
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(/postern\.yaml:\d+: chain\[0\]\.plugin: .*no-such-plugin/)
    expect(refused.stderr).toContain('1 mistake: nothing has changed')
    expect(await status()).toMatchObject({ generation: 1, lastReload: { ok: false } })
    expect((await postern('stat')).stdout).toContain('kept as it was: 1 mistake')
    expect(await send(port, 'still')).toMatch(/^250 /)
    await change(
      ['chain:\n  - plugin: no-such-plugin\n', 'chain:\n'],
      ['level: info', 'level: warn'],
    )
    const taken = await postern('reload')
    expect([taken.code, taken.stderr]).toEqual([0, ''])
    expect(taken.stdout).toContain('The configuration is in force.\n')
    expect(taken.stdout).toContain('postern restart is needed for: log\n')
  })
})

describe('flush', () => {
  test('and doqueue make every message due', async () => {
    folder = await gatewayFolder()
    await folder.write('tcp.smtp', '127.0.0.1:allow,RELAYCLIENT=""\n')
    await folder.write('control/smtproutes', ':127.0.0.1:1\n')
    const { port } = (gateway = await startGateway(folder))
    await dialogue(port, [
      'EHLO c',
      'MAIL FROM:<a@client.test>',
      'RCPT TO:<bob@far.test>',
      'DATA',
      'Subject: x\r\n\r\nhello\r\n.',
      'QUIT',
    ])
    expect((await postern('flush')).stdout).toBe('1 message due now\n')
    expect((await postern('doqueue', '--json')).stdout).toBe('{\n  "messages": 1\n}\n')
  })
})

describe('restart', () => {
  test.each([1, 3])(
    'gives %i workers new processes and refuses nobody: all who connect meanwhile are served',
    async (count) => {
      const { pid, port } = await started(['listeners:', `workers: ${count}\nlisteners:`])
      const before = workersOf(pid)
      let over = false
      let served = 0
      const senders = Array.from({ length: 4 }, async (_, sender) => {
        while (!over) {
          expect(await sendOrFarewell(port, `${sender}`)).toBe('served')
          served += 1
        }
      })
      const { code, stdout, stderr } = await postern('restart')
      const during = served
      await eventually(async () => (served > during + 20 ? true : undefined), 'more mail')
      over = true
      await Promise.all(senders)
      expect([code, stdout, stderr]).toEqual([0, 'New workers are at work.\n', ''])
      const after = workersOf(pid)
      expect(after).toHaveLength(count)
      expect(after.some((worker) => before.includes(worker))).toBe(false)
      expect(before.some(isAlive)).toBe(false)
      expect(await status()).toMatchObject({ listeners: [{ address: `127.0.0.1:${port}` }] })
    },
    60_000,
  )

  test('takes changed code of plugins, and listeners that are new', async () => {
    folder = await gatewayFolder()
    await folder.write('../own/note/note.ts', notePlugin('one'))
    await change(
      ['chain:\n', 'chain:\n  - plugin: note\n'],
      ['plugin_dirs:\n', 'plugin_dirs:\n  - ../own\n'],
    )
    const { port } = (gateway = await startGateway(folder))
    expect((await dialogue(port, ['EHLO c', 'QUIT'])).join()).toContain('550 5.7.1 one')
    await folder.write('../own/note/note.ts', notePlugin('two'))
    const reload = await postern('reload')
    expect(reload.stdout).toMatch(/postern restart is needed for: .*note\.ts/)
    await change(['listeners:\n', 'listeners:\n  - { name: second, listen: 127.0.0.1:0 }\n'])
    expect((await postern('restart')).code).toBe(0)
    expect((await dialogue(port, ['EHLO c', 'QUIT'])).join()).toContain('550 5.7.1 two')
    const { listeners } = await status()
    expect(listeners.map(({ name }: { name: string }) => name)).toEqual(['second', 'mx'])
  })

  test('listens no more where no listener is any more', async () => {
    folder = await gatewayFolder()
    await change(['listeners:\n', 'listeners:\n  - { name: second, listen: 127.0.0.1:0 }\n'])
    gateway = await startGateway(folder)
    const [second] = (await status()).listeners
    const port = Number(second.address.split(':')[1])
    await change(['  - { name: second, listen: 127.0.0.1:0 }\n', ''])
    expect((await postern('restart')).code).toBe(0)
    const client = connect(port, '127.0.0.1')
    const reached = await once(client, 'connect').then(
      () => 'connected',
      () => 'refused',
    )
    client.destroy()
    expect(reached).toBe('refused')
  })

  test.each([
    ['127.0.0.1', '0.0.0.0'],
    ['0.0.0.0', '127.0.0.1'],
  ])(
    'moves a listener from %s to %s on the same port',
    async (from, to) => {
      const probe = createServer().listen(0, '127.0.0.1')
      await once(probe, 'listening')
      const { port } = probe.address() as AddressInfo
      probe.close()
      await once(probe, 'close')
      const second = (host: string) => `  - { name: second, listen: "${host}:${port}" }\n`
      await started(['listeners:\n', `listeners:\n${second(from)}`])
      await change([second(from), second(to)])
      const { code, stderr } = await postern('restart')
      expect([code, stderr]).toEqual([0, ''])
      expect(await send(port, 'moved')).toMatch(/^250 /)
      const { listeners } = await status()
      expect(listeners[0]).toMatchObject({ address: `${to}:${port}` })
    },
    60_000,
  )

  test('lets a transaction under way finish', async () => {
    const { port } = await started()
    const socket = connect(port, '127.0.0.1').setEncoding('latin1')
    let heard = ''
    socket.on('data', (text) => (heard += String(text)))
    await once(socket, 'data')
    socket.write('EHLO c\r\nMAIL FROM:<a@client.test>\r\nRCPT TO:<bob@postern.test>\r\nDATA\r\n')
    await eventually(async () => (heard.includes('\r\n354 ') ? true : undefined), '354')
    const restarted = postern('restart')
    socket.write('Subject: slow\r\n\r\nhello\r\n.\r\n')
    await once(socket, 'close')
    expect(heard).toMatch(/\r\n250 2\.0\.0 .*queued as/)
    expect((await restarted).code).toBe(0)
    expect(await delivered(folder, ['bob', 'postern.test'])).toHaveLength(1)
  })
})

describe('stop', () => {
  test('ends the gateway, and waits until it is gone', async () => {
    const { pid } = await started()
    const workers = workersOf(pid)
    const { code, stdout } = await postern('stop')
    expect([code, stdout]).toEqual([0, 'stopped\n'])
    expect(workers.filter(isAlive)).toEqual([])
    expect(await gateway?.exited()).toBe(0)
  })
})

describe('cdb', () => {
  test('rebuilds what is compiled, and leaves what it cannot compile as it was', async () => {
    folder = await gatewayFolder()
    await folder.write('tcp.smtp', '127.:allow,RELAYCLIENT=""\n:allow\n')
    await folder.write('control/morercpthosts', 'more.test\n')
    const files = async (...args: readonly string[]) => {
      const { stdout, code } = await postern('cdb', '--json', ...args)
      const found: readonly { cdb: string; state: string; made: boolean }[] = JSON.parse(stdout)
      return { code, files: found.map(({ cdb, ...rest }) => ({ cdb: basename(cdb), ...rest })) }
    }
    expect((await files('--dry-run')).files).toEqual([
      { cdb: 'tcp.smtp.cdb', text: expect.any(String), state: 'missing', made: false },
      { cdb: 'morercpthosts.cdb', text: expect.any(String), state: 'missing', made: false },
    ])
    expect((await postern('cdb')).stdout).toContain('tcp.smtp.cdb: made (it was missing)\n')
    const client = await runProgram(
      join(checkout, 'bin/postern'),
      ['tcprulescheck', join(folder.config, 'tcp.smtp.cdb')],
      { env: { TCPREMOTEIP: '127.0.0.1' } },
    )
    expect(client.stdout).toContain('rule 127.:\nset environment variable RELAYCLIENT=')
    expect((await files()).files.map(({ state }) => state)).toEqual(['fresh', 'fresh'])
    await folder.write('tcp.smtp', '127.:maybe\n')
    await folder.write('control/morercpthosts', 'other.test\n')
    const before = await folder.read('tcp.smtp.cdb')
    const { code, files: last } = await files()
    expect(code).toBe(1)
    expect(last.map(({ state, made }) => [state, made])).toEqual([
      ['broken', false],
      ['stale', true],
    ])
    expect(await folder.read('tcp.smtp.cdb')).toBe(before)
  })
})

/** Sessions that end with 421 were told so in their own words; whoever is not greeted was refused. */
async function sendOrFarewell(port: number, subject: string): Promise<string> {
  const reply = await send(port, subject)
  return /^(?:250|421) /.test(reply) ? 'served' : reply
}

const notePlugin = (text: string): string => `import { definePlugin, reject } from 'postern/plugin'
export const note = definePlugin({
  name: 'note',
  setup: () => ({ hello: () => reject('5.7.1', '${text}', { at: 'now' }) }),
})
`

test('a reload takes changed settings of the administration, on and off', async () => {
  const running = await started(['admin: off\n', 'admin: { listen: "127.0.0.1:0" }\n'])
  await running.seen('admin.opened')
  await change([
    'admin: { listen: "127.0.0.1:0" }',
    'admin: { listen: "127.0.0.1:0", metrics_from: [] }',
  ])
  await running.seen('admin.opened', 2)
  await change(['admin: { listen: "127.0.0.1:0", metrics_from: [] }', 'admin: off'])
  await running.seen('admin.changed', 2)
  expect((await status()).pid).toBe(running.pid)
}, 60_000)
