/** Mail for users of this host, by users/assign, alias and their .qmail files, as a host that ran qmail has them. */
import { cpSync } from 'node:fs'
import { chmod, chown, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { component, isMissing, maildropProgram } from '../setup/components.ts'
import {
  dialogue,
  eventually,
  gatewayFolder,
  runProgram,
  startGateway,
  type GatewayFolder,
  type StartedGateway,
} from './started-gateway.ts'

let folder: GatewayFolder
let gateway: StartedGateway
let home: string

/** Root delivers for whom it likes, everybody else for themselves. maildrop wants to find an account: that of nobody. */
const isRoot = process.getuid?.() === 0
const uid = isRoot ? 65_534 : (process.getuid?.() ?? 0)
const gid = isRoot ? 65_534 : (process.getgid?.() ?? 0)

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
/** Each finds an empty home, in which nothing of the test before is still written or taken away. */
beforeEach(async () => {
  await eventually(
    async () => (underWay().length === 0 ? true : undefined),
    'the end of deliveries',
  )
  for (const name of await readdir(home))
    await rm(join(home, name), { recursive: true, force: true, maxRetries: 5 })
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

/** What was sent, by queue id. */
const sent: string[] = []

/** Messages that a delivery is still tried of. */
function underWay(): readonly string[] {
  const log = gateway.stderr()
  return sent.filter(
    (queueId) =>
      !['message.ended', 'delivery.deferred'].some((event) =>
        log.includes(`"event":"${event}","queueId":"${queueId}"`),
      ),
  )
}

async function send(recipient: string, subject = 'hi'): Promise<void> {
  const replies = await dialogue(gateway.port, [
    'EHLO client.test',
    'MAIL FROM:<alice@client.test>',
    `RCPT TO:<${recipient}>`,
    'DATA',
    `Subject: ${subject}\r\n\r\nline\r\n.`,
    'QUIT',
  ])
  expect(replies[5]).toMatch(/^250 /)
  sent.push(/ queued as (\w+)/.exec(replies[5] ?? '')?.[1] ?? '')
}

async function content(path: string): Promise<string> {
  return eventually(
    async () => (await readFile(join(home, path), 'latin1').catch(() => '')) || undefined,
    `${path} of joe`,
  )
}

async function mailIn(name: string): Promise<string> {
  const found = await eventually(async () => {
    const [first] = await readdir(join(home, name, 'new')).catch((): string[] => [])
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
    await own('.qmail-on', '|condredirect joe@postern.test grep -q ^Subject\n./never\n')
    await own('.qmail-by', '|preline sh -c "head -n 3 > top; echo $QMAILQUEUE > queue"\n')
    await send('joe-on@postern.test')
    expect(await mailIn('Maildir')).toMatch(
      /^Return-Path: <alice@client\.test>\nDelivered-To: joe@postern\.test\n(?:.*\n)*Delivered-To: joe-on@postern\.test\n/,
    )
    await send('joe-by@postern.test')
    expect(await content('queue')).toMatch(/\/bin\/qmail-queue\n$/)
    expect(await content('top')).toMatch(
      /^From alice@client\.test .*\nReturn-Path: .*\nDelivered-To: /,
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
    await expect.poll(() => gateway.stderr()).toContain('delivery.deferred')
  })
})

describe('root', () => {
  test('never gets mail, and neither does an address that nobody has', async () => {
    await send('root@postern.test')
    await gateway.seen('Not allowed to perform deliveries as root.')
    await send('nobody-at-all@postern.test')
    await gateway.seen('(#5.1.1)')
    await expect.poll(() => gateway.stderr()).toContain('Sorry, no mailbox here by that name.')
  })
})

describe('a filter of others', () => {
  test.skipIf(isMissing('procmail'))('sorts a user’s mail: procmail', async () => {
    await maildir('Maildir')
    await own('.procmailrc', ':0\n* ^Subject:.*list\nMaildir/.lists/\n\n:0\nMaildir/\n')
    await own('.qmail-sort', '|preline procmail -m ./.procmailrc || exit 111\n')
    await send('joe-sort@postern.test', 'the list')
    expect(await mailIn('Maildir/.lists')).toMatch(
      /^Return-Path: <alice@client\.test>\nDelivered-To: joe-sort@/,
    )
    await send('joe-sort@postern.test', 'nothing')
    expect(await mailIn('Maildir')).toContain('Subject: nothing\n')
  })

  test.skipIf(isMissing('maildrop'))('sorts it, or refuses it: maildrop', async () => {
    const { path, env } = maildropFor(home)
    await maildir('Maildir')
    await own(
      '.mailfilter',
      'if (/^Subject:.*junk/)\n{\n  EXITCODE=77\n  exit\n}\nto "./Maildir/"\n',
    )
    await chmod(join(home, '.mailfilter'), 0o600)
    await own('.qmail-sort', `|LD_LIBRARY_PATH=${env.LD_LIBRARY_PATH} ${path} ./.mailfilter\n`)
    await send('joe-sort@postern.test', 'kept')
    expect(await mailIn('Maildir')).toMatch(/^Received: [^]*Subject: kept\n/)
    await send('joe-sort@postern.test', 'junk')
    await gateway.seen('"status":"5.0.0"')
  })
})

describe('what lies in a home', () => {
  test.skipIf(isMissing('python3', 'mutt'))(
    'is read by others: an mbox, and a Maildir',
    async () => {
      await maildir('Maildir')
      await own('.qmail-both', './mbox\n./Maildir/\n')
      await send('joe-both@postern.test', 'one')
      await send('joe-both@postern.test', 'two')
      await eventually(async () => {
        const found = await readdir(join(home, 'Maildir/new'))
        return found.length === 2 || undefined
      }, 'both messages')
      const python = `import mailbox
for box in mailbox.mbox('mbox', create=False), mailbox.Maildir('Maildir', create=False):
    print(sorted((m['Subject'], m['Delivered-To'], m.get_payload().strip()) for m in box))`
      const { stdout, stderr } = await runProgram(component('python3')!.path, ['-c', python], {
        cwd: home,
      })
      const each =
        "[('one', 'joe-both@postern.test', 'line'), ('two', 'joe-both@postern.test', 'line')]"
      expect(stdout, stderr).toBe(`${each}\n${each}\n`)
      for (const box of ['mbox', 'Maildir']) {
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        expect(await muttSubjects(join(home, box))).toEqual(['one', 'two'])
      }
    },
  )
})

/**
 * mutt has no list to print: all messages are piped to one program of ours. The ^D that script types where its
 * input ends means nothing: as a command that fails it would drop the keys that are pushed.
 */
async function muttSubjects(box: string): Promise<readonly string[]> {
  const found = join(folder.root, 'subjects')
  await rm(found, { force: true })
  const keys = `<tag-pattern>~A<enter><tag-prefix><pipe-message>grep Subject: >> ${found}<enter><exit>`
  const config = join(folder.root, 'muttrc')
  await writeFile(
    config,
    `set pipe_split=no pipe_decode=no wait_key=no quit=yes mark_old=no
set header_cache="" sort=subject mbox_type=mbox move=no confirmappend=no
bind index \\Cd noop
push '${keys}'
`,
  )
  const line = [component('mutt')!.path, '-n', '-F', config, '-R', '-f', box].join(' ')
  // A terminal is what it wants to see.
  await runProgram('/usr/bin/script', ['-qec', line, '/dev/null'], { env: { TERM: 'xterm' } })
  const lines = (await readFile(found, 'utf8')).trim().split('\n')
  return lines.map((each) => each.replace('Subject: ', '')).toSorted()
}

/** Joe may not come to where it was unpacked. */
function maildropFor(place: string): NonNullable<ReturnType<typeof maildropProgram>> {
  const { path, env } = maildropProgram()!
  const [root, copy] = [path.slice(0, -'/usr/bin/maildrop'.length), join(place, 'maildrop')]
  for (const part of ['usr/bin/maildrop', 'usr/lib']) {
    cpSync(join(root, part), join(copy, part), { recursive: true, dereference: true })
  }
  const there = (each: string): string => each.replaceAll(root, copy)
  return { path: there(path), env: { LD_LIBRARY_PATH: there(env.LD_LIBRARY_PATH) } }
}
