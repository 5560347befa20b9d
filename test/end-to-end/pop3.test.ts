/** Mail that came by SMTP is fetched by POP3, with clients that nobody here wrote. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { component, isMissing } from '../setup/components.ts'
import {
  delivered,
  dialogue,
  gatewayFolder,
  runPostern,
  runProgram,
  startGateway,
  type Run,
  type StartedGateway,
} from './started-gateway.ts'

let gateway: StartedGateway

/** A program that knows one password in the clear, and is told digest and timestamp. */
const knowsErin = `{ read -r user; read -r digest; read -r stamp; } <<end
$(tr '\\000' '\\n' <&3)
end
right=$(printf '%sswordfish' "$stamp" | md5sum | cut -c1-32)
[ "$user" = erin@postern.test ] && [ "$digest" = "$right" ] || exit 1
`

beforeAll(async () => {
  const folder = await gatewayFolder(`
listeners:
  - { name: mx, listen: '127.0.0.1:2525' }
  - { name: pop3, role: pop3, listen: '127.0.0.1:0' }
  - { name: pop3s, role: pop3s, listen: '127.0.0.1:0' }
plugin_dirs: [../plugins]
chain:
  - plugin: accounts
  - plugin: checkpassword
    options: { command: [/bin/sh, CHECKPASSWORD], apop: true }
  - plugin: pop-before-smtp
  - plugin: rcpthosts
delivery: { maildirs: ../var/mail }
accounts: { path: ../var/accounts.db }
spool: { path: ../var/spool }
store: { path: ../var/store.db }
`)
  for (const user of ['bob@postern.test', 'carol@postern.test', 'dora@postern.test']) {
    const added = await runPostern(
      ['user', 'add', user, '--config', folder.config],
      'open sesame\n',
    )
    if (added.code !== 0) throw new Error(added.stderr)
  }
  const program = join(folder.root, 'checkpassword.sh')
  await writeFile(program, knowsErin)
  const yaml = await folder.read('postern.yaml')
  await folder.write('postern.yaml', yaml.replace('CHECKPASSWORD', program))
  gateway = await startGateway(folder)
})

afterAll(async () => {
  await gateway.stop()
  await gateway.folder.remove()
})

async function send(user: string, ...bodies: string[]): Promise<void> {
  for (const [before, body] of bodies.entries()) {
    await dialogue(gateway.port, [
      'EHLO client.test',
      'MAIL FROM:<alice@client.test>',
      `RCPT TO:<${user}@postern.test>`,
      'DATA',
      `Subject: ${body}\r\n\r\n..${body}\r\n.`,
      'QUIT',
    ])
    await delivered(gateway.folder, [user, 'postern.test'], before + 1)
  }
}

async function files(user: string, folder: 'new' | 'cur'): Promise<number> {
  const path = join(gateway.folder.root, 'var/mail/postern.test', user, folder)
  return (await readdir(path)).length
}

describe.skipIf(isMissing('curl'))('curl', () => {
  const curl = (url: string, ...more: string[]): Promise<Run> => {
    const user = ['--user', 'carol@postern.test:open sesame']
    return runProgram(component('curl')!.path, ['--silent', '--insecure', ...user, ...more, url])
  }

  test('lists, fetches and deletes, behind STLS or TLS from the first byte', async () => {
    await send('carol', 'one', 'two')
    const starttls = `pop3://127.0.0.1:${gateway.portOf('pop3')}/`
    const implicit = `pop3s://127.0.0.1:${gateway.portOf('pop3s')}/`
    for (const [url, ...options] of [[starttls, '--ssl-reqd'], [implicit]] as const) {
      const listed = await curl(url, ...options)
      expect(listed).toMatchObject({ code: 0 })
      expect(listed.stdout).toMatch(/^1 \d+\r\n2 \d+\r\n$/)
    }
    const fetched = await curl(`${implicit}2`)
    expect(fetched.stdout).toMatch(/\r\nSubject: two\r\n\r\n\.two\r\n$/)
    const size = (await curl(implicit)).stdout.split(/\s+/)[3]
    expect(fetched.stdout.length).toBe(Number(size))
    expect(await files('carol', 'cur')).toBe(2)
    expect(await curl(`${implicit}1`, '--request', 'DELE', '--list-only')).toMatchObject({
      code: 0,
    })
    expect(await files('carol', 'cur')).toBe(1)
  })

  test('opens the way for its address to relay, and for no other, where pop-before-smtp is on', async () => {
    const relay = ['EHLO client.test', 'MAIL FROM:<carol@postern.test>', 'RCPT TO:<x@far.test>']
    const answerTo = async (address: string): Promise<string | undefined> =>
      (await dialogue(gateway.port, relay, undefined, address)).at(-1)
    expect(await answerTo('127.0.0.7')).toBe('550 5.7.1 Relaying denied')
    const url = `pop3s://127.0.0.1:${gateway.portOf('pop3s')}/`
    expect(await curl(url, '--interface', '127.0.0.7')).toMatchObject({ code: 0 })
    expect(await answerTo('127.0.0.7')).toBe('250 2.1.5 Ok')
    expect(await answerTo('127.0.0.8')).toBe('550 5.7.1 Relaying denied')
  })

  test('logs in by APOP, without TLS, where a program knows the password', async () => {
    await send('erin', 'by APOP')
    const url = `pop3://127.0.0.1:${gateway.portOf('pop3')}/`
    const apop = (password: string): Promise<Run> =>
      curl(url, '--login-options', 'AUTH=+APOP', '--user', `erin@postern.test:${password}`)
    expect(await apop('swordfish')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^1 /) })
    expect((await apop('marlin')).code).toBe(67)
  })

  test('is refused with a wrong password, and without TLS', async () => {
    const wrong = await curl(
      `pop3s://127.0.0.1:${gateway.portOf('pop3s')}/`,
      '--user',
      'carol@postern.test:open says me',
    )
    // CURLE_LOGIN_DENIED
    expect(wrong.code).toBe(67)
    const bare = await curl(`pop3://127.0.0.1:${gateway.portOf('pop3')}/`)
    expect(bare.code).not.toBe(0)
  })
})

describe.skipIf(isMissing('python3'))("Python's poplib", () => {
  test('sees a mailbox as it was when the session began, and deletes at its end', async () => {
    await send('bob', 'first', 'second', 'third')
    const script = `
import poplib, ssl
context = ssl._create_unverified_context()
def opened():
    box = poplib.POP3('127.0.0.1', ${gateway.portOf('pop3')}, timeout=20)
    assert 'STLS' in box.capa() and 'SASL' not in box.capa()
    box.stls(context=context)
    assert box.capa()['SASL'] == ['PLAIN']
    box.user('bob@postern.test')
    box.pass_('open sesame')
    return box
box, other = opened(), opened()
uids = [line.split()[1] for line in box.uidl()[1]]
assert len(uids) == 3 and uids == [line.split()[1] for line in other.uidl()[1]]
count, octets = box.stat()
sizes = [int(line.split()[1]) for line in box.list()[1]]
assert count == 3 and octets == sum(sizes)
for number, size in enumerate(sizes, 1):
    lines = box.retr(number)[1]
    assert sum(len(line) + 2 for line in lines) == size
assert box.retr(2)[1][-1] == b'.second'
assert box.top(2, 0)[1][-2:] == [b'Subject: second', b'']
box.dele(1)
box.quit()
other.dele(1)
other.dele(2)
assert other.retr(3)[1][-1] == b'.third'
other.quit()
box = opened()
print(box.stat()[0], [line.split()[1] for line in box.uidl()[1]] == uids[2:])
box.quit()
`
    const run = await runProgram(component('python3')!.path, ['-c', script])
    expect(run).toEqual({ code: 0, stdout: '1 True\n', stderr: '' })
    expect([await files('bob', 'new'), await files('bob', 'cur')]).toEqual([0, 1])
  })

  test('finds an empty mailbox where no mail ever came', async () => {
    const script = `
import poplib, ssl
box = poplib.POP3_SSL('127.0.0.1', ${gateway.portOf('pop3s')}, timeout=20, context=ssl._create_unverified_context())
box.user('dora@postern.test')
box.pass_('open sesame')
print(box.stat(), box.list()[1])
box.quit()
`
    const run = await runProgram(component('python3')!.path, ['-c', script])
    expect(run).toEqual({ code: 0, stdout: '(0, 0) []\n', stderr: '' })
  })
})

describe('programs that fetch mail', () => {
  const users = { fetchmail: 'fiona@postern.test', getmail: 'greta@postern.test' }
  beforeAll(async () => {
    for (const user of Object.values(users)) {
      // oxlint-disable-next-line no-await-in-loop -- the accounts' file takes one writer
      await runPostern(['user', 'add', user, '--config', gateway.folder.config], 'open sesame\n')
    }
  })

  test.skipIf(isMissing('fetchmail'))('get each message once, over TLS: fetchmail', async () => {
    await send('fiona', 'one', 'two')
    const home = await homeFor('fetchmail')
    const rc = (
      keep: string,
    ): string => `poll 127.0.0.1 service ${gateway.portOf('pop3')} protocol POP3 uidl
  user "${users.fetchmail}" password "open sesame" sslproto "TLS1.2+" no sslcertck ${keep}
  mda "cat >> ${home}/got"
`
    const fetch = async (keep: string): Promise<number> => {
      await writeFile(join(home, 'rc'), rc(keep), { mode: 0o600 })
      const line = ['--nosyslog', '-f', join(home, 'rc')]
      const env = { HOME: home, FETCHMAILHOME: home }
      const run = await runProgram(component('fetchmail')!.path, line, { env })
      // 1: there was nothing new.
      expect(run.code, run.stdout + run.stderr).toBeLessThanOrEqual(1)
      return (await readFile(join(home, 'got'), 'utf8')).split('\n.one\n').length - 1
    }
    expect(await fetch('keep')).toBe(1)
    expect(await fetch('keep')).toBe(1)
    expect(await readFile(join(home, 'got'), 'utf8')).toMatch(
      /Subject: one\n\n\.one\n[^]*\n\.two\n/,
    )
    await fetch('nokeep fetchall')
    expect((await files('fiona', 'new')) + (await files('fiona', 'cur'))).toBe(0)
  })

  test.skipIf(isMissing('getmail'))('and delete what they have got: getmail', async () => {
    await send('greta', 'one', 'two')
    const home = await homeFor('getmail')
    const got = join(home, 'got')
    for (const part of ['', 'cur', 'new', 'tmp']) {
      // oxlint-disable-next-line no-await-in-loop -- a Maildir
      await mkdir(join(got, part))
    }
    await writeFile(
      join(home, 'getmailrc'),
      `[retriever]
type = SimplePOP3SSLRetriever
server = 127.0.0.1
port = ${gateway.portOf('pop3s')}
username = ${users.getmail}
password = open sesame
[destination]
type = Maildir
path = ${got}/
[options]
delete = true
`,
    )
    // It delivers nothing as root.
    const asNobody = ['--reuid=65534', '--regid=65534', '--clear-groups']
    const line = [component('getmail')!.path, '-g', home]
    if (process.getuid?.() === 0) {
      await runProgram('/bin/chown', ['-R', '65534:65534', home])
      line.unshift('/usr/bin/setpriv', ...asNobody)
    }
    const run = await runProgram(line[0] ?? '', line.slice(1), { env: { HOME: home } })
    expect(run.stdout + run.stderr).toContain('2 messages')
    const mail = await Promise.all(
      (await readdir(join(got, 'new'))).map((name) => readFile(join(got, 'new', name), 'utf8')),
    )
    const bodies = mail.map((text) => /\n\n(.*)\n/.exec(text)?.[1] ?? '')
    expect(bodies.toSorted()).toEqual(['.one', '.two'])
    expect((await files('greta', 'new')) + (await files('greta', 'cur'))).toBe(0)
  })
})

async function homeFor(program: string): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), `postern-${program}-`))
  onTestFinished(() => rm(home, { recursive: true }))
  return home
}
