/** Dovecot's LMTP server in a folder of its own, in the foreground, on a UNIX socket; it greets on a free port too. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { eventually } from '../end-to-end/started-gateway.ts'
import { component } from '../setup/components.ts'
import { freePort } from '../setup/free-port.ts'
import { greets } from '../setup/greets.ts'

export interface Dovecot {
  readonly socket: string
  /** Whole messages of one of its users. */
  mailOf(localPart: string): Promise<string[]>
  stop(): Promise<void>
}

const domain = 'dovecot.test'

/** @param users of `dovecot.test`; the mailbox of `full` has no room */
export async function startDovecot(users: readonly string[]): Promise<Dovecot> {
  const root = await mkdtemp(join(tmpdir(), 'postern-lmtp-'))
  await chmod(root, 0o755)
  await mkdir(join(root, 'mail'))
  await chmod(join(root, 'mail'), 0o777)
  const port = await freePort()
  const lines = users.map((user) => {
    const rule = user === 'full' ? 'userdb_quota_rule=*:bytes=1' : ''
    return `${user}@${domain}:{PLAIN}x::::${root}/mail/${user}::${rule}\n`
  })
  await writeFile(join(root, 'users'), lines.join(''))
  await writeFile(join(root, 'dovecot.conf'), configuration(root, port))
  const child = spawn(component('dovecot')!.path, ['-F', '-c', join(root, 'dovecot.conf')], {
    stdio: 'ignore',
  })
  const exited = once(child, 'exit')
  await eventually(() => greets(port), 'the greeting of Dovecot')
  return {
    socket: join(root, 'lmtp'),
    async mailOf(localPart) {
      const folder = join(root, 'mail', localPart, 'new')
      const names = await readdir(folder).catch((): string[] => [])
      return Promise.all(names.map((name) => readFile(join(folder, name), 'latin1')))
    },
    async stop() {
      child.kill('SIGTERM')
      await exited
      await rm(root, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** Mail is never written by root, so as root it is nobody's; otherwise everything runs as who runs the tests. */
function configuration(root: string, port: number): string {
  const { uid, gid, username } = userInfo()
  const isRoot = uid === 0
  const users = isRoot
    ? ''
    : `default_internal_user = ${username}\ndefault_login_user = ${username}\n`
  return `${users}base_dir = ${root}/run
state_dir = ${root}/state
log_path = ${root}/dovecot.log
protocols = lmtp
listen = 127.0.0.1
ssl = no
hostname = lmtp.${domain}
postmaster_address = postmaster@${domain}
mail_location = maildir:${root}/mail/%n
mail_uid = ${isRoot ? 'nobody' : uid}
mail_gid = ${isRoot ? 'nogroup' : gid}
first_valid_uid = 1
first_valid_gid = 1
passdb {
  driver = passwd-file
  args = username_format=%u ${root}/users
}
userdb {
  driver = passwd-file
  args = username_format=%u ${root}/users
}
mail_plugins = quota
plugin {
  quota = maildir:User quota
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = ${port}
  }
  unix_listener ${root}/lmtp {
    mode = 0666
  }
}
`
}
