/** unbound, which validates, over zones that ldns-signzone has signed. Nothing leaves this host. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runProgram } from '../end-to-end/started-gateway.ts'
import { component } from '../setup/components.ts'
import { freePort } from '../setup/free-port.ts'
import { daemonFolder, startDaemon } from './daemon.ts'

export interface Zone {
  readonly name: string
  /** Lines of a zone file; its SOA and NS come by themselves. */
  readonly records: readonly string[]
  /** `by another`: its keys are not those that the resolver trusts. Absent: nobody signed it. */
  readonly signed?: 'well' | 'by another'
  /** What somebody on the way puts in the place of what was signed. */
  readonly forged?: readonly [from: string, to: string]
}

export interface Unbound {
  /** As the doors to the DNS take it. */
  readonly server: string
  stop(): Promise<void>
}

/** Whatever is in no zone of ours would be asked of this host, which is not allowed. */
const nowhere = '. 300 NS ns.invalid.\nns.invalid. 300 A 127.0.0.1\n'

export async function startUnbound(zones: readonly Zone[]): Promise<Unbound> {
  const folder = await daemonFolder('unbound')
  const port = await freePort()
  const anchors: string[] = []
  for (const zone of zones) anchors.push(...(await writeZone(folder.path, zone)))
  await writeFile(join(folder.path, 'root.hints'), nowhere)
  await writeFile(
    join(folder.path, 'unbound.conf'),
    configuration(folder.path, port, anchors, zones),
  )
  const daemon = await startDaemon({
    path: component('unbound')!.path,
    args: ['-d', '-p', '-c', join(folder.path, 'unbound.conf')],
    listensOn: { port },
  })
  return {
    server: `127.0.0.1:${port}`,
    async stop() {
      await daemon.stop()
      await folder.remove()
    },
  }
}

/** @returns the file of the key that is to be trusted */
async function writeZone(
  folder: string,
  { name, records, signed, forged: [from, to] = ['', ''] }: Zone,
): Promise<readonly string[]> {
  const plain = join(folder, `${name}.plain`)
  const file = join(folder, `${name}.zone`)
  const head = [
    `$ORIGIN ${name}.`,
    '$TTL 300',
    '@ IN SOA ns hostmaster 1 3600 900 86400 300',
    '@ IN NS ns',
    'ns IN A 192.0.2.53',
  ]
  await writeFile(plain, `${[...head, ...records].join('\n')}\n`)
  if (signed === undefined) {
    await writeFile(file, await readFile(plain))
    return []
  }
  const key = await makeKey(folder, name)
  await ldns(['ldns-signzone', '-f', file, plain, key])
  const text = await readFile(file, 'utf8')
  if (!text.includes(from)) throw new Error(`there is no ${from} in the zone ${name}`)
  await writeFile(file, from === '' ? text : text.replace(from, to))
  return [`${signed === 'well' ? key : await makeKey(folder, name)}.key`]
}

async function makeKey(folder: string, name: string): Promise<string> {
  const kind = ['-a', 'ECDSAP256SHA256', '-k', '-r', '/dev/urandom']
  const { stdout } = await ldns(['ldns-keygen', ...kind, name], folder)
  return join(folder, stdout.trim())
}

/** Keys are written to where the program stands. */
async function ldns(
  command: readonly string[],
  folder = '/',
): Promise<{ readonly stdout: string }> {
  const ran = await runProgram('env', ['-C', folder, ...command])
  if (ran.code !== 0) throw new Error(`${command.join(' ')}: ${ran.stderr}`)
  return ran
}

function configuration(
  folder: string,
  port: number,
  anchors: readonly string[],
  zones: readonly Zone[],
): string {
  return `server:
  interface: 127.0.0.1
  port: ${port}
  username: ""
  chroot: ""
  directory: "${folder}"
  pidfile: ""
  use-syslog: no
  num-threads: 1
  root-hints: "${folder}/root.hints"
  module-config: "validator iterator"
  local-zone: "test." nodefault
${anchors.map((file) => `  trust-anchor-file: "${file}"\n`).join('')}
remote-control:
  control-enable: no
${zones.map(({ name }) => authority(name, folder)).join('')}`
}

/** The zone is read from its file, and validated like what comes from a server. */
function authority(name: string, folder: string): string {
  return `auth-zone:
  name: "${name}"
  zonefile: "${join(folder, `${name}.zone`)}"
  for-upstream: yes
  for-downstream: no
  fallback-enabled: no
`
}
