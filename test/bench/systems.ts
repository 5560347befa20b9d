/** Who is measured. The first is the do-nothing sink that the others are compared with. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { checkout, gatewayFolder, startGateway } from '../end-to-end/started-gateway.ts'
import { workersOf } from '../end-to-end/worker-processes.ts'
import { postfixTool } from '../setup/components.ts'
import { postfixCannotRun, startPostfix } from '../interop/postfix-server.ts'
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
  ...(postfixCannotRun() ? [] : [postfix]),
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
export async function bareSink(): Promise<RunningSystem> {
  const port = await freePort()
  return started('do-nothing sink (Node)', port, process.execPath, [
    ...process.execArgv,
    join(checkout, 'test/bench/bare-sink.ts'),
    String(port),
  ])
}

/** The receiver with a chain without plugins and a sink in place of the spool. */
export async function receiverSink(): Promise<RunningSystem> {
  const port = await freePort()
  return started('the receiver alone', port, process.execPath, [
    ...process.execArgv,
    join(checkout, 'test/bench/receiver-sink.ts'),
    String(port),
  ])
}

/** The same with the whole envelope chain, on the data of chain-data.ts. */
export async function chainSink(
  folder: string,
): Promise<RunningSystem & { residentBytes(): number }> {
  const port = await freePort()
  return started('the receiver with the envelope chain', port, process.execPath, [
    ...process.execArgv,
    join(checkout, 'test/bench/chain-sink.ts'),
    String(port),
    folder,
  ])
}

/**
 * A whole Postfix that makes its mail durable and holds it, as `held` does. Only root can run it.
 */
async function postfix(): Promise<RunningSystem> {
  const port = await freePort()
  const ports = { full: port, plain: await freePort(), gateway: port }
  const running = await startPostfix(ports, [
    'smtpd_end_of_data_restrictions = check_client_access static:HOLD',
    'smtpd_client_connection_count_limit = 0',
    'smtpd_tls_security_level = none',
  ])
  return {
    name: 'Postfix, durable, on hold',
    port,
    cpuSeconds: () => sumOf([running.pid, ...workersOf(running.pid)], cpuSeconds),
    stop: () => running.stop(),
  }
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
  /** Of supervisor and workers, now. */
  residentBytes(): number
  /** Holds a folder for each domain. */
  readonly maildirs: string
  /** The same, the most that each ever had. */
  peakBytes(): number
}

export interface PosternOptions {
  /** How many messages lie in its spool when it starts. */
  readonly queued?: number
  readonly workers?: number | 'auto'
  readonly maxConnections?: number
  readonly maxMessage?: string
  /** Entries after those of the sample, and other keys of the configuration, as lines of YAML. */
  readonly chain?: string
  readonly settings?: string
  /** Control files, by name. */
  readonly control?: Readonly<Record<string, string>>
}

export async function postern(
  name: string,
  paused: boolean,
  options: PosternOptions = {},
): Promise<RunningPostern> {
  const { queued = 0, workers = 1, maxConnections = 1_000, maxMessage = '50MB' } = options
  mkdirSync(join(checkout, '.cache'), { recursive: true })
  const folderOnDisk = mkdtempSync(join(checkout, '.cache/bench-'))
  const folder = await gatewayFolder(`
workers: ${workers}
listeners:
  - name: mx
    listen: 127.0.0.1:2525
    max_connections: ${maxConnections}
    max_connections_per_address: ${maxConnections}
receiver: { max_message: ${maxMessage} }
chain:
  - plugin: relay-clients
    options: { networks: [] }
  - plugin: rcpthosts
  - plugin: revoked-tags
    options: { table: tables/revoked-tags }
${options.chain ?? ''}${options.settings ?? ''}
plugin_dirs: [../plugins, ../plugins/local]
delivery: { maildirs: '${folderOnDisk}/mail', paused: ${paused} }
spool: { path: '${folderOnDisk}/spool' }
store: { path: '${folderOnDisk}/store.db' }
tls: { path: '${folderOnDisk}/tls' }
log: { to: '${folderOnDisk}/log' }
`)
  for (const [file, text] of Object.entries(options.control ?? {})) {
    await folder.write(`control/${file}`, text)
  }
  if (queued > 0) await fillSpool(`${folderOnDisk}/spool`, queued)
  const before = performance.now()
  const gateway = await startGateway(folder)
  const startMs = performance.now() - before
  const processes = (): readonly number[] => [gateway.pid, ...workersOf(gateway.pid)]
  return {
    name,
    startMs,
    maildirs: join(folderOnDisk, 'mail'),
    residentBytes: () => sumOf(processes(), (pid) => memory(pid, 'VmRSS')),
    peakBytes: () => sumOf(processes(), (pid) => memory(pid, 'VmHWM')),
    port: gateway.port,
    cpuSeconds: () => sumOf(processes(), cpuSeconds),
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
): Promise<RunningSystem & { residentBytes(): number }> {
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
    residentBytes: () => memory(pid, 'VmRSS'),
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

/** What the kernel keeps in memory of a process now (VmRSS), or kept at most (VmHWM). */
function memory(pid: number, which: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(new RegExp(`^${which}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024
}

function sumOf(pids: readonly number[], figure: (pid: number) => number): number {
  return pids.reduce((sum, pid) => sum + figure(pid), 0)
}

/** Of a process with all its threads: /proc counts in hundredths of a second. */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}
