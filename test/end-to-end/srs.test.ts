/** Mail that a .qmail file forwards to another host, and its bounces: that of the next hop at once, and one that comes later. */
import { chmod, chown, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  dialogue,
  eventually,
  gatewayFolder,
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

beforeEach(async () => {
  world = await World.open()
  home = await mkdtemp(join(tmpdir(), 'postern-joe-'))
  await chmod(home, 0o755)
  folder = await gatewayFolder()
  const yaml = await folder.read('postern.yaml')
  await folder.write('postern.yaml', yaml.replace('\ndelivery:\n', '\ndelivery:\n  local: users\n'))
  await folder.write('control/me', 'mail.postern.test\n')
  await folder.write('control/rcpthosts', 'postern.test\n')
  await folder.write('control/smtproutes', `:127.0.0.1:${world.port}\n`)
  await folder.write('users/assign', `=joe:joe:${uid}:${gid}:${home}:::\n.\n`)
  await mkdir(join(folder.config, 'alias'))
  if (isRoot) await chmod(folder.root, 0o755)
})
afterEach(async () => {
  await gateway.stop()
  world.close()
  await folder.remove()
  await rm(home, { recursive: true, force: true })
})

async function forwardTo(address: string, line = '&'): Promise<void> {
  await writeFile(join(home, '.qmail'), `${line}${address}\n`)
  if (isRoot) {
    await chown(home, uid, gid)
    await chown(join(home, '.qmail'), uid, gid)
  }
}

async function send(from: string, recipient: string): Promise<string> {
  const replies = await dialogue(gateway.port, [
    'EHLO client.test',
    `MAIL FROM:<${from}>`,
    `RCPT TO:<${recipient}>`,
    'DATA',
    'Subject: hi\r\n\r\nline\r\n.',
    'QUIT',
  ])
  return replies[3] ?? ''
}

test('what is forwarded has a sender of ours, and a bounce to it finds the sender', async () => {
  await forwardTo('carol@far.test')
  gateway = await startGateway(folder)
  expect(await send('alice@client.test', 'joe@postern.test')).toMatch(/^250 /)
  const [, rewritten = ''] = await world.has(
    /^MAIL FROM:<(SRS0=.{4}=..=client\.test=alice@mail\.postern\.test)>/,
  )
  await world.has(/^RCPT TO:<carol@far\.test>/)
  const secret = join(folder.config, 'control/srs.secret')
  expect((await readFile(secret, 'utf8')).trim().length).toBeGreaterThan(20)
  expect((await stat(secret)).mode & 0o777).toBe(0o600)

  // The key was made after the start: it counts as soon as it is followed.
  await eventually(async () => {
    const reply = await send('', rewritten)
    return reply.startsWith('250 ') ? reply : undefined
  }, 'a bounce that is taken')
  await world.has(/^RCPT TO:<alice@client\.test>/)
  expect(await send('mallory@evil.test', rewritten)).toMatch(/^550 /)
  expect(await send('', `SRS0=AAAA${rewritten.slice(9)}`)).toMatch(/^550 /)
})

test('what the next hop refuses is told to the sender, not to the address we have made', async () => {
  await forwardTo('bob@far.test')
  gateway = await startGateway(folder)
  await send('alice@client.test', 'joe@postern.test')
  await world.has(/^RCPT TO:<alice@client\.test>/)
  expect(world.envelopes).toContain('MAIL FROM:<>')
})

test('what a program of a .qmail file sends on has a sender of ours as well; what it writes itself does not', async () => {
  await forwardTo('carol@far.test', '|forward ')
  gateway = await startGateway(folder)
  await send('alice@client.test', 'joe@postern.test')
  await world.has(/^MAIL FROM:<SRS0=.{4}=..=client\.test=alice@mail\.postern\.test>/)
  await world.has(/^RCPT TO:<carol@far\.test>/)
  await forwardTo('sendmail -f shop@client.test dan@far.test', '|')
  await send('alice@client.test', 'joe@postern.test')
  await world.has(/^RCPT TO:<dan@far\.test>/)
  expect(world.envelopes).toContain('MAIL FROM:<shop@client.test>')
})

test('with srs: false the sender stays', async () => {
  const yaml = await folder.read('postern.yaml')
  await folder.write('postern.yaml', yaml.replace('\ndelivery:\n', '\ndelivery:\n  srs: false\n'))
  await forwardTo('carol@far.test')
  gateway = await startGateway(folder)
  await send('alice@client.test', 'joe@postern.test')
  await world.has(/^RCPT TO:<carol@far\.test>/)
  expect(world.envelopes).toContain('MAIL FROM:<alice@client.test>')
})
