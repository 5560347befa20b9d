/** What a gateway at work leaves in its logs, in each of their forms. */
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { documentedEvents } from '../tidy/log-events.ts'
import {
  checkout,
  delivered,
  dialogue,
  gatewayFolder,
  runPostern,
  startGateway,
  type GatewayFolder,
} from './started-gateway.ts'
import { killAll } from './worker-processes.ts'

let folder: GatewayFolder
afterEach(async () => folder.remove())

/** Logs in every form; a relay that nobody answers at, and mail that comes back. */
async function loggingFolder(workers = 1): Promise<GatewayFolder> {
  const made = await gatewayFolder()
  const path = join(made.config, 'postern.yaml')
  const yaml = await readFile(path, 'utf8')
  const log = `log:
  to: ../var/postern.log
  also:
    - { to: ../var/log/all, format: json, files: 10 }
    - { to: ../var/log/send, format: qmail-send, files: 10, file_bytes: 1MB }
    - { to: ../var/log/smtpd, format: qmail-smtpd, files: 10 }
    - { to: ../var/log/qmail, format: qmail, stamps: false }
`
  await writeFile(
    path,
    `workers: ${workers}\n${yaml.slice(0, yaml.lastIndexOf('\nlog:\n') + 1)}${log}`.replace(
      'networks: []',
      'networks: [127.0.0.1]',
    ),
  )
  await made.write('control/smtproutes', 'later.test:127.0.0.1:1\n')
  await made.write('control/queuelifetime', '604800\n')
  return made
}

async function send(port: number, to: readonly string[]): Promise<readonly string[]> {
  return dialogue(port, [
    'EHLO c',
    'MAIL FROM:<Ann@client.test>',
    ...to.map((path) => `RCPT TO:<${path}>`),
    'DATA',
    'Subject: logged\r\n\r\nHello.\r\n.',
    'QUIT',
  ])
}

const linesIn = async (path: string): Promise<readonly string[]> =>
  (await readFile(join(folder.root, 'var', path), 'utf8')).trimEnd().split('\n')

interface Logged {
  readonly event: string
  readonly session?: string
  readonly transaction?: string
  readonly queueId?: string
  readonly queueIds?: readonly string[]
}

test('a message can be followed through every log of a gateway', { timeout: 60_000 }, async () => {
  folder = await loggingFolder()
  const gateway = await startGateway(folder)
  await send(gateway.port, ['bob@postern.test', 'x@later.test'])
  await delivered(folder, ['bob', 'postern.test'])
  await gateway.stop()

  const events = (await linesIn('postern.log')).map((line) => JSON.parse(line) as Logged)
  const of = (name: string): readonly Logged[] => events.filter(({ event }) => event === name)
  const documented = documentedEvents(await readFile(join(checkout, 'src/EVENTS.md'), 'utf8'))
  for (const { event, ...fields } of events) {
    const known = [...(documented.get(event)?.fields ?? []), 'level', 'time', 'entry']
    expect(
      Object.keys(fields).filter((field) => !known.includes(field)),
      event,
    ).toEqual([])
  }
  expect(of('transaction.committed')).toHaveLength(1)
  expect(of('gateway.opened')).toHaveLength(1)
  expect(of('gateway.closed')).toHaveLength(1)
  const committed: Partial<Logged> = of('transaction.committed')[0] ?? {}
  const { session, transaction, queueIds = [] } = committed
  expect(transaction?.startsWith(session ?? '?')).toBe(true)
  expect(of('message.queued').map(({ queueId }) => queueId)).toEqual(queueIds)
  expect(of('delivery.delivered')).toHaveLength(1)
  expect(of('delivery.deferred')).toHaveLength(1)

  const number = Number.parseInt(queueIds[0] ?? '', 36)
  const send_ = await linesIn('log/send/current')
  expect(send_.every((line) => /^@40000000[0-9a-f]{16} /.test(line))).toBe(true)
  const said = send_.map((line) => line.slice(26))
  expect(said).toContain(`new msg ${number}`)
  expect(said.some((line) => line.startsWith(`info msg ${number}: bytes `))).toBe(true)
  expect(said.some((line) => line.endsWith(`: msg ${number} to local bob@postern.test`))).toBe(true)
  expect(said.some((line) => /^delivery \d: deferral: \S+\/$/.test(line))).toBe(true)
  expect(said.at(-1)).toBe('status: exiting')

  const smtpd = (await linesIn('log/smtpd/current')).map((line) => line.slice(26))
  expect(smtpd[0]).toBe('tcpserver: status: 1/1000')
  expect(smtpd[1]).toMatch(/^tcpserver: pid \d+ from 127\.0\.0\.1$/)
  const stampless = await linesIn('log/qmail')
  expect(stampless).toEqual(expect.arrayContaining([`new msg ${number}`, smtpd[1]]))

  for (const name of ['all', 'send', 'smtpd']) {
    const { mode } = await stat(join(folder.root, 'var/log', name, 'current'))
    expect(mode & 0o777).toBe(0o744)
  }
})

test(
  'several workers write to one folder, and after a crash it says so',
  { timeout: 60_000 },
  async () => {
    folder = await loggingFolder(2)
    const gateway = await startGateway(folder)
    await Promise.all(Array.from({ length: 12 }, () => send(gateway.port, ['bob@postern.test'])))
    await delivered(folder, ['bob', 'postern.test'], 12)
    await killAll(gateway)
    await (await startGateway(folder)).stop()
    const names = (await readdir(join(folder.root, 'var/log/send'))).toSorted()
    expect(names).toEqual([expect.stringMatching(/^@[0-9a-f]{24}\.u$/), 'current'])
  },
)

test('a place for a log that cannot be is a mistake', async () => {
  folder = await gatewayFolder()
  const yaml = await folder.read('postern.yaml')
  await folder.write('postern.yaml', yaml.replace('  to: stderr', '  to: stderr\n  files: 3'))
  const { code, stdout, stderr } = await runPostern(['check', '--config', folder.config])
  expect(code).toBe(1)
  expect(stdout + stderr).toContain('stderr has no files that could be moved on')
})
