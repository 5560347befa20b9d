/** The operator's commands on a running gateway, and what they say where none runs. */
import { once } from 'node:events'
import { chmod, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { basename, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  change,
  checkout,
  delivered,
  dialogue,
  eventually,
  gatewayFolder,
  mailIn,
  runPostern,
  runProgram,
  sendMessage,
  startGateway,
  type GatewayFolder,
  type StartedGateway,
} from './started-gateway.ts'
import { isAlive, workersOf } from './worker-processes.ts'

let folder: GatewayFolder
let gateway: StartedGateway

const postern = (...args: readonly string[]) => runPostern([...args, '--config', folder.config])

async function status() {
  const { stdout } = await postern('stat', '--json')
  return JSON.parse(stdout)
}

describe('on a running gateway', () => {
  let port: number

  beforeAll(async () => {
    folder = await gatewayFolder()
    await change(folder, ['listeners:', 'workers: 2\nlisteners:'])
    await folder.write('tcp.smtp', '127.0.0.1:allow,RELAYCLIENT=""\n')
    await folder.write('control/smtproutes', ':127.0.0.1:1\n')
    gateway = await startGateway(folder)
    port = gateway.port
  })
  afterAll(async () => {
    await gateway.stop()
    await folder.remove()
  })

  test('stat says what runs, since when, where it listens and what waits', async () => {
    const found = await status()
    expect(found).toMatchObject({
      running: true,
      version: '0.1.0',
      pid: gateway.pid,
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
    expect(found.workers.map((worker: { pid: number }) => worker.pid)).toEqual(
      workersOf(gateway.pid),
    )
    const { stdout, code } = await postern('stat')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^postern: up \(pid \d+\) \d+ seconds, version 0\.1\.0, /)
    expect(stdout).toContain('\nmessages in queue: 0\n')
    expect(stdout).toContain(`\nlistening on 127.0.0.1:${port} (mx), 0 sessions\n`)
  })

  test('pause and cont stop deliveries and let them go on, while mail is taken', async () => {
    expect((await postern('pause')).stdout).toBe('deliveries paused\n')
    expect(await sendMessage(port, 'waits')).toMatch(/^250 /)
    expect(await mailIn(folder, 'postern.test', 'bob')).toEqual([])
    expect(await status()).toMatchObject({ queue: { messages: 1, paused: [{ what: 'all' }] } })
    expect((await postern('stat')).stdout).toContain('deliveries paused: everything')
    expect((await postern('cont', '--json')).stdout).toContain('"deliveries": "running"')
    expect(await delivered(folder, ['bob', 'postern.test'])).toHaveLength(1)
  })

  test('pause and cont with --accept tell clients to come back later, those of new workers too', async () => {
    await postern('pause', '--accept')
    expect(await dialogue(port, [])).toEqual([
      '421 4.3.2 Not accepting mail for now, come back later',
    ])
    expect((await postern('restart')).code).toBe(0)
    expect(await dialogue(port, [])).toHaveLength(1)
    expect((await dialogue(port, []))[0]).toMatch(/^421 4\.3\.2 /)
    await postern('cont')
    expect(await sendMessage(port, 'again')).toMatch(/^250 /)
    await expect.poll(async () => (await status()).queue.messages, { interval: 50 }).toBe(0)
  })

  test('flush and doqueue make every message due', async () => {
    await sendMessage(port, 'waits', 'bob@far.test')
    expect((await postern('flush')).stdout).toBe('1 message due now\n')
    expect((await postern('doqueue', '--json')).stdout).toBe('{\n  "messages": 1\n}\n')
  })

  test('reload answers with the mistakes, and nothing changes; without any it is in force', async () => {
    await change(folder, ['chain:\n', 'chain:\n  - plugin: no-such-plugin\n'])
    const refused = await postern('reload')
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(/postern\.yaml:\d+: chain\[0\]\.plugin: .*no-such-plugin/)
    expect(refused.stderr).toContain('1 mistake: the configuration stays as it was')
    expect(await status()).toMatchObject({ generation: 1, lastReload: { ok: false } })
    expect((await postern('stat')).stdout).toContain('kept as it was: 1 mistake')
    expect(await sendMessage(port, 'still')).toMatch(/^250 /)
    await change(
      folder,
      ['chain:\n  - plugin: no-such-plugin\n', 'chain:\n'],
      ['level: info', 'level: warn'],
    )
    const taken = await postern('reload')
    expect([taken.code, taken.stderr]).toEqual([0, ''])
    expect(taken.stdout).toContain('The configuration is in force.\n')
    expect(taken.stdout).toContain('postern restart is needed for: log\n')
  })

  test('restart lets a transaction under way finish', async () => {
    const socket = connect(port, '127.0.0.1').setEncoding('latin1')
    let heard = ''
    socket.on('data', (text) => (heard += String(text)))
    await once(socket, 'data')
    socket.write('EHLO c\r\nMAIL FROM:<a@client.test>\r\nRCPT TO:<ann@postern.test>\r\nDATA\r\n')
    await eventually(async () => (heard.includes('\r\n354 ') ? true : undefined), '354')
    const restarted = postern('restart')
    socket.write('Subject: slow\r\n\r\nhello\r\n.\r\n')
    await once(socket, 'close')
    expect(heard).toMatch(/\r\n250 2\.0\.0 .*queued as/)
    expect((await restarted).code).toBe(0)
    expect(await delivered(folder, ['ann', 'postern.test'])).toHaveLength(1)
  })

  test('stop ends the gateway, and waits until it is gone', async () => {
    const workers = workersOf(gateway.pid)
    const { code, stdout } = await postern('stop')
    expect([code, stdout]).toEqual([0, 'stopped\n'])
    expect(workers.filter(isAlive)).toEqual([])
    expect(await gateway.exited()).toBe(0)
  })
})

describe('on a gateway of its own', () => {
  let running: StartedGateway | undefined

  beforeEach(async () => {
    folder = await gatewayFolder()
  })
  afterEach(async () => {
    await running?.stop()
    running = undefined
    await folder.remove()
  })

  test('stat and the other commands say that no gateway runs, in the exit codes of init scripts', async () => {
    const nobody = await postern('stat')
    expect([nobody.code, nobody.stdout]).toEqual([3, 'postern: down\n'])
    expect(nobody.stderr).toContain(`no gateway runs with ${folder.config}; postern start`)
    for (const name of ['flush', 'doqueue', 'reload', 'restart']) {
      expect([name, (await postern(name)).code]).toEqual([name, 7])
    }
    expect((await postern('pause', '--accept')).code).toBe(7)
    expect((await postern('alerts')).code).toBe(7)
    expect((await postern('stop')).code).toBe(0)
    expect((await postern('stat', '--json')).stdout).toBe('{\n  "running": false\n}\n')
  })

  test('stat is for the gateway’s own user, and for a group if the operator wants that', async () => {
    const gid = process.getgid?.() ?? 0
    await change(folder, ['\nlog:', `\ncontrol: { path: ../run, group: "${gid}" }\nlog:`])
    running = await startGateway(folder)
    const mode = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)
    expect(await mode(join(folder.root, 'run'))).toBe('710')
    expect(await mode(join(folder.root, 'run/socket'))).toBe('660')
    expect((await status()).running).toBe(true)
    if (gid === 0 && process.getuid?.() === 0) await expectStrangerToBeTold()
    await running.stop()
    await change(folder, [` group: "${gid}"`, ' group: no-such-group'])
    running = await startGateway(folder)
    await running.seen('control.unavailable')
  })

  test('cdb rebuilds what is compiled, and leaves what it cannot compile as it was', async () => {
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

  test('a reload takes changed settings of the administration, on and off', async () => {
    await change(folder, ['admin: off\n', 'admin: { listen: "127.0.0.1:0" }\n'])
    running = await startGateway(folder)
    await running.seen('admin.opened')
    await change(folder, [
      'admin: { listen: "127.0.0.1:0" }',
      'admin: { listen: "127.0.0.1:0", metrics_from: [] }',
    ])
    await running.seen('admin.opened', 2)
    await change(folder, ['admin: { listen: "127.0.0.1:0", metrics_from: [] }', 'admin: off'])
    await running.seen('admin.changed', 2)
    expect((await status()).pid).toBe(running.pid)
  }, 60_000)
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
