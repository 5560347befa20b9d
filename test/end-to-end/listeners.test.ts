/** Listeners with a role of their own, met by clients that nobody here wrote. */
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { component, isMissing, postfixTool } from '../setup/components.ts'
import {
  checkout,
  delivered,
  dialogue,
  eventually,
  gatewayFolder,
  printed,
  runPostern,
  runProgram,
  startGateway,
  type Run,
  type StartedGateway,
} from './started-gateway.ts'

let gateway: StartedGateway

beforeAll(async () => {
  const folder = await gatewayFolder(`
listeners:
  - { name: mx, listen: '127.0.0.1:2525' }
  - { name: inside, role: lmtp, listen: '127.0.0.1:0' }
  - name: submission
    role: submission
    listen: 127.0.0.1:0
    certificate: mx.test.pem
    key: mx.test.key
    receiver: { max_recipients: 2 }
  - name: hub
    listen: 127.0.0.1:0
    receiver: { etrn: [127.0.0.1], auth_without_tls: true }
plugin_dirs: [../plugins, '${join(checkout, 'test/fixtures/plugins')}']
chain:
  - plugin: one-password
  - plugin: relay-clients
  - plugin: rcpthosts
  - plugin: chooser
delivery: { maildirs: ../var/mail, paused: false }
spool: { path: ../var/spool }
store: { path: ../var/store.db }
`)
  for (const name of ['mx.test.pem', 'mx.test.key']) {
    await cp(join(checkout, 'test/fixtures/tls', name), join(folder.config, name))
  }
  await folder.write('control/smtproutes', 'away.test:127.0.0.1:1\n')
  gateway = await startGateway(folder)
})

afterAll(async () => {
  await gateway.stop()
  await gateway.folder.remove()
})

const lastTrace = () => ['trace', 'last', '--config', gateway.folder.config]

const mailTo = (localPart: string, count = 1) =>
  delivered(gateway.folder, [localPart, 'postern.test'], count)

const python = (script: string): Promise<Run> =>
  runProgram(component('python3')!.path, ['-c', script])

const swaks = (listener: string, ...args: readonly string[]): Promise<Run> =>
  runProgram(component('swaks')!.path, [
    '--server',
    `127.0.0.1:${gateway.portOf(listener)}`,
    '--from',
    'alice@client.test',
    ...args,
  ])

describe.skipIf(isMissing('swaks'))('swaks', () => {
  test('delivers by LMTP, and hears of each recipient', async () => {
    const to = 'lmtp@postern.test,reject@postern.test,defer@postern.test'
    const run = await swaks('inside', '--protocol', 'LMTP', '--to', to, '--body', 'by LMTP')
    expect(run.stdout).toMatch(/<- +250 2\.0\.0 Ok: queued as \S+\n/)
    expect(run.stdout).toContain('550 5.2.0 Rejected by choice')
    expect(run.stdout).toContain('451 4.2.0 Deferred by choice')
    const [mail = ''] = await mailTo('lmtp')
    expect(mail).toMatch(/ with LMTP id /)
    const trace = await printed(lastTrace(), 'lmtp@postern.test, answered: 250 2.0.0 Ok: queued as')
    expect(trace).toContain('reject@postern.test, answered: 550 5.2.0 Rejected by choice')
  })

  test('asks for PRDR, and hears of each recipient and of the whole', async () => {
    const run = await swaks('mx', '--prdr', '--to', 'prdr@postern.test,reject@postern.test')
    expect(run.stdout).toMatch(/<- +353 /)
    expect(run.stdout).toContain('550 5.2.0 Rejected by choice')
    expect(run.code).toBe(0)
    expect(await mailTo('prdr')).toHaveLength(1)
  })

  test('hears one reply where it does not ask: who is rejected is quarantined', async () => {
    const run = await swaks('mx', '--to', 'plain@postern.test,reject@postern.test')
    expect(run.code).toBe(0)
    expect(await mailTo('plain')).toHaveLength(1)
    await printed(lastTrace(), 'hold (5.2.0 Rejected by choice, by chooser): reject@postern.test')
  })
})

describe.skipIf(isMissing('python3'))('Python', () => {
  test('delivers by LMTP', async () => {
    const run = await python(`
import smtplib
client = smtplib.LMTP('127.0.0.1', ${gateway.portOf('inside')})
print(client.sendmail('a@client.test', ['python@postern.test'], 'Subject: x\\r\\n\\r\\nby Python'))
print(client.sendmail('a@client.test', ['python@postern.test'], 'Subject: x\\r\\n\\r\\nonce more'))
client.quit()
`)
    expect(run.stderr).toBe('')
    expect(await mailTo('python', 2)).toHaveLength(2)
  })

  test('submits mail after a login over TLS, and a missing Date and Message-ID are added', async () => {
    const run = await python(`
import smtplib, ssl
client = smtplib.SMTP('127.0.0.1', ${gateway.portOf('submission')})
try:
    client.sendmail('alice@postern.test', 'bob@far.test', 'no')
except smtplib.SMTPSenderRefused as refusal:
    print(refusal.smtp_code, refusal.smtp_error)
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
client.starttls(context=context)
client.login('alice', 'secret')
client.ehlo()
client.mail('alice@postern.test')
for recipient in ['bob@far.test', 'submitted@postern.test', 'third@postern.test']:
    print(client.rcpt(recipient))
client.rset()
forged = 'Authentication-Results: (c) POSTERN.test;\\r\\n spf=pass\\r\\n'
client.sendmail('alice@postern.test', ['submitted@postern.test'], forged + 'Subject: x\\r\\n\\r\\nbody')
client.quit()
`)
    expect(run.stderr).toBe('')
    expect(run.stdout.split('\n').slice(0, 4)).toEqual([
      "530 b'5.7.0 Authentication required'",
      "(250, b'2.1.5 Ok')",
      "(250, b'2.1.5 Ok')",
      "(452, b'4.5.3 Too many recipients in one transaction')",
    ])
    const [mail = ''] = await mailTo('submitted')
    expect(mail).toMatch(/ with ESMTPSA id /)
    expect(mail).toMatch(/^Date: \w{3}, \d+ \w{3} \d{4} /m)
    expect(mail).toMatch(/^Message-ID: <\S+@postern\.test>$/m)
    expect(mail).not.toContain('spf=pass')
  })
})

describe.skipIf(isMissing('postfix'))("Postfix's smtp-source", () => {
  test('delivers many messages by LMTP in several sessions, three recipients each', async () => {
    const tool = postfixTool('smtp-source')!
    const options = ['-L', '-m', '20', '-s', '4', '-r', '3', '-f', 'a@client.test']
    const target = ['-t', 'source@postern.test', `127.0.0.1:${gateway.portOf('inside')}`]
    const run = await runProgram(tool.path, [...options, ...target], { env: tool.env })
    expect(run).toMatchObject({ code: 0, stderr: '' })
    for (const name of ['source', '2source', '3source']) {
      expect(await mailTo(name, 20)).toHaveLength(20)
    }
  })
})

test('who has not logged in relays nowhere, whatever the listener', async () => {
  const relay = ['MAIL FROM:<a@client.test>', 'RCPT TO:<bob@far.test>']
  const [, , , bySmtp] = await dialogue(gateway.portOf('mx'), ['EHLO client.test', ...relay])
  const [, , , byLmtp] = await dialogue(gateway.portOf('inside'), ['LHLO client.test', ...relay])
  expect([bySmtp, byLmtp]).toEqual(['550 5.7.1 Relaying denied', '550 5.7.1 Relaying denied'])
})

test('ETRN has tried at once what waits for a domain', async () => {
  const login = Buffer.from('\0alice\0secret').toString('base64')
  const attempts = async (queueId: string): Promise<number> => {
    const { stdout } = await runPostern(['trace', queueId, '--config', gateway.folder.config])
    return stdout.split('deferred  bob@away.test').length - 1
  }
  const session = ['EHLO client.test', `AUTH PLAIN ${login}`]
  const sent = await dialogue(gateway.portOf('hub'), [
    ...session,
    'MAIL FROM:<alice@postern.test>',
    'RCPT TO:<bob@away.test>',
    'DATA',
    'Subject: x\r\n\r\nbody\r\n.',
  ])
  const queueId = /queued as (\S+)/.exec(sent.at(-1) ?? '')?.[1] ?? ''
  await eventually(async () => ((await attempts(queueId)) === 1 ? true : undefined), 'one attempt')
  const [, ehlo, , none, some] = await dialogue(gateway.portOf('hub'), [
    ...session,
    'ETRN elsewhere.test',
    'ETRN away.test',
  ])
  expect(ehlo).toContain('250-ETRN')
  expect(none).toBe('251 2.0.0 No messages are waiting for elsewhere.test')
  expect(some).toBe('253 2.0.0 1 pending messages for away.test started')
  await eventually(async () => ((await attempts(queueId)) === 2 ? true : undefined), 'another')
})
