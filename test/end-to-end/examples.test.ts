/** Each folder of config/examples at work: as it is, but for ports, paths and the hosts that it names. */
import { readdir } from 'node:fs/promises'
import { createTransport } from 'nodemailer'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
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
  type GatewayFolder,
  type StartedGateway,
} from './started-gateway.ts'

const running: StartedGateway[] = []
const folders: GatewayFolder[] = []

afterEach(async () => {
  for (const gateway of running.splice(0)) await gateway.stop()
  for (const folder of folders.splice(0)) await folder.remove()
})

/** @param changed what is otherwise in its postern.yaml */
async function example(
  name: string,
  changed: (yaml: string) => string = (yaml) => yaml,
): Promise<GatewayFolder> {
  const whole = await gatewayFolder()
  const config = join(whole.config, 'examples', name)
  const folder: GatewayFolder = {
    ...whole,
    config,
    write: (path, text) => whole.write(join('examples', name, path), text),
    read: (path) => whole.read(join('examples', name, path)),
  }
  const yaml = (await folder.read('postern.yaml'))
    .replaceAll(`../../../var/${name}`, '../../../var')
    .replace(
      '[../../../plugins]',
      `['${join(checkout, 'plugins')}', '${join(checkout, 'test/fixtures/plugins')}']`,
    )
    .replaceAll(/127\.0\.0\.1:2\d+/g, '127.0.0.1:0')
  await folder.write('postern.yaml', changed(yaml))
  folders.push(folder)
  return folder
}

async function started(folder: GatewayFolder): Promise<StartedGateway> {
  const gateway = await startGateway(folder)
  running.push(gateway)
  return gateway
}

test.each(
  await readdir(join(checkout, 'config/examples')).then((names) =>
    names.filter((name) => !name.includes('.')),
  ),
)('the example %s is right, and nothing in it is doubted', async (name) => {
  const folder = await example(name)
  const { code, stdout, stderr } = await runPostern(['check', '--config', folder.config])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toContain('The configuration is right')
})

const codes = (replies: readonly string[]): string =>
  replies.map((reply) => reply.slice(0, 3)).join(' ')
const to = (...recipients: readonly string[]): string[] => [
  'EHLO client.test',
  'MAIL FROM:<ann@client.test>',
  ...recipients.map((recipient) => `RCPT TO:<${recipient}>`),
]

describe('the spam gateway', () => {
  test('passes mail on, tags and holds what scores, and lets a release go on to the mailboxes', async () => {
    const mailboxes = await gatewayFolder()
    folders.push(mailboxes)
    for (const file of ['locals', 'rcpthosts'])
      await mailboxes.write(`control/${file}`, 'example.org\nexample.net\n')
    const inside = await started(mailboxes)
    const folder = await example('spam-gateway', (yaml) =>
      yaml.replace('chain:\n', 'chain:\n  - { plugin: scorer, options: { by_recipient: true } }\n'),
    )
    await folder.write('control/smtproutes', `:127.0.0.1:${inside.port}\n`)
    const { port } = await started(folder)
    expect(codes(await dialogue(port, [...to('bob@elsewhere.test'), 'QUIT']))).toBe(
      '220 250 250 550 221',
    )
    const hello = ['DATA', 'Subject: hello\r\n\r\nhello\r\n.', 'QUIT']
    const both = [...to('bob4@example.org', 'bob8@example.org'), ...hello]
    expect(codes(await dialogue(port, both))).toBe('220 250 250 250 250 354 250 221')
    const [tagged] = await delivered(mailboxes, ['bob4', 'example.org'])
    expect(tagged).toMatch(/^X-Spam-Flag: YES$/m)
    expect(tagged).toMatch(/^X-Spam-Level: \*{4}$/m)
    const other = await dialogue(port, [...to('bob9@example.net', 'abuse20@example.org'), ...hello])
    expect(codes(other)).toBe('220 250 250 250 452 354 550 221')
    expect(codes(await dialogue(port, [...to('abuse@example.org'), ...hello]))).toMatch(
      /354 250 221$/,
    )
    await delivered(mailboxes, ['abuse', 'example.org'])
    const release = ['quarantine', 'release', '--to', 'bob8@example.org', '--config', folder.config]
    await printed(release, '1 message released\n')
    await delivered(mailboxes, ['bob8', 'example.org'])
    const noticed = await delivered(mailboxes, ['postmaster', 'example.org'])
    expect(noticed[0]).toContain('postern quarantine release')
  })
})

describe('the submission host', () => {
  const text = 'From: ann@mail.example.org\r\n\r\nhello\r\n.'

  test('relays for its own machines, and completes what they leave out', async () => {
    const folder = await example('submission')
    await folder.write('control/locals', 'mail.example.org\n')
    const { port } = await started(folder)
    await dialogue(port, [...to('bob@mail.example.org'), 'DATA', text, 'QUIT'])
    const [mail] = await delivered(folder, ['bob', 'mail.example.org'])
    expect(mail).toMatch(/^Date: /m)
    expect(mail).toMatch(/^Message-ID: /im)
  })

  test('refuses everybody else, and takes whoever logs in', async () => {
    const folder = await example('submission', (yaml) => yaml.replace('127.0.0.0/8, ', ''))
    const added = ['user', 'add', 'alice', '--config', folder.config]
    expect((await runPostern(added, 'correct horse\n')).code).toBe(0)
    const { port } = await started(folder)
    expect(codes(await dialogue(port, [...to('bob@mail.example.org'), 'QUIT']))).toBe(
      '220 250 250 550 221',
    )
    const transport = createTransport({
      host: '127.0.0.1',
      port,
      requireTLS: true,
      tls: { rejectUnauthorized: false },
      auth: { user: 'alice', pass: 'correct horse' },
    })
    await transport.sendMail({
      from: 'alice@mail.example.org',
      to: 'bob@mail.example.org',
      text: 'hello',
    })
    await delivered(folder, ['bob', 'mail.example.org'])
  })
})

describe('in the place of qmail-smtpd', () => {
  test('takes what tcpserver hands over, by its variables and by the control files', async () => {
    const folder = await example('qmail', (yaml) =>
      yaml.replace('chain:', "  - { name: mx, listen: '127.0.0.1:0' }\n\nchain:"),
    )
    const gateway = await started(folder)
    const socket = join(folder.root, 'var/smtpd.sock')
    const say = async (env: NodeJS.ProcessEnv, ...commands: readonly string[]): Promise<string> => {
      const client = {
        PROTO: 'TCP',
        TCPREMOTEIP: '192.0.2.7',
        TCPREMOTEPORT: '4711',
        TCPLOCALIP: '127.0.0.1',
        TCPLOCALPORT: '25',
      }
      const run = await runProgram(join(checkout, 'bin/postern'), ['smtpd', '--socket', socket], {
        env: { ...client, ...env },
        input: [...commands, 'QUIT', ''].join('\r\n'),
      })
      return codes(run.stdout.split('\r\n').filter((line) => /^\d{3} /.test(line)))
    }
    expect(await say({}, ...to('bob@else.test'))).toBe('220 250 250 550 221')
    expect(await say({ RELAYCLIENT: '' }, ...to('bob@else.test'))).toBe('220 250 250 250 221')
    expect(
      await say({}, 'HELO c', 'MAIL FROM:<spammer@example.com>', 'RCPT TO:<bob@example.org>'),
    ).toBe('220 250 250 550 221')
    const journal = [...to('postmaster@example.org'), 'DATA', 'Subject: help', '', 'help', '.']
    expect(await say({}, ...journal)).toBe('220 250 250 250 354 250 221')
    await delivered(folder, ['postmaster', 'example.org'])
    const [copy] = await delivered(folder, ['archive', 'example.org'])
    expect(copy).toMatch(/^Return-Path: <>$/m)
    expect(copy).toMatch(/^X-Envelope-To: postmaster@example\.org$/m)
    await eventually(
      async () => (gateway.stderr().includes('transaction.committed') ? true : undefined),
      'a log',
    )
  })
})
