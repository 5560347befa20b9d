/**
 * Mail servers that stand beside ours where the operator has them: nothing here installs one.
 * POSTERN_BENCH_HARAKA: a folder in which `npm install Haraka` was run. POSTERN_BENCH_QMAIL: the folder of an installed
 * qmail, `/var/qmail`, whose qmail-send must not run meanwhile: what it takes stays in its queue.
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { workersOf } from '../end-to-end/worker-processes.ts'
import { component } from '../setup/components.ts'
import { freePort } from '../setup/free-port.ts'
import { cpuSeconds, startedProgram, sumOf, type RunningSystem } from './started-program.ts'

/** Those that the environment names. @throws Error where there is none of the kind */
export function namedPeers(): readonly (() => Promise<RunningSystem>)[] {
  const { POSTERN_BENCH_HARAKA: ofHaraka, POSTERN_BENCH_QMAIL: ofQmail } = process.env
  return [
    ...(ofHaraka === undefined ? [] : [() => haraka(ofHaraka)]),
    ...(ofQmail === undefined ? [] : [() => qmail(ofQmail)]),
  ]
}

const relayAll = `exports.hook_connect = (next, connection) => { connection.relaying = true; next() }
exports.hook_rcpt = (next) => next(OK)
`
/** A delivery that never ends: mail is queued and stays. */
const hold = 'exports.hook_send_email = () => {}\n'

/** Takes everything into its outbound queue, and delivers nothing. */
async function haraka(folder: string): Promise<RunningSystem> {
  const program = ['node_modules/Haraka/bin/haraka', 'bin/haraka']
    .map((path) => join(folder, path))
    .find((path) => existsSync(path))
  if (program === undefined) throw new Error(`POSTERN_BENCH_HARAKA: no Haraka in ${folder}`)
  const port = await freePort()
  const root = mkdtempSync(join(tmpdir(), 'postern-haraka-'))
  const files: Readonly<Record<string, string>> = {
    'config/me': 'mx.bench.test\n',
    'config/host_list': 'postern.test\n',
    'config/smtp.ini': `listen=127.0.0.1:${port}\n`,
    'config/log.ini': '[main]\nlevel=warn\n',
    'config/plugin_timeout': '0\n',
    'config/plugins': 'relayall\nhold\n',
    'plugins/relayall.js': relayAll,
    'plugins/hold.js': hold,
  }
  for (const name of ['config', 'plugins', 'queue']) mkdirSync(join(root, name))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text)
  // Haraka 3.3 greets nobody without it, and looks for it here alone.
  const connections = join(dirname(program), '../config/connection.ini')
  if (existsSync(connections)) copyFileSync(connections, join(root, 'config/connection.ini'))
  const system = await startedProgram({
    name: 'Haraka, its queue held',
    port,
    path: process.execPath,
    args: [program, '-c', root],
  })
  return {
    ...system,
    // What is started only starts the process that does the work.
    cpuSeconds: () => sumOf([system.pid, ...workersOf(system.pid)], cpuSeconds),
    async stop() {
      await system.stop()
      rmSync(root, { recursive: true, force: true })
    },
  }
}

/** By tcpserver, a process for each connection; its CPU time is that of those that are over, too. */
async function qmail(folder: string): Promise<RunningSystem> {
  const smtpd = join(folder, 'bin/qmail-smtpd')
  const tcpserver = component('tcpserver')
  if (!existsSync(smtpd)) throw new Error(`POSTERN_BENCH_QMAIL: there is no ${smtpd}`)
  if (tcpserver === undefined) throw new Error('qmail is measured behind tcpserver: install it')
  const port = await freePort()
  return startedProgram({
    name: 'qmail, nothing delivered',
    port,
    path: tcpserver.path,
    args: ['-H', '-R', '-l0', '-c', '200', '127.0.0.1', String(port), smtpd],
    env: { RELAYCLIENT: '' },
  })
}
