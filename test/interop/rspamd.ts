/** rspamd without a network, Redis or most modules: a worker, a controller and its milter on free ports. */
import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { component } from '../setup/components.ts'
import { freePort } from '../setup/free-port.ts'
import { daemonFolder, startDaemon } from './daemon.ts'

export interface Rspamd {
  readonly worker: number
  readonly controller: number
  readonly milter: number
  stop(): Promise<void>
}

/** Each asks somebody else, or remembers in Redis. */
const withoutModules =
  'arc asn bimi dkim dkim_signing dmarc fuzzy_check greylist hfilter history_redis mx_check neural phishing ratelimit rbl replies reputation spf surbl url_redirector'

export async function startRspamd(): Promise<Rspamd> {
  const folder = await daemonFolder('rspamd')
  const at = (name: string): string => join(folder.path, name)
  const worker = await freePort()
  const controller = await freePort()
  const milter = await freePort()
  await Promise.all(
    ['override.d', 'db', 'run', 'log'].map((name) => mkdir(at(name), { recursive: true })),
  )
  const files: Readonly<Record<string, string>> = {
    'worker-normal.inc': `bind_socket = "127.0.0.1:${worker}"; count = 1;`,
    'worker-controller.inc': `bind_socket = "127.0.0.1:${controller}"; password = "taught"; secure_ip = null;`,
    'worker-proxy.inc': `bind_socket = "127.0.0.1:${milter}"; milter = yes; count = 1; upstream "local" { default = yes; hosts = "127.0.0.1:${worker}"; }`,
    'worker-fuzzy.inc': 'enabled = false;',
    // Compiling ten thousand domain suffixes takes it half a minute.
    'options.inc': `dns { nameserver = ["127.0.0.1:1"]; timeout = 50ms; retransmits = 1; } filters = "chartable,regexp"; enable_test_patterns = true; disable_hyperscan = true; url_tld = "${at('suffixes')}";`,
    'logging.inc': 'type = "console"; level = "notice";',
    'milter_headers.conf':
      'use = ["x-spamd-result", "x-spam-status"]; extended_spam_headers = false;',
  }
  await writeFile(at('suffixes'), 'com\norg\ntest\n')
  await Promise.all([
    ...Object.entries(files).map(([name, text]) => writeFile(at(`override.d/${name}`), text)),
    ...withoutModules
      .split(' ')
      .map((name) => writeFile(at(`override.d/${name}.conf`), 'enabled = false;')),
  ])
  const isRoot = process.getuid?.() === 0
  if (isRoot) execFileSync('chown', ['-R', '_rspamd', folder.path])
  const vars = { LOCAL_CONFDIR: '', DBDIR: 'db', RUNDIR: 'run', LOGDIR: 'log' }
  const daemon = await startDaemon({
    path: component('rspamd')!.path,
    args: [
      '-f',
      '-c',
      '/etc/rspamd/rspamd.conf',
      ...(isRoot ? ['-u', '_rspamd', '-g', '_rspamd'] : ['-i']),
      ...Object.entries(vars).map(([name, path]) => `--var=${name}=${join(folder.path, path)}`),
    ],
    listensOn: { port: worker },
    within: 60_000,
  })
  return {
    worker,
    controller,
    milter,
    async stop() {
      await daemon.stop()
      await folder.remove()
    },
  }
}
