/** Maildirs that Postern delivers into and Dovecot reads, by the configuration in docker/dovecot. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { access, chmod, chown, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  checkout,
  delivered,
  dialogue,
  eventually,
  gatewayFolder,
  runPostern,
  runProgram,
  startGateway,
  type Run,
  type StartedGateway,
} from '../end-to-end/started-gateway.ts'
import { component, findProgram, isMissing } from '../setup/components.ts'

/** Dovecot opens no mailbox as root: there it is nobody's. */
const nobody = 65_534
const { uid, gid, username } = userInfo()
const owner = uid === 0 ? { uid: nobody, gid: nobody } : { uid, gid }

describe.skipIf(isMissing('dovecot', 'python3'))('Maildirs that Dovecot reads too', () => {
  let gateway: StartedGateway
  let root: string
  let dovecot: ChildProcess

  beforeAll(async () => {
    const folder = await gatewayFolder(`
listeners:
  - { name: mx, listen: '127.0.0.1:2525' }
  - { name: pop3, role: pop3, listen: '127.0.0.1:0', receiver: { auth_without_tls: true } }
plugin_dirs: [../plugins]
chain:
  - plugin: accounts
  - plugin: rcpthosts
delivery: { maildirs: ../var/mail }
accounts: { path: ../var/accounts.db }
spool: { path: ../var/spool }
store: { path: ../var/store.db }
`)
    await runPostern(['user', 'add', user, '--config', folder.config], 'open sesame\n')
    gateway = await startGateway(folder)
    root = await mkdtemp(join(tmpdir(), 'postern-dovecot-'))
    for (const path of [root, folder.root, join(folder.root, 'var')]) await chmod(path, 0o755)
    const recipe = await readFile(join(checkout, 'docker/dovecot/dovecot.conf'), 'utf8')
    const conf = recipe
      .replace('/srv/postern/mail', join(folder.root, 'var/mail'))
      .replace('mail_uid = postern', `mail_uid = ${owner.uid}`)
      .replace('mail_gid = postern', `mail_gid = ${owner.gid}`)
      .replace('/etc/dovecot/users', join(root, 'users'))
      .replace('/var/lib/dovecot', root)
      .replaceAll(/^ssl.*\n/gm, '')
      .replace('protocols = imap\n', 'protocols =\nssl = no\n')
    const ourselves =
      uid === 0 ? '' : `default_internal_user = ${username}\ndefault_login_user = ${username}\n`
    const folders = `base_dir = ${root}/run\nstate_dir = ${root}/state\nlog_path = ${root}/log\n`
    await writeFile(join(root, 'dovecot.conf'), `${conf}${ourselves}${folders}`)
    await writeFile(join(root, 'users'), `${user}:{PLAIN}open sesame\n`)
    await chown(root, owner.uid, owner.gid)
    const program = component('dovecot')!.path
    dovecot = spawn(program, ['-F', '-c', join(root, 'dovecot.conf')], { stdio: 'ignore' })
    const userdb = () =>
      access(join(root, 'run/auth-userdb')).then(
        () => true,
        () => undefined,
      )
    await eventually(userdb, 'the users of Dovecot')
  })

  afterAll(async () => {
    await gateway.stop()
    await gateway.folder.remove()
    const exited = once(dovecot, 'exit')
    dovecot.kill('SIGTERM')
    await exited
    await rm(root, { recursive: true, force: true })
  })

  const doveadm = (...args: string[]): Promise<Run> =>
    runProgram(findProgram('doveadm')!.path, ['-c', join(root, 'dovecot.conf'), ...args])
  const user = 'bob@postern.test'
  const inbox = ['mailbox', 'inbox'] as const

  async function send(subject: string): Promise<void> {
    await dialogue(gateway.port, [
      'EHLO client.test',
      'MAIL FROM:<alice@client.test>',
      'RCPT TO:<Bob@Postern.test>',
      'DATA',
      `Subject: ${subject}\r\n\r\ntext\r\n.`,
      'QUIT',
    ])
  }

  async function giveTo(path: string): Promise<void> {
    await chown(path, owner.uid, owner.gid)
    for (const entry of await readdir(path, { withFileTypes: true })) {
      if (entry.isDirectory()) await giveTo(join(path, entry.name))
      else await chown(join(path, entry.name), owner.uid, owner.gid)
    }
  }

  test('keep what each of them does: flags, names and deletions', async () => {
    for (const [before, subject] of ['one', 'two', 'three'].entries()) {
      await send(subject)
      await delivered(gateway.folder, ['bob', 'postern.test'], before + 1)
    }
    await giveTo(join(gateway.folder.root, 'var/mail'))
    const pop3 = (...lines: readonly string[]): Promise<Run> =>
      runProgram(component('python3')!.path, [
        '-c',
        `
import poplib
box = poplib.POP3('127.0.0.1', ${gateway.portOf('pop3')}, timeout=20)
box.user('bob@postern.test')
box.pass_('open sesame')
${lines.join('\n')}
box.quit()
`,
      ])
    const uidl = 'print(b" ".join(line.split()[1] for line in box.uidl()[1]).decode())'
    const [first, ...others] = (await pop3(uidl)).stdout.trim().split(' ')
    expect(others.length).toBe(2)
    const fetched = await doveadm('fetch', '-u', user, 'hdr.subject', ...inbox)
    expect(fetched).toMatchObject({ code: 0, stderr: '' })
    expect([...fetched.stdout.matchAll(/subject: (.*)/g)].map(([, subject]) => subject)).toEqual([
      'one',
      'two',
      'three',
    ])
    const query = [...inbox, 'HEADER', 'Subject', 'two']
    expect(await doveadm('flags', 'add', '-u', user, '\\Flagged', ...query)).toMatchObject({
      code: 0,
    })
    const one = [...inbox, 'HEADER', 'Subject', 'one']
    expect(await doveadm('expunge', '-u', user, ...one)).toMatchObject({ code: 0 })

    const left = await pop3(uidl, 'print(box.retr(1)[1][-1])', 'box.dele(2)')
    expect(left.stdout).toBe(`${others.join(' ')}\nb'text'\n`)
    expect(others).not.toContain(first)
    const flags = await doveadm('fetch', '-u', user, 'hdr.subject flags', ...inbox)
    expect(flags.stdout).toMatch(/^hdr\.subject: two\nflags: .*\\Flagged/)
    expect(flags.stdout).not.toContain('three')
  })

  test('have the quota of the user, which both count in the same file', async () => {
    const path = join(gateway.folder.root, 'var/mail/postern.test/bob')
    const counted = () => readFile(join(path, 'maildirsize'), 'latin1')
    const [left = ''] = await readdir(join(path, 'cur'))
    const { length } = await readFile(join(path, 'cur', left))
    await writeFile(join(path, 'maildirsize'), `100000S,20C\n${length} 1\n`)
    await chown(join(path, 'maildirsize'), owner.uid, owner.gid)
    const told = await doveadm('-f', 'tab', 'quota', 'get', '-u', user)
    expect(told.stdout).toContain('MESSAGE\t1\t20\t')
    await doveadm('mailbox', 'create', '-u', user, 'Trash')
    const moved = await doveadm('move', '-u', user, 'Trash', ...inbox, 'all')
    expect(moved).toMatchObject({ code: 0 })
    expect(await counted()).toBe(`100000S,20C\n${length} 1\n-${length} -1\n`)
    await doveadm('quota', 'recalc', '-u', user)
    expect(await counted()).toBe('100000S,20C\n0 0\n')
  })
})
