/** A Maildir whose mail waits for a host, sent there when the host is there. */
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { freePort } from '../setup/free-port.ts'
import {
  checkout,
  delivered,
  dialogue,
  gatewayFolder,
  runProgram,
  startGateway,
  type Run,
  type StartedGateway,
} from './started-gateway.ts'

let gateway: StartedGateway
let maildir = ''

beforeAll(async () => {
  const port = await freePort()
  const folder = await gatewayFolder(`
listeners:
  - { name: mx, listen: '127.0.0.1:${port}', receiver: { etrn: [127.0.0.0/8] } }
  - { name: qmtp, role: qmtp, listen: '127.0.0.1:0' }
plugin_dirs: [../plugins]
chain: [{ plugin: rcpthosts }]
delivery:
  maildirs: ../var/mail
  dial_in:
    asks.test: { maildir: ../asks, prefix: turn-, host: '127.0.0.1:${port}' }
    leaves.test: { maildir: ../turn, prefix: turn-, host: '127.0.0.1:${port}', clients: [127.0.0.9] }
accounts: { path: ../var/accounts.db }
spool: { path: ../var/spool }
store: { path: ../var/store.db }
`)
  gateway = await startGateway(folder)
  maildir = join(folder.root, 'turn')
})

afterAll(async () => {
  await gateway.stop()
  await gateway.folder.remove()
})

beforeEach(async () => {
  for (const name of ['new', 'cur', 'tmp']) {
    // oxlint-disable-next-line no-await-in-loop -- three folders
    await mkdir(join(maildir, name), { recursive: true })
  }
})

const run = (...args: readonly string[]): Promise<Run> =>
  runProgram(join(checkout, 'bin/postern'), [...args], {
    env: { POSTERN_CONFIG: gateway.folder.config },
  })

const put = (name: string, to: string, from: string): Promise<void> =>
  writeFile(
    join(maildir, 'new', name),
    `Return-Path: <${from}>\nDelivered-To: turn-${to}\nSubject: ${name}\n\n.waited\n`,
  )

const qmtpPort = (): string => /127\.0\.0\.1:(\d+) \(qmtp\)/.exec(gateway.stdout())?.[1] ?? ''

test('maildirsmtp sends what there is, and bounces what is refused', async () => {
  await put('1.h', 'bob@postern.test', 'alice@client.test')
  await put('2.h', 'eve@far.test', 'sender@postern.test')
  const { code, stderr } = await run(
    'maildirsmtp',
    maildir,
    'turn-',
    `127.0.0.1:${gateway.port}`,
    'hub.test',
  )
  expect(stderr).toMatch(/^maildirserial: info: new\/1\.h succeeded: 250 2\.0\.0 Ok/m)
  expect(stderr).toMatch(/^maildirserial: info: new\/2\.h failed permanently: 550 5\.7\.1/m)
  expect(code).toBe(0)
  const [mail] = await delivered(gateway.folder, ['bob', 'postern.test'])
  expect(mail).toMatch(/^Received: from hub\.test /m)
  expect(mail).toMatch(/Subject: 1\.h\n\n\.waited\n$/)
  const [bounce] = await delivered(gateway.folder, ['sender', 'postern.test'])
  expect(bounce).toMatch(/^Return-Path: <>$/m)
  expect(bounce).toContain('eve@far.test')
  expect(await readdir(join(maildir, 'new'))).toEqual([])
})

test('maildirqmtp does the same by QMTP, and what nobody answers stays', async () => {
  await put('3.h', 'carol@postern.test', 'alice@client.test')
  const away = await run('maildirqmtp', maildir, 'turn-', '127.0.0.1:1')
  expect(away).toMatchObject({ code: 0, stderr: expect.stringContaining('failed temporarily') })
  expect(await readdir(join(maildir, 'new'))).toEqual(['3.h'])
  expect(await run('maildirqmtp', maildir, 'turn-', `127.0.0.1:${qmtpPort()}`)).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/new\/3\.h succeeded: Ok: queued as/),
  })
  const [mail] = await delivered(gateway.folder, ['carol', 'postern.test'])
  expect(mail).toMatch(/ with QMTP id /)
  expect(await readdir(join(maildir, 'new'))).toEqual([])
})

describe('a host that dials in', () => {
  test('has what waits for it in a Maildir sent by ETRN', async () => {
    const asks = join(gateway.folder.root, 'asks')
    for (const name of ['new', 'cur']) {
      // oxlint-disable-next-line no-await-in-loop -- two folders
      await mkdir(join(asks, name), { recursive: true })
    }
    await put('4.h', 'dan@postern.test', 'alice@client.test')
    await rename(join(maildir, 'new/4.h'), join(asks, 'new/4.h'))
    const replies = await dialogue(gateway.port, ['EHLO dial.test', 'ETRN asks.test', 'QUIT'])
    expect(replies.at(-2)).toBe('253 2.0.0 1 pending messages for asks.test started')
    const [mail] = await delivered(gateway.folder, ['dan', 'postern.test'])
    expect(mail).toMatch(/Subject: 4\.h\n\n\.waited\n$/)
    await expect.poll(() => readdir(join(asks, 'new'))).toEqual([])
    const again = await dialogue(gateway.port, ['EHLO dial.test', 'ETRN @test', 'QUIT'])
    expect(again.at(-2)).toBe('251 2.0.0 No messages are waiting for @test')
  })

  test('has it sent when a session of its client has ended', async () => {
    await put('5.h', 'eve@postern.test', 'alice@client.test')
    await dialogue(gateway.port, ['EHLO other.test', 'QUIT'])
    expect(await readdir(join(maildir, 'new'))).toEqual(['5.h'])
    await dialogue(gateway.port, ['EHLO dial.test', 'QUIT'], undefined, '127.0.0.9')
    const [mail] = await delivered(gateway.folder, ['eve', 'postern.test'])
    expect(mail).toMatch(/Subject: 5\.h\n\n\.waited\n$/)
    await expect.poll(() => readdir(join(maildir, 'new'))).toEqual([])
  })
})

test('usage and a Maildir that is none have exit codes of their own', async () => {
  expect(await run('maildirsmtp', maildir, 'turn-', 'host.test')).toMatchObject({
    code: 100,
    stderr: 'maildirsmtp: usage: maildirsmtp dir prefix host helohost\n',
  })
  expect(await run('maildirqmtp', '/no/such', '', 'host.test')).toMatchObject({ code: 111 })
})

describe('setlock', () => {
  test('runs one program at a time, and says which code the program ended with', async () => {
    const lock = join(maildir, 'lock')
    const out = join(maildir, 'out')
    const inner = `echo in >> ${out}; exec ${join(checkout, 'bin/postern')} setlock -nx ${lock} sh -c 'echo twice >> ${out}'`
    expect(await run('setlock', lock, 'sh', '-c', `${inner}`)).toMatchObject({ code: 0 })
    expect(await readFile(out, 'utf8')).toBe('in\n')
    expect(await run('setlock', '-n', lock, 'sh', '-c', 'exit 7')).toMatchObject({ code: 7 })
    const loud = `exec ${join(checkout, 'bin/postern')} setlock -n ${lock} true`
    expect(await run('setlock', '-N', lock, 'sh', '-c', loud)).toMatchObject({
      code: 111,
      stderr: `setlock: fatal: unable to lock ${lock}: temporary failure\n`,
    })
    expect((await run('setlock', '-q', lock, 'true')).code).toBe(100)
    expect((await run('setlock', '-x', '/no/such/lock', 'true')).code).toBe(0)
    expect((await run('setlock', '/no/such/lock', 'true')).code).toBe(111)
  })
})
