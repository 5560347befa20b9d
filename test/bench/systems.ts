/** Who is measured. The first is the do-nothing sink that the others are compared with. */
import { rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkout, gatewayFolder, startGateway } from '../end-to-end/started-gateway.ts'
import { workersOf } from '../end-to-end/worker-processes.ts'
import { postfixTool } from '../setup/components.ts'
import {
  postfixCannotRun,
  startPostfix,
  type Postfix,
  type PostfixPorts,
} from '../interop/postfix-server.ts'
import { freePort } from '../setup/free-port.ts'
import { fillSpool } from './fill-spool.ts'
import { namedPeers } from './peers.ts'
import { spreadFolder } from './spread-folder.ts'
import {
  cpuSeconds,
  memoryBytes,
  startedProgram,
  sumOf,
  type RunningSystem,
} from './started-program.ts'

export const systems: readonly (() => Promise<RunningSystem>)[] = [
  smtpSink,
  bareSink,
  held,
  heldByAll,
  heldByThree,
  delivering,
  deliveringByAll,
  ...(postfixCannotRun() ? [] : [postfix]),
  ...namedPeers(),
]

/** Postfix's own sink, in C: reads, answers, stores nothing. */
async function smtpSink(): Promise<RunningSystem> {
  const tool = postfixTool('smtp-sink')
  if (tool === undefined) throw new Error('smtp-sink is not there')
  const port = await freePort()
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  return startedProgram({
    name: 'do-nothing sink (smtp-sink, C)',
    port,
    path: tool.path,
    args: [...user, '-c', `127.0.0.1:${port}`, '1000'],
    env: tool.env,
  })
}

/** The least that Node can do. */
export async function bareSink(): Promise<RunningSystem> {
  const port = await freePort()
  return startedProgram({
    name: 'do-nothing sink (Node)',
    port,
    path: process.execPath,
    args: [...process.execArgv, join(checkout, 'test/bench/bare-sink.ts'), String(port)],
  })
}

/** The receiver with a chain without plugins and a sink in place of the spool. */
export async function receiverSink(): Promise<RunningSystem> {
  const port = await freePort()
  return startedProgram({
    name: 'the receiver alone',
    port,
    path: process.execPath,
    args: [...process.execArgv, join(checkout, 'test/bench/receiver-sink.ts'), String(port)],
  })
}

/** The same with the whole envelope chain, on the data of chain-data.ts. */
export async function chainSink(
  folder: string,
): Promise<RunningSystem & { residentBytes(): number }> {
  const port = await freePort()
  return startedProgram({
    name: 'the receiver with the envelope chain',
    port,
    path: process.execPath,
    args: [...process.execArgv, join(checkout, 'test/bench/chain-sink.ts'), String(port), folder],
  })
}

/**
 * A whole Postfix that makes its mail durable and holds it, as `held` does. Only root can run it.
 */
async function postfix(): Promise<RunningSystem> {
  const port = await freePort()
  const ports = { full: port, plain: await freePort(), gateway: port }
  const running = await benchedPostfix(ports, [
    'smtpd_end_of_data_restrictions = check_client_access static:HOLD',
    'smtpd_tls_security_level = none',
  ])
  return {
    name: 'Postfix, durable, on hold',
    port,
    cpuSeconds: () => sumOf([running.pid, ...workersOf(running.pid)], cpuSeconds),
    stop: () => running.stop(),
  }
}

/** One that takes any number of connections, its folders far from what was deleted. */
export function benchedPostfix(ports: PostfixPorts, settings: readonly string[]): Promise<Postfix> {
  return startPostfix(
    ports,
    ['smtpd_client_connection_count_limit = 0', ...settings],
    spreadFolder(tmpdir(), 'postern-postfix-'),
  )
}

/** Postern as it comes, the sample chain on, every message on stable storage before its 250. */
async function held(): Promise<RunningSystem> {
  return postern('Postern, sample chain, durable, deliveries paused', true, { isSample: true })
}

/** The same, with a worker for each processor, as the sample configuration says. */
async function heldByAll(): Promise<RunningSystem> {
  return postern('Postern, sample chain, durable, deliveries paused, workers: auto', true, {
    workers: 'auto',
    isSample: true,
  })
}

/** By one worker, without all that looks into messages or at clients: two entries that vouch, and a table. */
async function heldByThree(): Promise<RunningSystem> {
  return postern('Postern, three entries, durable, deliveries paused', true)
}

/** The sample chain again, delivering into a Maildir at the same time. */
async function delivering(): Promise<RunningSystem> {
  return postern('Postern, sample chain, durable, delivering', false, { isSample: true })
}

/** The same, with a worker for each processor. */
async function deliveringByAll(): Promise<RunningSystem> {
  return postern('Postern, sample chain, durable, delivering, workers: auto', false, {
    workers: 'auto',
    isSample: true,
  })
}

export interface RunningPostern extends RunningSystem {
  /** From its start until it listened. */
  readonly startMs: number
  /** Of supervisor and workers, now. */
  residentBytes(): number
  /** Holds a folder for each domain. */
  readonly maildirs: string
  /** The folder of its configuration. */
  readonly config: string
  /** The same, the most that each ever had. */
  peakBytes(): number
}

export interface PosternOptions {
  /** How many messages lie in its spool when it starts. */
  readonly queued?: number
  readonly workers?: number | 'auto'
  readonly maxConnections?: number
  readonly maxMessage?: string
  /** With the chain of config/postern.yaml, in place of three entries. */
  readonly isSample?: boolean
  /** Entries after those three, and other keys of the configuration, as lines of YAML. */
  readonly chain?: string
  readonly settings?: string
  /** Control files, by name. */
  readonly control?: Readonly<Record<string, string>>
  /** What it logs from. */
  readonly logLevel?: 'info' | 'error'
  readonly env?: NodeJS.ProcessEnv
}

const threeEntries = `chain:
  - plugin: relay-clients
    options: { networks: [] }
  - plugin: rcpthosts
  - plugin: revoked-tags
    options: { table: tables/revoked-tags }
`

/** The chain of a new installation, as it stands in its file. */
async function sampleChain(): Promise<string> {
  const text = await readFile(join(checkout, 'config/postern.yaml'), 'utf8')
  const [, chain] = /^(chain:\n[^]*?)^plugin_dirs:/m.exec(text) ?? []
  if (chain === undefined) throw new Error('config/postern.yaml has no chain before plugin_dirs')
  return chain
}

export async function postern(
  name: string,
  paused: boolean,
  options: PosternOptions = {},
): Promise<RunningPostern> {
  const { queued = 0, workers = 1, maxConnections = 1_000, maxMessage = '50MB' } = options
  const { logLevel = 'info', env = {} } = options
  const disk = process.env['POSTERN_BENCH_DISK'] ?? join(checkout, '.cache')
  const folderOnDisk = spreadFolder(disk, 'bench-')
  const folder = await gatewayFolder(`
workers: ${workers}
listeners:
  - name: mx
    listen: 127.0.0.1:2525
    max_connections: ${maxConnections}
    max_connections_per_address: ${maxConnections}
receiver: { max_message: ${maxMessage} }
${options.isSample === true ? await sampleChain() : threeEntries}${options.chain ?? ''}${options.settings ?? ''}
plugin_dirs: [../plugins, ../plugins/local]
delivery: { maildirs: '${folderOnDisk}/mail', paused: ${paused} }
spool: { path: '${folderOnDisk}/spool' }
store: { path: '${folderOnDisk}/store.db' }
tls: { path: '${folderOnDisk}/tls' }
log: { level: ${logLevel}, to: '${folderOnDisk}/log' }
`)
  for (const [file, text] of Object.entries(options.control ?? {})) {
    await folder.write(`control/${file}`, text)
  }
  if (queued > 0) await fillSpool(`${folderOnDisk}/spool`, queued)
  const before = performance.now()
  const gateway = await startGateway(folder, { env })
  const startMs = performance.now() - before
  const processes = (): readonly number[] => [gateway.pid, ...workersOf(gateway.pid)]
  return {
    name,
    startMs,
    maildirs: join(folderOnDisk, 'mail'),
    config: folder.config,
    residentBytes: () => sumOf(processes(), (pid) => memoryBytes(pid, 'VmRSS')),
    peakBytes: () => sumOf(processes(), (pid) => memoryBytes(pid, 'VmHWM')),
    port: gateway.port,
    cpuSeconds: () => sumOf(processes(), cpuSeconds),
    async stop() {
      await gateway.stop()
      await folder.remove()
      rmSync(folderOnDisk, { recursive: true })
    },
  }
}
