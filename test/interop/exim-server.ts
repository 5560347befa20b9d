/**
 * A whole Exim in a folder of its own, as somebody without privileges: it takes mail for `exim.test`, delivers into
 * Maildirs, and sends everything for `postern.test` to the gateway, by TLS whose certificate it verifies, with CHUNKING.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { checkout, eventually } from '../end-to-end/started-gateway.ts'
import { eximProgram } from '../setup/components.ts'
import { greets } from '../setup/greets.ts'
import { readServer, type MailServer } from './mail-server.ts'

export interface EximPorts {
  readonly own: number
  /** Where the gateway listens. */
  readonly gateway: number
}

export interface EximRole {
  /** The files of its certificate and key in test/fixtures/tls, without their endings. */
  readonly certificate?: string
  /** Whose mail it takes, as Exim writes lists. */
  readonly domains?: string
}

/** Exim refuses to be root. */
const nobody = 65_534

export async function startExim(
  ports: EximPorts,
  { certificate = 'mx.test', domains = 'exim.test' }: EximRole = {},
): Promise<MailServer> {
  const root = await mkdtemp(join(tmpdir(), 'postern-exim-'))
  await chmod(root, 0o755)
  const uid = process.getuid?.() === 0 ? nobody : (process.getuid?.() ?? nobody)
  const gid = process.getuid?.() === 0 ? nobody : (process.getgid?.() ?? nobody)
  for (const folder of ['spool', 'mail', 'log', 'tls']) {
    await mkdir(join(root, folder))
    await chown(join(root, folder), uid, gid)
  }
  for (const name of new Set(['mx.test.pem', `${certificate}.pem`, `${certificate}.key`])) {
    const copy = join(root, 'tls', name)
    await writeFile(copy, await readFile(join(checkout, 'test/fixtures/tls', name)), {
      mode: 0o600,
    })
    await chown(copy, uid, gid)
  }
  const { path, env } = eximProgram()!
  await writeFile(join(root, 'passwd'), `Debian-exim:x:${uid}:${gid}::${root}:/bin/false\n`)
  await writeFile(join(root, 'group'), `Debian-exim:x:${gid}:\n`)
  await writeFile(
    join(root, 'exim.conf'),
    configuration({ root, path, certificate, domains }, ports),
  )
  const child = spawn(path, ['-C', join(root, 'exim.conf'), '-bdf', '-q1m'], {
    env: {
      ...process.env,
      ...env,
      NSS_WRAPPER_PASSWD: join(root, 'passwd'),
      NSS_WRAPPER_GROUP: join(root, 'group'),
    },
    ...(process.getuid?.() === 0 ? { uid, gid } : {}),
    stdio: 'ignore',
    // A group of its own: who delivers for it may outlive it, and would make its log anew behind us.
    detached: true,
  })
  const exited = once(child, 'exit')
  await eventually(() => greets(ports.own), 'the greeting of Exim')
  return {
    ...readServer({ maildirs: join(root, 'mail'), log: join(root, 'log/mainlog') }),
    async stop() {
      const group = -(child.pid ?? 0)
      process.kill(group, 'SIGTERM')
      await exited
      for (let looks = 0; isThere(group) && looks < 100; looks++) await wait(20)
      await rm(root, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

function isThere(group: number): boolean {
  try {
    return process.kill(group, 0)
  } catch {
    return false
  }
}

function configuration(
  { root, path, certificate, domains }: Required<EximRole> & { root: string; path: string },
  { own, gateway }: EximPorts,
): string {
  return `primary_hostname = mail.exim.test
exim_path = ${path}
spool_directory = ${root}/spool
log_file_path = ${root}/log/%slog
log_selector = +all
keep_environment = LD_PRELOAD : LD_LIBRARY_PATH : NSS_WRAPPER_PASSWD : NSS_WRAPPER_GROUP
never_users =
deliver_drop_privilege = true
local_interfaces = 127.0.0.1
daemon_smtp_ports = ${own}
pid_file_path = ${root}/exim.pid
notifier_socket =
rfc1413_query_timeout = 0s
host_lookup =
tls_advertise_hosts = *
tls_certificate = ${root}/tls/${certificate}.pem
tls_privatekey = ${root}/tls/${certificate}.key
chunking_advertise_hosts = *
prdr_enable = true
dsn_advertise_hosts = *
smtputf8_advertise_hosts =
acl_smtp_rcpt = to_us
acl_smtp_data = accepted
acl_smtp_data_prdr = accepted

begin acl
to_us:
  deny    local_parts = refused
          message     = nobody of that name
  defer   local_parts = busy
          message     = busy just now
  accept
accepted:
  accept

begin routers
mailboxes:
  driver = accept
  domains = ${domains}
  local_parts = bob : carol : dave : erin : frank
  transport = maildir
to_postern:
  driver = manualroute
  domains = postern.test
  route_list = * 127.0.0.1
  self = send
  transport = to_postern

begin transports
maildir:
  driver = appendfile
  directory = ${root}/mail/$local_part_data
  create_directory
  maildir_format
  delivery_date_add
to_postern:
  driver = smtp
  port = ${gateway}
  hosts_require_tls = *
  tls_verify_certificates = ${root}/tls/mx.test.pem
  tls_verify_hosts = *
  tls_verify_cert_hostnames =
  hosts_try_chunking = *
  hosts_try_prdr = *
  hosts_try_fastopen =

begin retry
* * F,1h,1m
`
}
