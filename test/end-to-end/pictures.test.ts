/** The nine pictures of qmail's documentation (PIC.*): who hands a message in, whom it is for, and where it arrives. */
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  checkout,
  dialogue,
  eventually,
  gatewayFolder,
  runProgram,
  startGateway,
  type GatewayFolder,
  type StartedGateway,
} from './started-gateway.ts'
import { World } from './world.ts'

const isRoot = process.getuid?.() === 0
const uid = isRoot ? 8123 : (process.getuid?.() ?? 0)
const gid = isRoot ? 8124 : (process.getgid?.() ?? 0)

let world: World
let folder: GatewayFolder
let gateway: StartedGateway
let home: string

beforeAll(async () => {
  world = await World.open()
  home = await mkdtemp(join(tmpdir(), 'postern-fred-'))
  await chmod(home, 0o755)
  await homeWith(home, {
    '.qmail-lists': './lists/\n',
    '.qmail-virt-info': './virtual/\n',
  })
  folder = await gatewayFolder()
  await chmod(folder.root, 0o755)
  const yaml = await folder.read('postern.yaml')
  await folder.write('postern.yaml', yaml.replace('\ndelivery:\n', '\ndelivery:\n  local: users\n'))
  await folder.write('control/me', 'mail.postern.test\n')
  await folder.write('control/defaulthost', 'postern.test\n')
  await folder.write('control/locals', 'postern.test\n')
  await folder.write('control/rcpthosts', 'postern.test\nvirt.test\n')
  await folder.write('control/virtualdomains', 'virt.test:fred-virt\n')
  await folder.write('control/smtproutes', `:127.0.0.1:${world.port}\n`)
  await folder.write('tcp.smtp', '127.0.0.2:allow,RELAYCLIENT=""\n:allow\n')
  const fred = `fred:${uid}:${gid}:${home}`
  await folder.write('users/assign', `=fred:${fred}:::\n+fred-:${fred}:-::\n.\n`)
  await homeWith(join(folder.config, 'alias'), { '.qmail-help': '&fred-lists@postern.test\n' })
  gateway = await startGateway(folder)
})
afterAll(async () => {
  await gateway.stop()
  world.close()
  await folder.remove()
  await rm(home, { recursive: true, force: true })
})

/** A home with two Maildirs beside the usual one, and .qmail files. */
async function homeWith(path: string, files: Readonly<Record<string, string>>): Promise<void> {
  const maildirs = ['Maildir', 'lists', 'virtual']
  const folders = maildirs.flatMap((each) => [each, `${each}/cur`, `${each}/new`, `${each}/tmp`])
  for (const each of ['', ...folders]) await mkdir(join(path, each), { recursive: true })
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text)
  if (!isRoot) return
  for (const each of ['', ...folders, ...Object.keys(files)])
    await chown(join(path, each), uid, gid)
}

/** As a program of this host does it. */
async function inject(to: string, subject: string, where = folder): Promise<void> {
  const run = await runProgram(
    join(checkout, 'bin/postern'),
    ['inject', '-f', 'joe@postern.test', to],
    { input: `To: ${to}\nSubject: ${subject}\n\nline\n`, env: { POSTERN_CONFIG: where.config } },
  )
  expect(run).toMatchObject({ code: 0, stderr: '' })
}

/** As another host does it. @returns the replies to RCPT and to the message, where it came to one */
async function bySmtp(to: string, subject: string, client?: string): Promise<readonly string[]> {
  const replies = await dialogue(
    gateway.port,
    [
      'EHLO client.test',
      'MAIL FROM:<ann@client.test>',
      `RCPT TO:<${to}>`,
      'DATA',
      `Subject: ${subject}\r\n\r\nline\r\n.`,
      'QUIT',
    ],
    undefined,
    client,
  )
  return [replies[3] ?? '', replies[5] ?? '']
}

async function arrived(maildir: string, subject: string): Promise<string> {
  return eventually(async () => {
    const names = await readdir(join(home, maildir, 'new'))
    const mail = await Promise.all(
      names.map((name) => readFile(join(home, maildir, 'new', name), 'latin1')),
    )
    return mail.find((text) => text.includes(`Subject: ${subject}\n`))
  }, `${subject} in ${maildir}`)
}

describe('the pictures', () => {
  test('local2local: what a program of this host injects for a user arrives', async () => {
    await inject('fred', 'local2local')
    const mail = await arrived('Maildir', 'local2local')
    expect(mail).toMatch(/^Return-Path: <joe@postern\.test>\nDelivered-To: fred@postern\.test\n/)
    expect(mail).toMatch(/^To: fred@postern\.test$/m)
  })

  test('local2ext: what is for an extension goes where its .qmail file says', async () => {
    await inject('fred-lists@postern.test', 'local2ext')
    expect(await arrived('lists', 'local2ext')).toContain('Delivered-To: fred-lists@postern.test\n')
  })

  test('local2alias: what is for nobody goes to the alias, and by it to a user', async () => {
    await inject('help@postern.test', 'local2alias')
    const mail = await arrived('lists', 'local2alias')
    expect(mail.match(/^Delivered-To: .*$/gm)).toEqual([
      'Delivered-To: fred-lists@postern.test',
      'Delivered-To: help@postern.test',
    ])
  })

  test('local2virt: what is for a virtual domain goes to the user who has it', async () => {
    await inject('info@virt.test', 'local2virt')
    expect(await arrived('virtual', 'local2virt')).toContain(
      'Delivered-To: fred-virt-info@virt.test\n',
    )
  })

  test('local2rem: what is for another host leaves by its route', async () => {
    await inject('bill@irs.test', 'local2rem')
    await world.has(/^RCPT TO:<bill@irs\.test>$/)
    expect(world.envelopes).toContain('MAIL FROM:<joe@postern.test>')
    await eventually(async () => world.lines.find((line) => line === 'Subject: local2rem'), 'it')
  })

  test('rem2local: what another host sends for a user arrives', async () => {
    const replies = await bySmtp('fred@postern.test', 'rem2local')
    expect(replies).toEqual([expect.stringMatching(/^250 /), expect.stringMatching(/^250 /)])
    const mail = await arrived('Maildir', 'rem2local')
    expect(mail).toMatch(/^Return-Path: <ann@client\.test>\nDelivered-To: fred@postern\.test\n/)
    expect(mail).toMatch(/^Received: from client\.test .*127\.0\.0\.1/m)
  })

  test('relaybad: a stranger who wants to send on by this host is refused', async () => {
    const [rcpt] = await bySmtp('bill@irs.test', 'relaybad')
    expect(rcpt).toMatch(/^55\d 5\.7\.1 /)
    expect(world.lines).not.toContain('Subject: relaybad')
  })

  test('relaygood: a client with RELAYCLIENT sends on by this host', async () => {
    const replies = await bySmtp('dan@irs.test', 'relaygood', '127.0.0.2')
    expect(replies).toEqual([expect.stringMatching(/^250 /), expect.stringMatching(/^250 /)])
    await world.has(/^RCPT TO:<dan@irs\.test>$/)
    await eventually(async () => world.lines.find((line) => line === 'Subject: relaygood'), 'it')
  })

  test('nullclient: a host without mailboxes hands everything to its relay', async () => {
    const client = await gatewayFolder()
    await client.write('control/me', 'null.postern.test\n')
    await client.write('control/defaulthost', 'postern.test\n')
    await client.write('control/locals', '')
    await client.write('control/smtproutes', `:127.0.0.1:${gateway.port}\n`)
    const running = await startGateway(client)
    try {
      await inject('fred', 'nullclient', client)
      const mail = await arrived('Maildir', 'nullclient')
      expect(mail).toContain('Delivered-To: fred@postern.test\n')
      expect(mail).toMatch(/^Received: from null\.postern\.test /m)
    } finally {
      await running.stop()
      await client.remove()
    }
  })
})
