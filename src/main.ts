/**
 * The daemon: a small supervisor, and a worker for each process that the configuration asks for. The workers do all the
 * work; this process starts them, replaces them, and passes on what the operator wants. The standard output is for
 * whoever started it by hand; what happens afterwards goes to the log.
 */
import { resolve } from 'node:path'
import { formatListenAddress } from './config/listen-address.ts'
import { formatDoubt, formatMistake } from './config/format-mistake.ts'
import type { Configuration } from './config/configuration.ts'
import { plainLog } from './config/log-section.ts'
import type { Mistake } from './plugin/mistake.ts'
import { shardsOf, shareShards } from './queue/shards.ts'
import { spoolLayout } from './queue/spool-layout.ts'
import type { Log } from './runtime/log.ts'
import { systemClock } from './runtime/node/clock.ts'
import { systemDisk } from './runtime/node/disk.ts'
import { hostSize } from './runtime/node/host-size.ts'
import { keptByRoot } from './runtime/node/kept.ts'
import { nodeNet } from './runtime/node/net.ts'
import { hostProcess } from './runtime/node/process.ts'
import { workerProcesses } from './runtime/node/workers.ts'
import { adminWish } from './tools/admin-wish.ts'
import { openSupervisorControl } from './tools/open-supervisor-control.ts'
import { exposures } from './tools/privileges/exposed-files.ts'
import { accountsOfHost, staysRoot, usualAccount } from './tools/privileges/gateway-account.ts'
import { keep } from './tools/privileges/keep.ts'
import { readFolder } from './tools/read-offline.ts'
import { SupervisorLog } from './tools/supervisor-log.ts'
import { posternVersion } from './tools/version.ts'
import { AdminKeeper } from './workers/admin-keeper.ts'
import type { AdminReport, FromAdmin, ToAdmin } from './workers/admin-messages.ts'
import { whenOpen } from './workers/early-signals.ts'
import { CrashLedger } from './workers/crash-ledger.ts'
import type { FromWorker, ToWorker, WorkerReport } from './workers/messages.ts'
import { numberOfWorkers } from './workers/number-of-workers.ts'
import { Supervisor } from './workers/supervisor.ts'

/** How long sessions and deliveries under way may take to end after SIGTERM. */
const graceMs = 30_000

/**
 * Runs the gateway until SIGTERM or SIGINT.
 * @param folder the configuration folder, as the operator wrote it
 * @returns the exit code: 0 after a graceful stop, 1 where the configuration has mistakes, where something could not
 * start, or where no worker is left
 */
export async function runDaemon(folder: string): Promise<number> {
  // Until somebody hears them they would end the process: what they ask for is done by starting.
  for (const signal of ['SIGHUP', 'SIGALRM'] as const) hostProcess.onSignal(signal, () => undefined)
  // The timers of the clock keep no process alive, and between two workers only they are left.
  const alive = setInterval(() => undefined, 3_600_000)
  try {
    return hostProcess.uid === 0 ? await runAsRoot(folder) : await runGateway(folder, hostProcess)
  } finally {
    clearInterval(alive)
  }
}

/** Root keeps a gateway that is not root, and a deliverer that is: src/workers/keeper.ts. */
async function runAsRoot(folder: string): Promise<number> {
  const { configuration, mistakes } = readFolder(folder)
  if (configuration === undefined || mistakes.length > 0) {
    if (configuration?.user === 'root') return runGateway(folder, hostProcess)
    // What the gateway would have found as well: all mistakes at once, and the same ones as by `postern check`.
    const { checkConfiguration } = await import('./tools/check-configuration.ts')
    return complain((await checkConfiguration(folder)).mistakes)
  }
  const host = accountsOfHost()
  if (await staysRoot(configuration.user, host)) {
    if (configuration.user === undefined) {
      process.stderr.write(
        `postern: there is no account ${usualAccount}: all of it works as root\n`,
      )
    }
    warn(exposures(configuration, undefined).doubts)
    return runGateway(folder, hostProcess)
  }
  const kept = await keep({
    folder,
    configuration,
    host,
    warn,
    programs: {
      deliverer: new URL('./deliverer.worker.ts', import.meta.url),
      gateway: new URL('./supervisor.worker.ts', import.meta.url),
    },
    descriptors: descriptorsOf(configuration),
    onSignal: (signal, callback) => hostProcess.onSignal(signal, callback),
  })
  return typeof kept === 'number' ? kept : complain(kept)
}

/** Where the operator's signals come from. */
export type Signals = Pick<typeof hostProcess, 'onSignal'>

/** The gateway, from here on: the supervisor and its workers. @returns the exit code, as `runDaemon` */
export async function runGateway(
  folder: string,
  signals: Signals,
  opened: (log: Log) => void = () => undefined,
): Promise<number> {
  const startedAt = systemClock.now()
  const stop = signalled(signals)
  const begin = whenOpen(signals)
  const wish = Promise.withResolvers<Wish>()
  const { supervisor, configuration, log, close, administered } = await supervise(folder)
  opened(log)
  const opening = await Promise.race([supervisor.open(), stop])
  if ('by' in opening) {
    const code = await supervisor.stop(opening.graceMs)
    await close()
    return code
  }
  const doubts = opening.ok ? opening.report.doubts : opening.doubts
  warn(doubts)
  if (!opening.ok) {
    await close()
    return complain(opening.mistakes)
  }
  begin(supervisor)
  const control =
    configuration === undefined
      ? undefined
      : await openSupervisorControl({
          doors: { disk: systemDisk, net: nodeNet, clock: systemClock, process: hostProcess, log },
          supervisor,
          operator: configuration.operator,
          databases: configuration,
          version: posternVersion(),
          hostname: opening.report.hostname,
          folder: resolve(folder),
          startedAt,
          graceMs,
          stop: (ms) => wish.resolve({ by: 'postern stop', graceMs: ms }),
          // Seldom asked for, and it needs half of the house.
          steer: async (verb, of) =>
            (await import('./tools/steer-all.ts')).steerAll(folder, verb, of),
        })
  process.stdout.write(greeting(opening.report, folder, supervisor.pids.length))
  const admin = administer(folder, log)
  administered(admin)
  const end = await Promise.race([stop, wish.promise, supervisor.abandoned])
  if (end === undefined) process.stderr.write('postern: every worker has been given up\n')
  else process.stdout.write(`${end.by}: finishing what is under way\n`)
  const [code] = await Promise.all([supervisor.stop(end?.graceMs ?? graceMs), admin.stop()])
  await control?.close()
  await close()
  return end === undefined ? 1 : code
}

function warn(doubts: readonly Mistake[]): void {
  for (const doubt of doubts) process.stderr.write(`warning: ${formatDoubt(doubt)}\n`)
}

/** @returns the exit code */
function complain(mistakes: readonly Mistake[]): 1 {
  for (const mistake of mistakes) process.stderr.write(`${formatMistake(mistake)}\n`)
  const count = mistakes.length
  process.stderr.write(`${count} ${count === 1 ? 'mistake' : 'mistakes'}\n`)
  return 1
}

/** Somebody wants the gateway to end. */
interface Wish {
  readonly by: string
  readonly graceMs: number
}

/**
 * The supervisor of what the configuration asks for. With mistakes in it there is one worker, which will say so; a
 * folder that cannot be read is its to complain of, too.
 */
async function supervise(folder: string): Promise<{
  readonly supervisor: Supervisor
  readonly configuration: Configuration | undefined
  readonly log: Log
  readonly close: () => Promise<void>
  /** Whoever keeps the administration hears of changes from here on. */
  readonly administered: (admin: AdminKeeper) => void
}> {
  const { configuration } = readFolder(folder)
  const disk = systemDisk
  const clock = systemClock
  const log = new SupervisorLog()
  ;(await log.prepare(configuration?.log ?? plainLog))()
  const path = configuration?.spool.path ?? folder
  const made = await shardsOf(disk, path).catch(() => [0])
  const { judging: notes, crashes } = spoolLayout(path)
  let admin: AdminKeeper | undefined
  const supervisor = new Supervisor({
    folder,
    shards: shareShards(made, numberOfWorkers(configuration?.workers ?? 1, hostSize())),
    processes: workerProcesses<ToWorker, FromWorker>(
      new URL('./gateway.worker.ts', import.meta.url),
      [...descriptorsOf(configuration), ...(keptByRoot()?.ports.values() ?? [])],
    ),
    clock,
    log,
    crashes: await CrashLedger.open({ disk, clock, log, notes, path: crashes }),
    restarting: () => log.prepare(readFolder(folder).configuration?.log ?? plainLog),
    reconfigured: () => admin?.reconfigured(),
  })
  return {
    supervisor,
    configuration,
    log,
    close: () => log.close(),
    administered: (keeper) => void (admin = keeper),
  }
}

/** The HTTP API, in a process of its own, unless it is off. The gateway does not wait for it. */
function administer(folder: string, log: Log): AdminKeeper {
  const program = new URL('./admin.worker.ts', import.meta.url)
  const keeper = new AdminKeeper({
    folder,
    settings: () => adminWish(folder),
    processes: workerProcesses<ToAdmin, FromAdmin>(program),
    clock: systemClock,
    log,
    opened: (report) => process.stdout.write(adminGreeting(report)),
  })
  keeper.start()
  return keeper
}

function adminGreeting({ url, setupUrl }: AdminReport): string {
  if (setupUrl === undefined) return `  administration: ${url}\n`
  return `  administration: open this link once, within a day, to make the first administrator:\n    ${setupUrl}\n`
}

/** Sockets that whoever started us has opened and that the listeners name by number. */
function descriptorsOf(configuration: Configuration | undefined): readonly number[] {
  return (configuration?.listeners ?? []).flatMap(({ address }) =>
    'inherited' in address && typeof address.inherited === 'number' ? [address.inherited] : [],
  )
}

/** The first signal ends the gateway gracefully, the second at once. */
function signalled(signals: Signals): Promise<Wish> {
  return new Promise((end) => {
    let count = 0
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      signals.onSignal(signal, () => {
        count += 1
        if (count > 1) process.exit(1)
        end({ by: signal, graceMs })
      })
    }
  })
}

/** Where npm started us there may be no `postern` on the path; where a package did, there may be no npx. */
const calledAs = process.env['npm_command'] === undefined ? 'postern' : 'npx postern'

/** What a person who has just started it wants to know. */
function greeting(report: WorkerReport, folder: string, workers: number): string {
  const { listeners, entries, maildirs, mx, hostname, ownCertificate } = report
  const lines = listeners.map(
    ({ name, address }) => `  listening on ${formatListenAddress(address)} (${name})`,
  )
  const chain = entries.map(({ name, mode, summary }) => {
    const remark = mode === 'enforce' ? '' : ` [${mode}]`
    return `    ${name}${remark}${summary === undefined ? '' : `  ${summary}`}`
  })
  const server = mx === undefined ? '' : ` --server ${formatListenAddress(mx)}`
  const destination =
    maildirs === undefined
      ? 'is for the users of this host, and their .qmail files'
      : `lands in ${maildirs}/<domain>/<local-part>/`
  return `${[
    `Postern on ${hostname}, configured by ${folder}`,
    ...lines,
    ...(workers > 1 ? [`  ${workers} workers receive and deliver`] : []),
    ...(ownCertificate === undefined
      ? []
      : [`  TLS with a self-signed certificate: ${ownCertificate}`]),
    '  the chain, in order:',
    ...chain,
    `  mail for control/locals ${destination}`,
    '  ready; send a test message with:',
    `    ${calledAs} send --to bob@${hostname}${server}`,
  ].join('\n')}\n`
}
