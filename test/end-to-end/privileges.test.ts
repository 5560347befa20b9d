/** Under root: who works as whom, what each may write, and what happens when one of them dies. */
import { existsSync } from 'node:fs'
import {
  chmod,
  chown,
  copyFile,
  mkdir,
  readdir,
  readFile,
  readlink,
  stat,
  writeFile,
} from 'node:fs/promises'
import { connect } from 'node:net'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { component, isMissing } from '../setup/components.ts'
import {
  account,
  ann,
  another,
  isRoot,
  joe,
  mailIn,
  privilegedGateway,
  processesOf,
  statusOf,
  type PrivilegedGateway,
} from './privileged-gateway.ts'
import {
  checkout,
  dialogue,
  eventually,
  gatewayFolder,
  runPostern,
  runProgram,
  type Run,
} from './started-gateway.ts'
import { isAlive, workersOf } from './worker-processes.ts'

/** Knows joe by his secret, and says as whom it knows him. */
const loginProgram = `#!/bin/sh
said=$(tr '\\000' ' ' <&3)
echo "$(id -u) $TCPREMOTEIP \${LD_PRELOAD-none}" > "$(dirname "$0")/asked"
case "$said" in 'joe secret '*) exit 0;; *) exit 1;; esac
`

let place: PrivilegedGateway

// Four processes are started, and a delivery starts another.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

async function send(recipient: string, subject = 'hi'): Promise<void> {
  const replies = await dialogue(place.port, [
    'EHLO client.test',
    'MAIL FROM:<alice@client.test>',
    `RCPT TO:<${recipient}>`,
    'DATA',
    `Subject: ${subject}\r\n\r\nline\r\n.`,
    'QUIT',
  ])
  expect(replies[5]).toMatch(/^250 /)
}

/** Hurries what waits until it is in that Maildir: where a try is under way, that one says when the next is due. */
async function hurried(maildir: string, retry = retryAll): Promise<string> {
  const count = async () => (await readdir(join(maildir, 'new')).catch(() => [])).length
  const before = await count()
  await eventually(async () => {
    expect((await retry()).code).toBe(0)
    return (await count()) > before ? true : undefined
  }, `another try that ends in ${maildir}`)
  return (await mailIn(maildir)).text
}

const retryAll = () => runPostern(['queue', 'retry', '--all', '--config', place.folder.config])

/** What a process has open beside what Node makes for itself and its pipes to whoever started it. */
async function openIn(pid: number): Promise<readonly string[]> {
  const folder = `/proc/${pid}/fd`
  const names = await readdir(folder)
  const links = await Promise.all(
    names.map(async (name) => `${name} ${await readlink(join(folder, name)).catch(() => 'gone')}`),
  )
  return links.filter(
    (link) =>
      !/^[012] socket:/.test(link) && !/ (?:gone|anon_inode:.*|pipe:.*|\/dev\/null)$/.test(link),
  )
}

const asUser = (
  { uid, gid }: { readonly uid: number; readonly gid: number },
  script: string,
): Promise<Run> => {
  const line = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '/bin/sh', '-c', script]
  return runProgram('/usr/bin/setpriv', line, { cwd: '/' })
}

describe.skipIf(!isRoot)('a gateway that root has started (skipped for others than root)', () => {
  beforeAll(async () => {
    place = await privilegedGateway(async (yaml, folder) => {
      const program = join(folder.root, 'checkpassword')
      await writeFile(program, loginProgram)
      await chmod(program, 0o700)
      const enabled = yaml.replace(/(- plugin: checkpassword\n)(?:\s+mode: off\n)?/, '$1')
      const chain = enabled.includes('command:')
        ? enabled.replace(/command: \[[^\]]*\]/, `command: [${program}, /bin/true]`)
        : enabled
      const pop3 = "listeners:\n  - { name: pop3, role: pop3, listen: '127.0.0.1:0' }\n"
      return `${chain.replace(/^listeners:\n/m, pop3)}receiver: { auth_without_tls: true }\n`
    })
  })
  afterAll(async () => place?.close())

  test('has only keeper and deliverer as root; supervisor and workers have no right at all', () => {
    const { deliverer, supervisor, workers } = processesOf(place.gateway)
    expect(statusOf(place.gateway.pid, 'Uid')[0]).toBe('0')
    expect(statusOf(deliverer, 'Uid')[0]).toBe('0')
    expect(workers).toHaveLength(1)
    for (const pid of [supervisor, ...workers]) {
      expect(statusOf(pid, 'Uid')).toEqual(Array.from({ length: 4 }, () => String(account.uid)))
      expect(statusOf(pid, 'Gid')).toEqual(Array.from({ length: 4 }, () => String(account.gid)))
      expect(statusOf(pid, 'Groups')).toEqual([])
      for (const set of ['CapEff', 'CapPrm', 'CapInh', 'CapAmb']) {
        expect(statusOf(pid, set)).toEqual(['0000000000000000'])
      }
    }
  })

  test('delivers into a home that nobody but its user may enter, and what lies there is the user’s', async () => {
    await place.maildir('Maildir')
    await send('joe@postern.test')
    const mail = await mailIn(join(place.home, 'Maildir'))
    expect(mail.text).toMatch(
      /^Return-Path: <alice@client\.test>\nDelivered-To: joe@postern\.test\n/,
    )
    const { uid, gid, mode } = await stat(mail.path)
    expect({ uid, gid, mode: mode & 0o777 }).toEqual({ ...joe, mode: 0o600 })
  })

  test('runs a program of a .qmail file as its user, without any further group, and what it makes is for its user alone', async () => {
    await place.own('.qmail-who', '|echo "$(id -u) $(id -g) $(id -G) $(umask)" > who\n')
    await send('joe-who@postern.test')
    const path = join(place.home, 'who')
    const said = await eventually(
      async () => (await readFile(path, 'utf8').catch(() => '')) || undefined,
      'who',
    )
    expect(said).toBe(`${joe.uid} ${joe.gid} ${joe.gid} 0077\n`)
    expect((await stat(path)).uid).toBe(joe.uid)
  })

  test('delivers to each user by a process of that user’s, which stays for the next message', async () => {
    // A program is started by that process.
    await place.own('.qmail-pid', '|echo $PPID >> pids\n')
    const pidsIn = async (home: string, count: number): Promise<number[]> =>
      eventually(async () => {
        const text = await readFile(join(home, 'pids'), 'utf8').catch(() => '')
        const pids = text.trim().split('\n').map(Number)
        return text.endsWith('\n') && pids.length === count ? pids : undefined
      }, `${count} process numbers in ${home}`)
    await send('joe-pid@postern.test')
    const [first = 0] = await pidsIn(place.home, 1)
    for (const name of ['Uid', 'Gid'] as const) {
      const id = String(name === 'Uid' ? joe.uid : joe.gid)
      expect(statusOf(first, name)).toEqual([id, id, id, id])
    }
    expect(statusOf(first, 'Groups')).toEqual([])
    expect(statusOf(first, 'CapPrm')).toEqual(['0000000000000000'])
    // What leads to the program is open as long as that runs.
    await expect.poll(() => openIn(first)).toEqual([])

    await writeFile(join(place.homeOfAnn, '.qmail'), '|echo $PPID >> pids\n')
    await chown(join(place.homeOfAnn, '.qmail'), ann.uid, ann.gid)
    await send('ann@postern.test')
    const [hers = 0] = await pidsIn(place.homeOfAnn, 1)
    expect(statusOf(hers, 'Uid')[0]).toBe(String(ann.uid))

    await send('joe-pid@postern.test')
    expect(await pidsIn(place.home, 2)).toEqual([first, first])
    expect(workersOf(processesOf(place.gateway).deliverer)).toEqual(
      expect.arrayContaining([first, hers]),
    )

    await place.maildir('Held')
    await place.own('.qmail-held', '|touch held; until [ -e on ]; do sleep 0.1; done\n./Held/\n')
    await send('joe-held@postern.test', 'held')
    const held = join(place.home, 'held')
    await eventually(async () => stat(held).catch(() => undefined), 'the begin of a delivery')
    process.kill(first, 'SIGKILL')
    await place.gateway.seen('Aack, child crashed.')
    await place.own('on', '')
    // In a process of its own: the command becomes the gateway's account for good.
    const retry = ['queue', 'retry', '--all', '--config', place.folder.config]
    const alone = () => runProgram(join(checkout, 'bin/postern'), retry)
    expect(await hurried(join(place.home, 'Held'), alone)).toContain('Subject: held')
    await send('joe-pid@postern.test')
    expect((await pidsIn(place.home, 3))[2]).not.toBe(first)
  })

  test('sends on what a .qmail file forwards', async () => {
    await place.maildir('Second')
    await place.own('.qmail-second', './Second/\n')
    await place.own('.qmail-on', '&joe-second@postern.test\n')
    await send('joe-on@postern.test')
    const { text } = await mailIn(join(place.home, 'Second'))
    expect(text).toMatch(/^Delivered-To: joe-on@postern\.test$/m)
    // For strangers it needs a key, which it could not make in a folder of root's.
    const key = await stat(join(place.folder.config, 'control/srs.secret'))
    expect([key.uid, key.gid, key.mode & 0o777]).toEqual([0, account.gid, 0o640])
  })

  test('may itself neither read nor write in that home', async () => {
    const { home } = place
    expect((await asUser(account, `ls '${home}'`)).code).not.toBe(0)
    expect((await asUser(account, `echo x > '${home}/Maildir/new/forged'`)).code).not.toBe(0)
    expect(
      (await asUser(account, `echo x >> '${place.folder.config}/postern.yaml'`)).code,
    ).not.toBe(0)
  })

  test('takes mail that any user of the host hands over, and nobody else reads it', async () => {
    const envelope = join(place.folder.root, 'envelope')
    await place.maildir('Handed')
    await place.own('.qmail-handed', './Handed/\n')
    await writeFile(envelope, 'Fjob@client.test\0Tjoe-handed@postern.test\0\0')
    const queue = `printf 'Subject: job\\n\\nhi\\n' | '${join(checkout, 'bin/postern')}' qmail-queue --config '${place.folder.config}' 1<'${envelope}'`
    const stranger = { uid: 8300, gid: 8301 }
    expect(await asUser(stranger, queue)).toMatchObject({ code: 0, stderr: '' })
    const { text } = await mailIn(join(place.home, 'Handed'))
    expect(text).toContain('invoked by uid 8300')
    expect((await asUser(stranger, `ls '${place.folder.root}/var/spool/log'`)).code).not.toBe(0)
  })

  test('has a checkpassword program run by root, which sees nothing of ours but the client', async () => {
    const login = (password: string): Promise<string[]> => {
      const plain = Buffer.from(`\0joe\0${password}`).toString('base64')
      return dialogue(place.port, ['EHLO client.test', `AUTH PLAIN ${plain}`, 'QUIT'])
    }
    expect((await login('wrong'))[2]).toMatch(/^535 /)
    expect((await login('secret'))[2]).toMatch(/^235 /)
    expect(await readFile(join(place.folder.root, 'asked'), 'utf8')).toBe('0 127.0.0.1 none\n')
  })

  test.skipIf(isMissing('curl'))(
    'lets a user of the host fetch mail from home after such a login, and then no other way',
    async () => {
      await send('joe@postern.test', 'fetched')
      const fresh = join(place.home, 'Maildir/new')
      const newest = await eventually(async () => {
        const texts = (await readdir(fresh)).map(async (name) => ({
          name,
          text: await readFile(join(fresh, name), 'latin1'),
        }))
        return (await Promise.all(texts)).find(({ text }) => text.includes('Subject: fetched'))
      }, 'the message that is fetched')
      const port = /127\.0\.0\.1:(\d+) \(pop3\)/.exec(place.gateway.stdout())?.[1]
      const curl = (user: string, what = '', ...more: string[]): Promise<Run> =>
        runProgram(component('curl')!.path, [
          '--silent',
          '--user',
          user,
          ...more,
          `pop3://127.0.0.1:${port}/${what}`,
        ])
      const listed = await curl('joe:secret')
      expect(listed).toMatchObject({ code: 0, stdout: expect.stringMatching(/^1 \d+\r\n/) })
      const number = listed.stdout.trim().split('\r\n').length
      const fetched = await curl('joe:secret', String(number))
      expect(fetched.stdout).toMatch(/\r\nSubject: fetched\r\n/)
      // QUIT has moved what was new, and the file is still the user's.
      const seen = (await readdir(join(place.home, 'Maildir/cur'))).filter((name) =>
        name.startsWith(newest.name),
      )
      expect(seen).toHaveLength(1)
      expect(await stat(join(place.home, 'Maildir/cur', seen[0] ?? ''))).toMatchObject(joe)
      expect(await curl('joe:secret', '1', '--request', 'DELE', '--list-only')).toMatchObject({
        code: 0,
      })
      expect((await curl('joe:secret')).stdout.trim().split('\r\n')).toHaveLength(number - 1)
      expect((await curl('joe:wrong')).code).toBe(67)
    },
  )

  test('is well to the doctor, who says as whom it works', async () => {
    const { stdout } = await runPostern(['doctor', '--json', '--config', place.folder.config])
    const { examinations } = JSON.parse(stdout) as {
      examinations: readonly { about: string; state: string; says: string }[]
    }
    expect(examinations.filter(({ about }) => about === 'account')).toEqual([
      {
        about: 'account',
        state: 'well',
        says: `started by root, the gateway works as ${account.uid}:${account.gid} (uid ${account.uid})`,
      },
    ])
  })

  test('reads accounts that a command of root’s has made', async () => {
    const path = join(place.folder.root, 'var/accounts.db')
    const added = await runPostern(
      ['user', 'add', 'ann@postern.test', '--config', place.folder.config],
      'secret\n',
    )
    expect(added).toMatchObject({ code: 0, stderr: '' })
    expect(await stat(path)).toMatchObject(account)
  })

  test('leads no command of root’s anywhere that it could not go by itself', async () => {
    const path = join(place.folder.root, 'var/accounts.db')
    const target = join(place.folder.root, 'roots.db')
    await writeFile(target, '', { mode: 0o600 })
    const swap = `mv '${path}' '${path}.away' && ln -s '${target}' '${path}'`
    expect(await asUser(account, swap)).toMatchObject({ code: 0 })
    const add = ['user', 'add', 'eve@postern.test', '--config', place.folder.config]
    expect((await runPostern(add, 'secret\n')).code).toBe(1)
    expect((await stat(target)).size).toBe(0)
    // Those that only look do not write either: an empty file would become a database.
    expect((await runPostern(['check', '--config', place.folder.config])).stderr).not.toContain(
      'accounts.db',
    )
    expect((await stat(target)).size).toBe(0)
    const back = `rm '${path}' && mv '${path}.away' '${path}'`
    expect(await asUser(account, back)).toMatchObject({ code: 0 })
    const list = ['user', 'list', '--config', place.folder.config]
    expect((await runPostern(list)).stdout).toContain('ann@postern.test')
  })

  test('has a checkpassword program that others may change refused, and named by check', async () => {
    const program = join(place.folder.root, 'checkpassword')
    await chmod(program, 0o777)
    const plain = Buffer.from('\0joe\0secret').toString('base64')
    const replies = await dialogue(place.port, ['EHLO client.test', `AUTH PLAIN ${plain}`, 'QUIT'])
    expect(replies[2]).toMatch(/^454 /)
    await place.gateway.seen(`others than root may write ${program}`)
    const { stdout } = await runPostern(['check', '--json', '--config', place.folder.config])
    const { warnings } = JSON.parse(stdout) as { warnings: readonly { code: string }[] }
    expect(warnings.filter(({ code }) => code === 'exposed-file')).toMatchObject([
      { file: program, remedy: `chown root ${program} and chmod go-w ${program}` },
    ])
    await chmod(program, 0o700)
  })

  test('defers mail for an entry of users/assign that is root', async () => {
    await send('toor@postern.test')
    await place.gateway.seen('Not allowed to perform deliveries as root.')
    expect(place.gateway.stderr()).not.toContain('delivery.failed')
  })
})

describe.skipIf(!isRoot)('a deliverer that a stranger asks (skipped for others than root)', () => {
  beforeAll(async () => {
    place = await privilegedGateway()
  })
  afterAll(async () => place?.close())

  /** Where the deliverer listens: a worker knows it. */
  async function socket(): Promise<string> {
    const { workers } = processesOf(place.gateway)
    const environment = await readFile(`/proc/${workers[0]}/environ`, 'utf8')
    const kept = environment.split('\0').find((each) => each.startsWith('POSTERN_KEPT='))
    const { deliverer } = JSON.parse(kept?.slice('POSTERN_KEPT='.length) ?? '{}') as {
      deliverer: string
    }
    return deliverer
  }

  function frame(letter: string, payload: string): Buffer {
    const head = Buffer.alloc(5)
    head.write(letter)
    head.writeUInt32BE(payload.length, 1)
    return Buffer.concat([head, Buffer.from(payload)])
  }

  /** @returns all that it answers */
  async function asked(request: object): Promise<string> {
    const path = await socket()
    return new Promise((resolve, reject) => {
      let text = ''
      const connection = connect({ path }).on('error', reject).setEncoding('latin1')
      connection.on('data', (chunk) => (text += String(chunk)))
      connection.on('close', () => resolve(text))
      connection.write(frame('Q', JSON.stringify(request)))
      connection.write(frame('M', 'Subject: forged\n\n'))
      connection.write(frame('E', ''))
    })
  }

  const to = { version: 1, ask: 'deliver', local: 'joe', host: 'h.test', sender: '' }
  const login = { version: 1, ask: 'checkpassword', command: ['/bin/sh', '-c', 'id > /etc/x'] }

  test.each([
    ['a user id', { ...to, uid: 0 }, 'no such request'],
    ['a home', { ...to, home: '/etc' }, 'no such request'],
    ['a user who is root', { ...to, local: 'toor' }, 'as root'],
    ['root itself', { ...to, local: 'root' }, 'no such user'],
    ['a way out of a home', { ...to, local: 'joe-../../../etc/passwd' }, '(#5.1.1)'],
    ['no text', { ...to, local: 7 }, 'no such request'],
    ['a NUL', { ...to, local: 'joe\0x' }, 'no such request'],
    ['a program of its own', { ...login, environment: [], input: '' }, 'no entry of the chain'],
    [
      'a variable that decides what a program does',
      { ...login, environment: [['LD_PRELOAD', '/tmp/x.so']], input: '' },
      'no such request',
    ],
    ['another version', { ...to, version: 2 }, 'no such request'],
  ])('refuses %s', async (_, request, answer) => {
    const said = await asked(request)
    expect(said).toContain(answer)
    expect(said).not.toContain('"exit":0')
  })

  test('is reached by nobody but root and the gateway', async () => {
    const path = await socket()
    expect((await asUser(joe, `ls '${path}'`)).code).not.toBe(0)
    expect((await asUser(account, `test -w '${path}'`)).code).toBe(0)
    expect((await asUser(account, `rm '${path}'`)).code).not.toBe(0)
  })

  test('obeys no users/assign that others than root may write', async () => {
    await place.maildir('Maildir')
    const assign = join(place.folder.config, 'users/assign')
    await chown(assign, account.uid, account.gid)
    await send('joe@postern.test')
    await place.gateway.seen('others than root may write')
    await chown(assign, 0, 0)
    expect(await hurried(join(place.home, 'Maildir'))).toContain('Subject: hi')
  })
})

describe.skipIf(!isRoot)('the end of a process (skipped for others than root)', () => {
  beforeAll(async () => {
    place = await privilegedGateway()
    await place.maildir('Maildir')
  })
  afterAll(async () => place?.close())

  test('of a deliverer during a delivery defers it, loses nothing, and another one takes its place', async () => {
    const { deliverer } = processesOf(place.gateway)
    await place.own(
      '.qmail-slow',
      '|touch begun; until [ -e go ]; do sleep 0.1; done\n./Maildir/\n',
    )
    await send('joe-slow@postern.test', 'slow')
    await eventually(
      async () => stat(join(place.home, 'begun')).catch(() => undefined),
      'the begin of a delivery',
    )
    process.kill(deliverer, 'SIGKILL')
    await place.gateway.seen('the deliverer ended before it answered')
    await place.gateway.seen('deliverer.replaced')
    const next = await another(() => processesOf(place.gateway).deliverer, deliverer)
    expect(statusOf(next, 'Uid')[0]).toBe('0')
    await place.gateway.seen('delivery.deferred')
    expect(place.gateway.stderr()).not.toContain('delivery.failed')
    await place.own('go', '')
    expect(await hurried(join(place.home, 'Maildir'))).toContain('Subject: slow')
    await place.gateway.seen('delivery.delivered')
  })

  test('of a worker brings another under the same account, on the same port below 1024', async () => {
    const [worker = 0] = processesOf(place.gateway).workers
    process.kill(worker, 'SIGKILL')
    const next = await another(() => processesOf(place.gateway).workers[0], worker)
    await place.gateway.seen('worker.replaced')
    expect(statusOf(next, 'Uid')[1]).toBe(String(account.uid))
    await send('joe@postern.test')
  })

  test('in a restart leaves the port below 1024 open', async () => {
    const [worker = 0] = processesOf(place.gateway).workers
    const { code, stderr } = await runPostern(['restart', '--config', place.folder.config])
    expect(code, stderr).toBe(0)
    expect(processesOf(place.gateway).workers).not.toContain(worker)
    await send('joe@postern.test')
  })

  test('of the keeper ends everybody', async () => {
    const { deliverer, supervisor, workers } = processesOf(place.gateway)
    place.gateway.signal('SIGKILL')
    await place.gateway.exited()
    const pids = [deliverer, supervisor, ...workers]
    const left = async (): Promise<true | undefined> => (pids.some(isAlive) ? undefined : true)
    expect(await eventually(left, 'the end of all')).toBe(true)
  })

  test('leaves a spool and traces in which root looks at nothing that the account could not', async () => {
    const state = join(place.folder.root, 'var')
    const target = join(place.folder.root, 'roots-own')
    await mkdir(target, { mode: 0o700 })
    await mkdir(join(target, 'log'))
    await copyFile(join(state, 'traces.db'), join(target, 'traces.db'))
    const looks = [
      ['spool/log', ['sendmail', '-bp']],
      ['traces.db', ['shadow', 'report', '--config', place.folder.config]],
      ['traces.db', ['replay', '--config', place.folder.config]],
    ] as const
    const env = { POSTERN_CONFIG: place.folder.config }
    const postern = join(checkout, 'bin/postern')
    for (const [name, words] of looks) {
      const path = join(state, name)
      const swap = `mv '${path}' '${path}.away' && ln -s '${join(target, basename(path))}' '${path}'`
      // oxlint-disable no-await-in-loop -- one after the other
      expect((await runProgram(postern, words, { env })).code, name).toBe(0)
      expect(await asUser(account, swap)).toMatchObject({ code: 0 })
      expect((await runProgram(postern, words, { env })).code, name).not.toBe(0)
      await asUser(account, `rm '${path}' && mv '${path}.away' '${path}'`)
      // oxlint-enable no-await-in-loop
    }
  })

  test('leaves a spool into which root hands nothing that would lead elsewhere', async () => {
    const incoming = join(place.folder.root, 'var/spool/incoming')
    const target = join(place.folder.root, 'roots')
    await mkdir(target, { mode: 0o700 })
    const swap = `mv '${incoming}' '${incoming}.away' && ln -s '${target}' '${incoming}'`
    expect(await asUser(account, swap)).toMatchObject({ code: 0 })
    const send = ['sendmail', 'joe@postern.test']
    const env = { POSTERN_CONFIG: place.folder.config }
    const input = 'Subject: by root\n\nhi\n'
    const postern = join(checkout, 'bin/postern')
    expect((await runProgram(postern, send, { input, env })).code).not.toBe(0)
    expect(await readdir(target)).toEqual([])
    await asUser(account, `rm '${incoming}' && mv '${incoming}.away' '${incoming}'`)
    expect((await runProgram(postern, send, { input, env })).code).toBe(0)
    const [name = ''] = await readdir(incoming)
    expect(await stat(join(incoming, name))).toMatchObject({ uid: account.uid })
    expect(await readFile(join(incoming, name), 'latin1')).toContain('invoked by uid 0')
  })
})

describe.skipIf(!isRoot)('root starts nothing (skipped for others than root)', () => {
  const refused = async (
    user: string,
    more: (config: string) => Promise<void>,
  ): Promise<string> => {
    const folder = await gatewayFolder()
    await chmod(folder.root, 0o755)
    const yaml = await folder.read('postern.yaml')
    await folder.write('postern.yaml', yaml.replace(/^user: root\n/m, `user: "${user}"\n`))
    await more(folder.config)
    const { code, stderr } = await runPostern(['start', '--config', folder.config])
    await folder.remove()
    expect(code).toBe(1)
    return stderr
  }
  const own = `${account.uid}:${account.gid}`

  test('without an account for it', async () => {
    const said = await refused('nobody-has-this', async () => undefined)
    expect(said).toContain('there is no account nobody-has-this')
    expect(said).toContain('adduser --system')
  })

  test('by a configuration that others may write', async () => {
    const said = await refused(own, (config) => chown(join(config, 'postern.yaml'), 8200, 8201))
    expect(said).toMatch(
      /may be written by others than root, and it says what root does; chown root /,
    )
  })

  test('of a plugin that its account may write, whatever command it types', async () => {
    const folder = await gatewayFolder()
    await chmod(folder.root, 0o755)
    const plugins = join(folder.root, 'plugins')
    const ran = join(folder.root, 'ran')
    await mkdir(join(plugins, 'theirs'), { recursive: true })
    const code = `import { writeFileSync } from 'node:fs'\nwriteFileSync(${JSON.stringify(ran)}, '')\n`
    await writeFile(join(plugins, 'theirs/theirs.ts'), code)
    await chown(join(plugins, 'theirs'), account.uid, account.gid)
    const yaml = (await folder.read('postern.yaml'))
      .replace(/^user: root\n/m, `user: "${own}"\n`)
      .replace(/^plugin_dirs:\n/m, `plugin_dirs:\n  - ${plugins}\n`)
      .replace(/^chain:\n/m, 'chain:\n  - plugin: theirs\n')
    await folder.write('postern.yaml', yaml)
    const { code: exit, stderr } = await runPostern(['check', '--config', folder.config])
    await folder.remove()
    expect([exit, stderr]).toEqual([
      1,
      expect.stringContaining('whoever runs this command is root'),
    ])
    expect(existsSync(ran)).toBe(false)
  })

  test('in folders of somebody else', async () => {
    const said = await refused(own, async (config) => {
      await runProgram('/bin/mkdir', ['-p', join(config, '../var/spool')])
    })
    expect(said).toMatch(/var\/spool: belongs to uid 0.*chown -R 8200:8201/)
  })
})
