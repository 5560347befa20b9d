/**
 * A whole Postfix in a folder of its own: it takes mail for `bob@postfix.test` and a few more
 * on two loopback ports, delivers into
 * Maildirs, and sends everything for `postern.test` to the gateway, by TLS whose certificate it verifies. Its master
 * gives up privileges for each service, so only root can run it.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkout, eventually, runProgram } from '../end-to-end/started-gateway.ts'
import { isMissing, postfixRoot, postfixTool } from '../setup/components.ts'
import { greets } from '../setup/greets.ts'
import { readServer, type MailServer } from './mail-server.ts'

/** Its master will not run as anybody but root: elsewhere these tests are skipped. */
export function postfixCannotRun(): boolean {
  return isMissing('postfix') || process.getuid?.() !== 0
}

export interface PostfixPorts {
  /** Offers everything that Postfix knows. */
  readonly full: number
  /** Offers PIPELINING, SIZE and little else. */
  readonly plain: number
  /** Where the gateway listens. */
  readonly gateway: number
}

export interface Postfix extends MailServer {
  /** Holds a Maildir for each of its users. */
  readonly maildirs: string
  /** Of its master. */
  readonly pid: number
}

/** Users that Debian has anyway: Postfix insists that no two of its roles are one user. */
const roles = { owner: 'daemon', group: 'mail', mailbox: 65_534 } as const
const users = ['bob', 'carol', 'dave', 'erin', 'frank'] as const
const forOwner = 'active bounce corrupt defer deferred flush hold incoming private saved trace'

const mostStarts = 3
const startMs = 10_000

/**
 * @param settings lines of main.cf; they come last and win
 * @param inside an empty folder for all of its files; removed when it stops
 */
export async function startPostfix(
  ports: PostfixPorts,
  settings: readonly string[] = [],
  inside?: string,
): Promise<Postfix> {
  const root = inside ?? (await mkdtemp(join(tmpdir(), 'postern-postfix-')))
  await makeFolders(root)
  await writeFile(
    join(root, 'etc/main.cf'),
    `${mainCf(root, ports)}${settings.map((line) => `${line}\n`).join('')}`,
  )
  await writeFile(join(root, 'etc/master.cf'), masterCf(ports))
  const child = await greetingMaster(root, ports.full)
  const exited = once(child, 'exit')
  const maildirs = join(root, 'mail')
  return {
    maildirs,
    pid: child.pid ?? 0,
    ...readServer({ maildirs, log: join(root, 'log') }),
    async stop() {
      child.kill('SIGTERM')
      await exited
      await rm(root, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/**
 * Its postlogd speaks to its own socket while it starts: where the others have filled that already (ten lines, by default),
 * it waits for itself, and they wait for it. What is logged first may be lost.
 */
async function greetingMaster(root: string, port: number): Promise<ChildProcess> {
  const { env } = postfixTool('smtp-sink')!
  for (let left = mostStarts; left > 0; left--) {
    const child = spawn(
      join(postfixRoot, 'usr/lib/postfix/sbin/master'),
      ['-d', '-c', `${root}/etc`],
      // In a process group of its own, which can be ended as a whole.
      {
        env: { ...process.env, ...env, MAIL_CONFIG: `${root}/etc` },
        stdio: 'ignore',
        detached: true,
      },
    )
    const greeted = eventually(() => greets(port), 'the greeting of Postfix')
    const late = new Promise<undefined>((resolve) => {
      setTimeout(() => resolve(undefined), startMs).unref()
    })
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    if ((await Promise.race([greeted, late])) !== undefined) return child
    greeted.catch(() => undefined)
    const exited = once(child, 'exit')
    process.kill(-child.pid!, 'SIGKILL')
    // oxlint-disable-next-line no-await-in-loop -- its ports are free then
    await exited
  }
  throw new Error(`Postfix has not greeted in ${mostStarts} starts`)
}

async function makeFolders(root: string): Promise<void> {
  const [uid, gid] = [await idOf('-u', roles.owner), await idOf('-g', roles.owner)]
  const group = Number((await runProgram('getent', ['group', roles.group])).stdout.split(':')[2])
  await chmod(root, 0o755)
  for (const name of ['etc', 'spool', 'spool/pid']) await mkdir(join(root, name))
  for (const name of ['data', ...forOwner.split(' ').map((each) => `spool/${each}`)]) {
    await mkdir(join(root, name), { mode: 0o700 })
    await chown(join(root, name), uid, gid)
  }
  for (const name of ['maildrop', 'public']) {
    await mkdir(join(root, 'spool', name), { mode: 0o730 })
    await chown(join(root, 'spool', name), uid, group)
  }
  await mkdir(join(root, 'mail'))
  await chown(join(root, 'mail'), roles.mailbox, roles.mailbox)
}

async function idOf(which: '-u' | '-g', user: string): Promise<number> {
  return Number((await runProgram('id', [which, user])).stdout)
}

function mainCf(root: string, { gateway }: PostfixPorts): string {
  const fixtures = join(checkout, 'test/fixtures/tls')
  return `compatibility_level = 3.6
myhostname = mail.postfix.test
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
local_recipient_maps =
import_environment = LD_LIBRARY_PATH MAIL_CONFIG
daemon_directory = ${postfixRoot}/usr/lib/postfix/sbin
command_directory = ${postfixRoot}/usr/sbin
queue_directory = ${root}/spool
data_directory = ${root}/data
mail_owner = ${roles.owner}
setgid_group = ${roles.group}
maillog_file = ${root}/log
maillog_file_prefixes = ${root}
smtp_host_lookup = native
dns_ncache_ttl_fix_enable = no
virtual_mailbox_domains = postfix.test plain.test
virtual_mailbox_base = ${root}/mail
virtual_mailbox_maps = inline:{ ${users.map((user) => `{ ${user}@postfix.test = ${user}/ }`).join(' ')} }
virtual_uid_maps = static:${roles.mailbox}
virtual_gid_maps = static:${roles.mailbox}
smtpd_recipient_restrictions =
  check_recipient_access inline:{
    { refused@postfix.test = 550 5.1.1 nobody of that name }
    { busy@postfix.test = 450 4.2.1 busy just now } }
  permit_mynetworks reject
smtpd_authorized_xforward_hosts = 127.0.0.0/8
smtpd_tls_security_level = may
smtpd_tls_cert_file = ${fixtures}/mx.test.pem
smtpd_tls_key_file = ${fixtures}/mx.test.key
smtpd_tls_received_header = yes
smtpd_tls_loglevel = 1
transport_maps = inline:{ postern.test=smtp:[127.0.0.1]:${gateway} }
smtp_tls_security_level = secure
smtp_tls_CAfile = ${fixtures}/mx.test.pem
smtp_tls_secure_cert_match = mx.test
smtp_tls_loglevel = 1
default_transport = error:no mail leaves this test
`
}

function masterCf({ full, plain }: PostfixPorts): string {
  const rows = [
    `127.0.0.1:${full} inet n - n - - smtpd`,
    `127.0.0.1:${plain} inet n - n - - smtpd
  -o smtpd_discard_ehlo_keywords=8bitmime,chunking,dsn,smtputf8,starttls`,
    'pickup unix n - n 60 1 pickup',
    'cleanup unix n - n - 0 cleanup',
    'qmgr unix n - n 300 1 qmgr',
    'tlsmgr unix - - n 1000? 1 tlsmgr',
    'rewrite unix - - n - - trivial-rewrite',
    ...['bounce', 'defer', 'trace'].map((name) => `${name} unix - - n - 0 bounce`),
    'flush unix n - n 1000? 0 flush',
    'proxymap unix - - n - - proxymap',
    'smtp unix - - n - - smtp',
    'showq unix n - n - - showq',
    'error unix - - n - - error',
    'retry unix - - n - - error',
    'virtual unix - n n - - virtual',
    'anvil unix - - n - 1 anvil',
    'scache unix - - n - 1 scache',
    'postlog unix-dgram n - n - 1 postlogd',
  ]
  return `${rows.join('\n')}\n`
}
