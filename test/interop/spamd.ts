/** spamd with Debian's rules, without a network, on a UNIX socket and a port; it may be taught. */
import { once } from 'node:events'
import { copyFile, mkdir, readdir, writeFile, chmod } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { component } from '../setup/components.ts'
import { freePort } from '../setup/free-port.ts'
import { daemonFolder, startDaemon } from './daemon.ts'

export interface Spamd {
  readonly socket: string
  readonly port: number
  stop(): Promise<void>
}

/** In two halves, so that no scanner takes this file for what it is about. */
export const gtube = `XJS*C4JDBQADN1.NSBN3*2IDNEN*${'GTUBE-STANDARD-ANTI-UBE'}-TEST-EMAIL*C.34X`

export async function startSpamd(): Promise<Spamd> {
  const folder = await daemonFolder('spamd')
  const at = (name: string): string => join(folder.path, name)
  const port = await freePort()
  await mkdir(at('site'))
  await mkdir(at('state'))
  await chmod(at('state'), 0o777)
  for (const name of await readdir('/etc/spamassassin')) {
    if (name.endsWith('.pre')) await copyFile(join('/etc/spamassassin', name), at(`site/${name}`))
  }
  const settings = [
    'report_safe 0',
    'required_score 5.0',
    'rewrite_header Subject [SPAM]',
    'use_bayes 1',
    `bayes_path ${at('state/bayes')}`,
    'bayes_file_mode 0777',
    'dns_available no',
    'skip_rbl_checks 1',
  ]
  await writeFile(at('site/local.cf'), `${settings.join('\n')}\n`)
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  const daemon = await startDaemon({
    path: component('spamd')!.path,
    args: [
      ...`-L -x --allow-tell -s stderr -i 127.0.0.1 -p ${port}`.split(' '),
      ...'--min-children=1 --max-children=2 --min-spare=1 --max-spare=1'.split(' '),
      ...user,
      '-C',
      '/usr/share/spamassassin',
      `--siteconfigpath=${at('site')}`,
      `--socketpath=${at('spamd.sock')}`,
      '--socketmode=0666',
    ],
    listensOn: { port },
    within: 60_000,
  })
  await firstScan(port)
  return {
    socket: at('spamd.sock'),
    port,
    async stop() {
      await daemon.stop()
      await folder.remove()
    },
  }
}

/** The first message that a child scans takes seconds: it compiles the rules. */
async function firstScan(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  const message = 'Subject: first\r\n\r\nhello\r\n'
  socket.end(`CHECK SPAMC/1.5\r\nContent-length: ${message.length}\r\n\r\n${message}`)
  socket.resume()
  await once(socket, 'close')
}
