import { Command } from 'commander'
import { formatMistake } from '../config/format-mistake.ts'
import { legible } from '../formats/plain-line.ts'
import type { GatewayStatus, WorkerState } from '../tools/supervisor-requests.ts'
import { configOption } from './config-option.ts'
import { countOf } from './count.ts'
import { writeJson } from './json.ts'
import { remediesFor } from './remedies.ts'
import { askRunning, exitNotRunning, type GatewayCommandOptions } from './running-gateway.ts'

/** `postern stat`: what runs, since when, and what waits, as `qmailctl stat` says it. */
export function statCommand(): Command {
  return new Command('stat')
    .description('what runs, since when, what waits; exit code 3 where nothing runs')
    .addOption(configOption())
    .option('--json', 'as JSON')
    .action(async (options: GatewayCommandOptions) => {
      const status = await askRunning(options, 'status', { otherwise: exitNotRunning })
      if (options.json === true) writeJson({ running: status !== undefined, ...status })
      else process.stdout.write(status === undefined ? 'postern: down\n' : formatStatus(status))
    })
}

function formatStatus(status: GatewayStatus): string {
  const { version, pid, uptimeMs, folder, workers, listeners, queue, generation, admits } = status
  const sessionsAt = (name: string): number =>
    workers.reduce((sum, worker) => {
      const found = worker.status?.listeners.find((listener) => listener.name === name)
      return sum + (found?.sessions ?? 0)
    }, 0)
  const paused = queue.paused.map(({ what, name }) =>
    name === undefined ? 'everything' : `the ${what} ${legible(name)}`,
  )
  return `${[
    `postern: up (pid ${pid}) ${seconds(uptimeMs)} seconds, version ${version}, ${folder}`,
    ...workers.map(workerLine),
    ...listeners.map(
      ({ name, address }) =>
        `listening on ${address} (${name}), ${countOf(sessionsAt(name), 'session')}`,
    ),
    ...(admits ? [] : ['clients are told to come back later: postern cont']),
    `messages in queue: ${queue.messages}`,
    `messages being delivered: ${queue.delivering}`,
    ...(paused.length === 0 ? [] : [`deliveries paused: ${paused.join(', ')}`]),
    `configuration: reading ${generation}`,
    ...reloadLines(status),
    ...troubleLines(status),
  ].join('\n')}\n`
}

function workerLine({ number, state, pid, openMs, status }: WorkerState): string {
  const who = `worker ${number}`
  if (state !== 'open') return `${who}: ${state}${pid === undefined ? '' : ` (pid ${pid})`}`
  const memory =
    status === undefined ? '' : `, ${Math.round(status.residentBytes / 1_048_576)} MB of memory`
  return `${who}: up (pid ${pid}) ${seconds(openMs ?? 0)} seconds${memory}`
}

function reloadLines({ lastReload }: GatewayStatus): readonly string[] {
  if (lastReload === undefined) return []
  const { ok, at, mistakes, needsRestart } = lastReload
  const when = new Date(at).toISOString().slice(0, 19).replace('T', ' ')
  return [
    `last reload: ${when}${ok ? '' : `, kept as it was: ${countOf(mistakes.length, 'mistake')}`}`,
    ...mistakes.map((mistake) => `  ${legible(formatMistake(mistake))}`),
    ...remediesFor(needsRestart).map(([remedy, keys]) => `wants ${remedy}: ${keys}`),
  ]
}

/** What was known may be lost, and mail may wait for it. */
function troubleLines(status: GatewayStatus): readonly string[] {
  const { storeTrouble, logTrouble, setAside = [] } = status
  return [
    ...(storeTrouble === undefined ? [] : [`the store fails: ${legible(storeTrouble)}`]),
    ...(logTrouble === undefined ? [] : [`the log cannot be written: ${legible(logTrouble)}`]),
    ...setAside.map((path) => `damaged, set aside, yours to look at and remove: ${legible(path)}`),
  ]
}

const seconds = (ms: number): number => Math.floor(ms / 1_000)
