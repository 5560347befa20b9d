/** A Maildir whose mail waits for a host, sent there when the host is there. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  checkout,
  delivered,
  gatewayFolder,
  runProgram,
  startGateway,
  type Run,
  type StartedGateway,
} from './started-gateway.ts'

let gateway: StartedGateway
let maildir = ''

beforeAll(async () => {
  const folder = await gatewayFolder(`
listeners:
  - { name: mx, listen: '127.0.0.1:2525' }
  - { name: qmtp, role: qmtp, listen: '127.0.0.1:0' }
plugin_dirs: [../plugins]
chain: [{ plugin: rcpthosts }]
delivery: { maildirs: ../var/mail }
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
