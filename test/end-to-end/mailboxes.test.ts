/** Domains, users and aliases of `postern domain | user | alias`, on a gateway that runs meanwhile. */
import { createTransport } from 'nodemailer'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  delivered,
  dialogue,
  eventually,
  gatewayFolder,
  runPostern,
  startGateway,
  type GatewayFolder,
  type StartedGateway,
} from './started-gateway.ts'

const yaml = `
listeners: [{ name: mx, listen: '127.0.0.1:2525', receiver: { auth_without_tls: true } }]
plugin_dirs: [../plugins]
chain:
  - plugin: relay-clients
  - plugin: mailboxes
  - plugin: accounts
spool: { path: ../var/spool }
store: { path: ../var/store.db }
log: { level: info, to: stderr }
`

let folder: GatewayFolder
let gateway: StartedGateway

beforeAll(async () => {
  folder = await gatewayFolder(yaml)
  gateway = await startGateway(folder)
}, 60_000)

afterAll(async () => {
  await gateway.stop()
  await folder.remove()
})

async function postern(line: string, input = ''): Promise<string> {
  const run = await runPostern([...line.split(' '), '--config', folder.config], input)
  expect(run, run.stderr).toMatchObject({ code: 0 })
  return run.stdout
}

async function rcpt(address: string, size = 100): Promise<string> {
  const replies = await dialogue(gateway.port, [
    'EHLO client.test',
    `MAIL FROM:<ann@far.test> SIZE=${size}`,
    `RCPT TO:<${address}>`,
  ])
  return replies[3] ?? ''
}

async function send(address: string, subject: string): Promise<string> {
  const replies = await dialogue(gateway.port, [
    'EHLO client.test',
    'MAIL FROM:<>',
    `RCPT TO:<${address}>`,
    'DATA',
    `Subject: ${subject}\r\n\r\n${'x'.repeat(400)}\r\n.`,
  ])
  return replies[5] ?? replies.at(-1) ?? ''
}

test('a domain and a user are there at once: for mail, for a login, and no more once they are gone', async () => {
  expect(await rcpt('alice@mine.test')).toContain('550 5.7.1')
  await postern('domain add mine.test max-users=3 default-quota=2000')
  expect(await rcpt('alice@mine.test')).toContain('550 5.1.1')
  await postern('user add alice@mine.test', 'secret\n')
  expect(await send('Alice@mine.test', 'first')).toContain('250 2.0.0')
  expect((await delivered(folder, ['alice', 'mine.test']))[0]).toContain('Subject: first')

  const auth = { user: 'alice@mine.test', pass: 'secret' }
  const { port } = gateway
  const transport = createTransport({ host: '127.0.0.1', port, auth, ignoreTLS: true })
  await transport.verify()
  await postern('user disable alice@mine.test')
  await expect(transport.verify()).rejects.toThrow('535')
  await postern('user enable alice@mine.test')
  await transport.verify()
  transport.close()

  await postern('user add bob@mine.test', 'secret\n')
  await postern('user remove bob@mine.test')
  expect(await rcpt('bob@mine.test')).toContain('550 5.1.1')
}, 60_000)

test('a full mailbox is refused at RCPT, and has room again when its quota grows', async () => {
  await postern('user add small@mine.test --quota 1C', 'secret\n')
  expect(await send('small@mine.test', 'one')).toContain('250 2.0.0')
  await delivered(folder, ['small', 'mine.test'])
  await eventually(
    async () => ((await rcpt('small@mine.test')).startsWith('552 5.2.2') ? true : undefined),
    'a full mailbox',
  )
  await postern('domain set mine.test over-quota=defer')
  expect(await rcpt('small@mine.test')).toContain('452 4.2.2')
  await postern('user quota small@mine.test 10C')
  expect(await send('small@mine.test', 'two')).toContain('250 2.0.0')
  await delivered(folder, ['small', 'mine.test'], 2)
  expect(await folder.read('../var/mail/mine.test/small/maildirsize')).toMatch(/^10C\n/)
  expect(await rcpt('alice@mine.test', 5000)).toContain('452 4.2.2')
}, 60_000)

test('an alias leads to two, one of whom keeps a copy and sends on; a catch-all takes the rest', async () => {
  await postern('domain add group.test')
  for (const name of ['amy', 'ben']) await postern(`user add ${name}@group.test`, 'secret\n')
  await postern('alias add team@group.test amy@group.test ben@group.test')
  await postern('alias add ben@group.test ben@group.test amy@group.test')
  expect(await send('team@group.test', 'both')).toContain('250 2.0.0')
  const [mail = ''] = await delivered(folder, ['ben', 'group.test'])
  expect(mail).toMatch(/^Return-Path: <>\nDelivered-To: ben@group\.test\nDelivered-To: team@group/)
  await delivered(folder, ['amy', 'group.test'], 2)

  expect(await rcpt('anybody@group.test')).toContain('550 5.1.1')
  await postern('domain set group.test catch-all=amy@group.test')
  expect(await send('anybody@group.test', 'rest')).toContain('250 2.0.0')
  const all = await delivered(folder, ['amy', 'group.test'], 3)
  expect(all.some((text) => text.includes('Delivered-To: anybody@group.test'))).toBe(true)
  expect(await postern('domain list')).toContain('group.test catch-all=amy@group.test')
  expect(await postern('alias list group.test')).toBe(
    'ben@group.test ben@group.test amy@group.test\nteam@group.test amy@group.test ben@group.test\n',
  )
  const text = await postern('domain export')
  await postern('domain remove group.test')
  expect(await rcpt('amy@group.test')).toContain('550 5.7.1')
  expect(await postern('domain import', text)).toBe('2 domains and 2 aliases taken in\n')
  expect(await rcpt('team@group.test')).toContain('550 5.1.1 sorry, this address leads to nobody')
  await postern('user add amy@group.test', 'secret\n')
  expect(await rcpt('team@group.test')).toContain('250 ')
}, 60_000)

test('a vpopmail is taken over by a gateway that runs: its users log in and get mail as before', async () => {
  const domain = '../vpopmail/domains/moved.test'
  const md5 = '$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1'
  await folder.write(
    `${domain}/vpasswd`,
    `old:${md5}:1:0:Old:/home/vpopmail/domains/moved.test/old::\n`,
  )
  await folder.write(`${domain}/.qmail-default`, "| /home/vpopmail/bin/vdelivermail '' delete\n")
  await folder.write(`${domain}/.qmail-info`, '&old@moved.test\n')
  expect(await rcpt('old@moved.test')).toContain('550 5.7.1')
  const home = `${folder.root}/vpopmail`
  expect(await postern(`import-vpopmail ${home} --dry-run`)).toContain('would be taken over')
  expect(await rcpt('old@moved.test')).toContain('550 5.7.1')
  expect(await postern(`import-vpopmail ${home}`)).toBe('1 domain, 1 user, 1 alias taken over\n')
  expect(await send('info@moved.test', 'moved')).toContain('250 2.0.0')
  expect((await delivered(folder, ['old', 'moved.test']))[0]).toContain('Subject: moved')
  expect(await send('anybody@moved.test', 'nowhere')).toContain('250 2.0.0')
  await gateway.seen('Thrown away')
  const auth = { user: 'old@moved.test', pass: 'secret' }
  const transport = createTransport({
    host: '127.0.0.1',
    port: gateway.port,
    auth,
    ignoreTLS: true,
  })
  await transport.verify()
  transport.close()
}, 60_000)
