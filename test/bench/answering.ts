/** What an operator waits for: `postern why` with 250,000 transactions recorded, and `postern replay`. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { checkout, gatewayFolder, postern } from '../end-to-end/started-gateway.ts'
import { queueId } from '../../src/queue/queue-id.ts'
import { findStories } from '../../src/tools/find-stories.ts'
import { median, timed } from './administered.ts'
import { runLoad, type Generator } from './load.ts'
import { postern as gateway } from './systems.ts'

const aims = { queryMs: 200, commandMs: 500, replayed: 500 }
const scale = Number(process.env['POSTERN_BENCH_SCALE'] ?? 1)
const execute = promisify(execFile)

/** One of each kind of question, about transactions all over the time that was recorded. */
const questions: readonly (readonly [kind: string, of: (n: number) => string])[] = [
  ['a transaction', (n) => `${idOf(n)}.1`],
  ['a queue id', (n) => queueId(n)],
  ['a Message-ID', (n) => `<20260101.${n}.${(n * 7919) % 100_003}@domain${n % 2000}.example>`],
  ['a sender', (n) => `sender${n % 30_000}@domain${n % 2000}.example`],
  ['a recipient', (n) => `user${n % 10_000}@postern.test`],
  ['a client', (n) => `${198 + (n % 2)}.${51 + (n % 40)}.${(n * 7) % 256}.${(n * 13) % 256}`],
  ['a domain', (n) => `domain${n % 2000}.example`],
  ['a network', (n) => `${198 + (n % 2)}.${51 + (n % 40)}.0.0/16`],
  ['everybody', () => 'postern.test'],
  ['nobody', (n) => `nobody${n}@nowhere.test`],
]

function idOf(n: number): string {
  return `0${n.toString(36).padStart(8, '0')}`
}

/** As fill-traces.ts makes them. */
export async function whyFigures(): Promise<readonly string[]> {
  const transactions = Math.ceil(250_000 * scale)
  const disk = mkdtempSync(join(checkout, '.cache/bench-'))
  const folder = await gatewayFolder(`
listeners: [{ name: mx, listen: '127.0.0.1:2525' }]
chain: [{ plugin: rcpthosts }]
plugin_dirs: [../plugins]
spool: { path: '${disk}/spool' }
store: { path: '${disk}/store.db' }
traces: { path: '${disk}/traces.db', keep: 1000000, max_age: 3000d, max_size: 8GB }
`)
  try {
    const fill = join(checkout, 'test/bench/fill-traces.ts')
    const args = [...process.execArgv, fill, `${disk}/traces.db`, String(transactions)]
    await once(spawn(process.execPath, args, { stdio: 'ignore' }), 'close')
    const rows: string[] = []
    for (const [kind, of] of questions) {
      const asked = Array.from({ length: 9 }, (_, at) =>
        of(Math.floor((transactions * (at + 0.5)) / 9)),
      )
      const queries: number[] = []
      const commands: number[] = []
      for (const which of asked) {
        const request = { which, whole: 3, limit: 20 }
        queries.push(await timed(() => findStories(folder.config, request)))
        const line = ['why', which, '--config', folder.config]
        // Of nobody there is no story: exit code 1.
        commands.push(await timed(() => execute(postern, line).catch(() => undefined)))
      }
      const figures = [
        median(queries),
        Math.max(...queries),
        median(commands),
        Math.max(...commands),
      ]
      rows.push(`| ${kind} | ${figures.map((ms) => ms.toFixed(0)).join(' | ')} |`)
    }
    return [
      `### why: ${transactions} transactions, ${transactions * 20} steps; the aim is ${aims.queryMs} ms for the ` +
        `query (its archive opened and closed), ${aims.commandMs} ms for the command`,
      '',
      '| what is asked for | query, ms | the slowest | command, ms | the slowest |',
      '|---|---|---|---|---|',
      ...rows,
      '',
    ]
  } finally {
    await folder.remove()
    rmSync(disk, { recursive: true })
  }
}

/** Mail that came is put to the same configuration, and to one without an entry. */
export async function replayFigures(generator: Generator): Promise<readonly string[]> {
  const messages = Math.ceil(20_000 * scale)
  const running = await gateway('replayed', true, { chain: recordedChain })
  const load = { name: 'keep', sessions: 50, sizeBytes: 4096, messages, keep: true }
  try {
    await runLoad(generator, running.port, load)
    const line = ['replay', '--json', '--config', running.config]
    const { stdout } = await execute(postern, line, { maxBuffer: 1 << 26 })
    const answer: Replayed = JSON.parse(stdout)
    const rate = (answer.transactions * 1000) / answer.durationMs
    return [
      `### replay: the aim is ${aims.replayed} messages/s`,
      '',
      `${answer.transactions} messages, ${answer.same} the same, ${answer.changed} changed, ` +
        `${answer.notReplayable} not replayable: ${rate.toFixed(0)} messages/s`,
      '',
    ]
  } finally {
    await running.stop()
  }
}

interface Replayed {
  readonly transactions: number
  readonly same: number
  readonly changed: number
  readonly notReplayable: number
  readonly durationMs: number
}

/** What asks nobody outside. */
const recordedChain = `  - plugin: badhelo
  - plugin: badmailfrom
  - plugin: relayrej
  - plugin: badrcptto
  - plugin: rate-limit
    options: { client: 999999999/h }
  - plugin: headers
    first: true
    mode: shadow
  - plugin: mime-limits
    first: true
`
