/** A gateway that root starts as it should be started: under an account of its own, with a user of this host beside it. */
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  eventually,
  gatewayFolder,
  startGateway,
  type GatewayFolder,
  type StartedGateway,
} from './started-gateway.ts'
import { isAlive, workersOf } from './worker-processes.ts'

/** Nobody has these: no account has to be made for a test. */
export const account = { uid: 8200, gid: 8201 }
export const joe = { uid: 8123, gid: 8124 }
export const ann = { uid: 8125, gid: 8124 }

export const isRoot = process.getuid?.() === 0

export interface PrivilegedGateway {
  readonly folder: GatewayFolder
  /** Of joe; nobody else may enter it. */
  readonly home: string
  /** Of ann, likewise. */
  readonly homeOfAnn: string
  /** Below 1024. */
  readonly port: number
  readonly gateway: StartedGateway
  /** Puts a file there, or a folder. */
  own(name: string, text?: string): Promise<void>
  maildir(name: string): Promise<void>
  close(): Promise<void>
}

/** @param yaml what more stands in postern.yaml */
export async function privilegedGateway(
  change: (yaml: string, folder: GatewayFolder) => string | Promise<string> = (yaml) => yaml,
): Promise<PrivilegedGateway> {
  const home = await mkdtemp(join(tmpdir(), 'postern-joe-'))
  await chown(home, joe.uid, joe.gid)
  const folder = await gatewayFolder()
  await chmod(folder.root, 0o755)
  const homeOfAnn = join(folder.root, 'ann')
  await mkdir(homeOfAnn, { mode: 0o700 })
  await chown(homeOfAnn, ann.uid, ann.gid)
  const port = await freeRootsPort()
  const yaml = (await folder.read('postern.yaml'))
    .replace(/^user: root\n/m, `user: "${account.uid}:${account.gid}"\n`)
    .replace('127.0.0.1:0', `127.0.0.1:${port}`)
    .replace('\ndelivery:\n', '\ndelivery:\n  local: users\n')
  await folder.write('postern.yaml', await change(yaml, folder))
  const line = `joe:${joe.uid}:${joe.gid}:${home}`
  const assign = [
    `=joe:${line}:::`,
    `+joe-:${line}:-::`,
    `=ann:ann:${ann.uid}:${ann.gid}:${homeOfAnn}:::`,
    '=toor:toor:0:0:/root:::',
    '.',
    '',
  ]
  await folder.write('users/assign', assign.join('\n'))
  const gateway = await startGateway(folder)
  const own = async (name: string, text?: string): Promise<void> => {
    const path = join(home, name)
    if (text === undefined) await mkdir(path, { recursive: true })
    else await writeFile(path, text)
    await chown(path, joe.uid, joe.gid)
  }
  return {
    folder,
    home,
    homeOfAnn,
    port,
    gateway,
    own,
    async maildir(name) {
      for (const part of ['', '/cur', '/new', '/tmp']) await own(`${name}${part}`)
    },
    async close() {
      await gateway.stop()
      await folder.remove()
      await rm(home, { recursive: true, force: true })
    },
  }
}

/** The deliverer, the supervisor, and its workers. */
export function processesOf({ pid }: StartedGateway): {
  readonly deliverer: number
  readonly supervisor: number
  readonly workers: readonly number[]
} {
  const children = workersOf(pid)
  const named = (name: string): number =>
    children.find((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes(name)) ?? 0
  const supervisor = named('supervisor.worker')
  return { deliverer: named('deliverer.worker'), supervisor, workers: workersOf(supervisor) }
}

/** A line of /proc/PID/status, its words. */
export function statusOf(pid: number, name: string): readonly string[] {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const line = new RegExp(`^${name}:(.*)$`, 'm').exec(status)?.[1] ?? 'missing'
  return line.split(/\s+/).filter((word) => word !== '')
}

/** Another process than those before has this place. */
export async function another(find: () => number | undefined, than: number): Promise<number> {
  return eventually(async () => {
    const pid = find()
    return pid !== undefined && pid !== 0 && pid !== than && isAlive(pid) ? pid : undefined
  }, `another process than ${than}`)
}

/** The first message in a Maildir. */
export async function mailIn(
  path: string,
): Promise<{ readonly path: string; readonly text: string }> {
  return eventually(async () => {
    const [name] = await readdir(join(path, 'new')).catch((): string[] => [])
    if (name === undefined) return undefined
    const file = join(path, 'new', name)
    return { path: file, text: await readFile(file, 'latin1') }
  }, `mail in ${path}`)
}

async function freeRootsPort(): Promise<number> {
  for (let port = 1023; port > 512; port -= 1) {
    const server = createServer()
    // An error rejects the wait for another event.
    const outcome = await once(server.listen(port, '127.0.0.1'), 'listening').then(
      () => true,
      () => false,
    )
    server.close()
    if (outcome) return port
  }
  throw new Error('no port below 1024 is free')
}
