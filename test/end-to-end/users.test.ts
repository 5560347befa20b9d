/** Mail for users of this host, by users/assign, alias and their .qmail files, as a host that ran qmail has them. */
import { chmod, chown, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  dialogue,
  eventually,
  gatewayFolder,
  startGateway,
  type GatewayFolder,
  type StartedGateway,
} from './started-gateway.ts'

let folder: GatewayFolder
let gateway: StartedGateway
let home: string

/** Root delivers for whom it likes, everybody else for themselves. */
const isRoot = process.getuid?.() === 0
const uid = isRoot ? 8123 : (process.getuid?.() ?? 0)
const gid = isRoot ? 8124 : (process.getgid?.() ?? 0)

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'postern-joe-'))
  await chmod(home, 0o755)
  if (isRoot) await chown(home, uid, gid)
  folder = await gatewayFolder()
  const yaml = await folder.read('postern.yaml')
  await folder.write('postern.yaml', yaml.replace('\ndelivery:\n', '\ndelivery:\n  local: users\n'))
  await folder.write('control/virtualdomains', 'virt.test:joe-virt\n')
  await folder.write('control/rcpthosts', 'postern.test\nvirt.test\n')
  const joe = `joe:${uid}:${gid}:${home}`
  await folder.write(
    'users/assign',
    `=joe:${joe}:::\n+joe-:${joe}:-::\n=root:root:0:0:/root:::\n.\n`,
  )
  await mkdir(join(folder.config, 'alias'))
  if (isRoot) {
    await chown(join(folder.config, 'alias'), uid, gid)
    // Who delivers for another must be able to come there.
    await chmod(folder.root, 0o755)
  }
  gateway = await startGateway(folder)
})
/** Each finds an empty home. */
beforeEach(async () => {
  for (const name of await readdir(home)) await rm(join(home, name), { recursive: true })
})
afterAll(async () => {
  await gateway.stop()
  await folder.remove()
  await rm(home, { recursive: true, force: true })
})

/** Of joe, in his home. */
async function own(name: string, text?: string): Promise<void> {
  const path = join(home, name)
  if (text === undefined) await mkdir(path, { recursive: true })
  else await writeFile(path, text)
  if (isRoot) await chown(path, uid, gid)
}

async function maildir(name: string): Promise<void> {
  for (const part of ['', '/cur', '/new', '/tmp']) await own(`${name}${part}`)
}

async function send(recipient: string): Promise<void> {
  const replies = await dialogue(gateway.port, [
    'EHLO client.test',
    'MAIL FROM:<alice@client.test>',
    `RCPT TO:<${recipient}>`,
    'DATA',
    'Subject: hi\r\n\r\nline\r\n.',
    'QUIT',
  ])
  expect(replies[5]).toMatch(/^250 /)
}

async function content(path: string): Promise<string> {
  return eventually(
    async () => (await readFile(join(home, path), 'latin1').catch(() => '')) || undefined,
    `${path} of joe`,
  )
}

async function mailIn(name: string): Promise<string> {
  const found = await eventually(async () => {
    const [first] = await readdir(join(home, name, 'new'))
    return first
  }, `mail in ${name}`)
  return readFile(join(home, name, 'new', found), 'latin1')
}

describe('a user of this host', () => {
  test('without a .qmail file has mail in the Maildir of control/defaultdelivery', async () => {
    await maildir('Maildir')
    await send('Joe@postern.test')
    const mail = await mailIn('Maildir')
    expect(mail).toMatch(/^Return-Path: <alice@client\.test>\nDelivered-To: Joe@postern\.test\n/)
    expect(mail.endsWith('Subject: hi\n\nline\n')).toBe(true)
  })

  test('is whom the start says that mail is for', () => {
    expect(gateway.stdout()).toContain('control/locals is for the users of this host')
  })

  test('has our own programs at hand, which send on by this gateway', async () => {
    await maildir('Maildir')
    await own('.qmail-on', '|postern condredirect joe@postern.test grep -q ^Subject\n./never\n')
    await send('joe-on@postern.test')
    expect(await mailIn('Maildir')).toMatch(
      /^Return-Path: <alice@client\.test>\nDelivered-To: joe@postern\.test\n(?:.*\n)*Delivered-To: joe-on@postern\.test\n/,
    )
  })

  test('has extensions, programs and mboxes as the .qmail file says', async () => {
    await own(
      '.qmail-list-default',
      '|echo "$USER $EXT $DEFAULT $SENDER" > program; id -u >> program\n./mbox\n',
    )
    await send('joe-list-Return-7@postern.test')
    expect(await content('mbox')).toMatch(/^From alice@client\.test /)
    expect(await content('program')).toBe(`joe list-Return-7 Return-7 alice@client.test\n${uid}\n`)
  })

  test('has a virtual domain, and what a .qmail file forwards is sent on', async () => {
    await maildir('Maildir')
    await own('.qmail-virt-sales', '&joe@postern.test\n')
    await send('sales@virt.test')
    const mail = await mailIn('Maildir')
    expect(mail).toMatch(/^Delivered-To: joe-virt-sales@virt\.test$/m)
    expect(mail).toMatch(/^Delivered-To: joe@postern\.test\n/m)
  })

  test('sees a new users/assign at once', async () => {
    await maildir('Maildir')
    const joe = `joe:${uid}:${gid}:${home}`
    const before = await folder.read('users/assign')
    await folder.write('users/assign', `=jim:${joe}:::\n${before}`)
    await gateway.seen('"event":"file.reread"')
    await send('jim@postern.test')
    expect(await mailIn('Maildir')).toMatch(/^Delivered-To: jim@postern\.test$/m)
  })

  test('whose .qmail file everybody may write is not obeyed, and the mail waits', async () => {
    await own('.qmail', './Maildir/\n')
    await chmod(join(home, '.qmail'), 0o666)
    await send('joe@postern.test')
    await gateway.seen('Uh-oh: .qmail file is writable. (#4.7.0)')
    expect(gateway.stderr()).toContain('delivery.deferred')
  })
})

describe('root', () => {
  test('never gets mail, and neither does an address that nobody has', async () => {
    await send('root@postern.test')
    await gateway.seen('Not allowed to perform deliveries as root.')
    await send('nobody-at-all@postern.test')
    await gateway.seen('(#5.1.1)')
    expect(gateway.stderr()).toContain('Sorry, no mailbox here by that name.')
  })
})
