/** A gateway with its administration, and transactions recorded, for figures of what looking at it costs. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { checkout, gatewayFolder, startGateway } from '../end-to-end/started-gateway.ts'
import { workersOf } from '../end-to-end/worker-processes.ts'
import { freePort } from '../setup/free-port.ts'

const password = 'correct horse battery'

export interface Administered {
  readonly port: number
  readonly origin: string
  readonly cookie: string
  /** Of the administration. */
  readonly pid: number
  /** Of all that is the gateway, the administration included. */
  readonly pids: readonly number[]
  stop(): Promise<void>
}

export async function administered(recorded: number): Promise<Administered> {
  const disk = mkdtempSync(join(checkout, '.cache/bench-'))
  const port = await freePort()
  const folder = await gatewayFolder(`
listeners:
  - { name: mx, listen: '127.0.0.1:2525', max_connections: 1000, max_connections_per_address: 1000 }
chain:
  - plugin: relay-clients
    options: { networks: [] }
  - plugin: rcpthosts
plugin_dirs: [../plugins]
delivery: { maildirs: '${disk}/mail', paused: true }
spool: { path: '${disk}/spool' }
store: { path: '${disk}/store.db' }
traces: { path: '${disk}/traces.db', keep: 1000000, max_age: 3000d, max_size: 8GB }
admin: { listen: '127.0.0.1:${port}', requests_per_minute: 1000000 }
log: { to: '${disk}/log' }
`)
  if (recorded > 0) {
    const fill = join(checkout, 'test/bench/fill-traces.ts')
    const args = [...process.execArgv, fill, `${disk}/traces.db`, String(recorded)]
    await once(spawn(process.execPath, args, { stdio: 'ignore' }), 'close')
  }
  const gateway = await startGateway(folder)
  await gateway.seen('administration:')
  const origin = `http://127.0.0.1:${port}`
  const [, token] = /setup#(\S+)/.exec(gateway.stdout()) ?? []
  const made = await fetch(`${origin}/api/v1/setup`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token, user: 'admin', password }),
  })
  const cookie = made.headers.get('set-cookie')?.split(';')[0] ?? ''
  const isAdmin = (pid: number) =>
    readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('admin.worker')
  return {
    port: gateway.port,
    origin,
    cookie,
    pid: workersOf(gateway.pid).find(isAdmin) ?? gateway.pid,
    pids: [gateway.pid, ...workersOf(gateway.pid)],
    async stop() {
      await gateway.stop()
      await folder.remove()
      rmSync(disk, { recursive: true })
    },
  }
}

export type Answer = { readonly items: readonly (Readonly<Record<string, unknown>> | undefined)[] }

export function asker({ origin, cookie }: Administered): (path: string) => Promise<Answer> {
  return async (path) => {
    const answer = await fetch(`${origin}/api/v1${path}`, { headers: { cookie } })
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`)
    return (await answer.json()) as Answer
  }
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now()
  await work()
  return performance.now() - before
}

/** User and system time of a process with all its threads. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
