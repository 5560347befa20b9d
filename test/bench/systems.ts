/** Who is measured. The first is the do-nothing sink that the others are compared with. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { checkout, gatewayFolder, startGateway } from '../end-to-end/started-gateway.ts'
import { workersOf } from '../end-to-end/worker-processes.ts'
import { postfixTool } from '../setup/components.ts'
import { freePort } from '../setup/free-port.ts'
import { fillSpool } from './fill-spool.ts'

export interface RunningSystem {
  readonly name: string
  readonly port: number
  /** User and system time of its processes so far. */
  cpuSeconds(): number
  stop(): Promise<void>
}

export const systems: readonly (() => Promise<RunningSystem>)[] = [
  smtpSink,
  bareSink,
  held,
  delivering,
  deliveringByAll,
]

/** Postfix's own sink, in C: reads, answers, stores nothing. */
async function smtpSink(): Promise<RunningSystem> {
  const tool = postfixTool('smtp-sink')
  if (tool === undefined) throw new Error('smtp-sink is not there')
  const port = await freePort()
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  return started(
    'do-nothing sink (smtp-sink, C)',
    port,
    tool.path,
    [...user, '-c', `127.0.0.1:${port}`, '1000'],
    tool.env,
  )
}

/** The least that Node can do. */
async function bareSink(): Promise<RunningSystem> {
  const port = await freePort()
  return started('do-nothing sink (Node)', port, process.execPath, [
    join(checkout, 'test/bench/bare-sink.ts'),
    String(port),
  ])
}

/** Postern as it comes, the sample chain on, every message on stable storage before its 250. */
async function held(): Promise<RunningSystem> {
  return postern('Postern, sample chain, durable, deliveries paused', true)
}

/** The same, delivering into a Maildir at the same time. */
async function delivering(): Promise<RunningSystem> {
  return postern('Postern, sample chain, durable, delivering', false)
}

/** The same, with a worker for each processor. */
async function deliveringByAll(): Promise<RunningSystem> {
  return postern('Postern, sample chain, durable, delivering, workers: auto', false, {
    workers: 'auto',
  })
}

export interface RunningPostern extends RunningSystem {
  /** From its start until it listened. */
  readonly startMs: number
  residentBytes(): number
}

/** @param queued how many messages lie in its spool when it starts */
export async function postern(
  name: string,
  paused: boolean,
  {
    queued = 0,
    workers = 1,
  }: { readonly queued?: number; readonly workers?: number | 'auto' } = {},
): Promise<RunningPostern> {
  mkdirSync(join(checkout, '.cache'), { recursive: true })
  const folderOnDisk = mkdtempSync(join(checkout, '.cache/bench-'))
  const folder = await gatewayFolder(`
workers: ${workers}
listeners: [{ name: mx, listen: '127.0.0.1:2525' }]
chain:
  - plugin: relay-clients
    options: { networks: [] }
  - plugin: rcpthosts
  - plugin: revoked-tags
    options: { table: tables/revoked-tags }
plugin_dirs: [../plugins, ../plugins/local]
delivery: { maildirs: '${folderOnDisk}/mail', paused: ${paused} }
spool: { path: '${folderOnDisk}/spool' }
store: { path: '${folderOnDisk}/store.db' }
log: { to: '${folderOnDisk}/log' }
`)
  if (queued > 0) await fillSpool(`${folderOnDisk}/spool`, queued)
  const before = performance.now()
  const gateway = await startGateway(folder)
  return {
    name,
    startMs: performance.now() - before,
    residentBytes: () => residentBytes(gateway.pid),
    port: gateway.port,
    cpuSeconds: () =>
      [gateway.pid, ...workersOf(gateway.pid)].reduce((sum, pid) => sum + cpuSeconds(pid), 0),
    async stop() {
      await gateway.stop()
      await folder.remove()
      rmSync(folderOnDisk, { recursive: true })
    },
  }
}

async function started(
  name: string,
  port: number,
  path: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<RunningSystem> {
  const child = spawn(path, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  await listening(port)
  const { pid } = child
  if (pid === undefined) throw new Error(`${path} did not start`)
  return {
    name,
    port,
    cpuSeconds: () => cpuSeconds(pid),
    async stop() {
      child.kill()
      await once(child, 'exit')
    },
  }
}

async function listening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const socket = connect(port, '127.0.0.1')
    const open = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    })
    socket.destroy()
    if (open) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`nothing listens on ${port}`)
}

/** What the kernel keeps in memory of a process now. */
function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
}

/** Of a process with all its threads: /proc counts in hundredths of a second. */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}
