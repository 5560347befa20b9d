/** What a full queue costs: at the start, in memory, and while mail comes in. The same gateway with nothing queued stands beside it. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { checkout } from '../end-to-end/started-gateway.ts'
import { runLoad, type Generator, type Load } from './load.ts'
import { postern } from './systems.ts'

const queued = Number(process.env['POSTERN_BENCH_QUEUED'] ?? 200_000)
const rounds = 5
const load: Load = {
  name: 'keep',
  sessions: 50,
  sizeBytes: 4096,
  messages: Number(process.env['POSTERN_BENCH_MESSAGES'] ?? 20_000),
  keep: true,
}

/** @returns lines to print: what the figures of the plan are held against, and what they are */
export async function fullQueue(generator: Generator): Promise<readonly string[]> {
  const empty = await postern('empty', true)
  const full = await postern('full', true, { queued })
  try {
    const perMessage = (full.residentBytes() - empty.residentBytes()) / queued
    for (const { port } of [empty, full]) await runLoad(generator, port, load)
    const rates: { readonly empty: number[]; readonly full: number[] } = { empty: [], full: [] }
    const cpu: { readonly empty: number[]; readonly full: number[] } = { empty: [], full: [] }
    for (let round = 0; round < rounds; round++) {
      for (const [which, system] of [
        ['empty', empty],
        ['full', full],
      ] as const) {
        const before = system.cpuSeconds()
        rates[which].push(load.messages / (await runLoad(generator, system.port, load)))
        cpu[which].push(((system.cpuSeconds() - before) * 1e6) / load.messages)
      }
    }
    const speed = median(rates.full) / median(rates.empty)
    return [
      `### a queue of ${queued}`,
      '',
      '| | empty | full | |',
      '|---|---|---|---|',
      `| start until it listens, ms | ${Math.round(empty.startMs)} | ${Math.round(full.startMs)} | aim: below 3,000 |`,
      `| resident memory for each queued message, bytes | – | ${Math.round(perMessage)} | aim: below 1,024 |`,
      `| heap for an index entry, bytes: never tried, deferred | – | ${indexBytes()} | aim: below 500 |`,
      `| messages/s, keep | ${Math.round(median(rates.empty))} | ${Math.round(median(rates.full))} | ${speed.toFixed(2)} of empty; aim: 0.90 |`,
      `| server CPU µs/message | ${Math.round(median(cpu.empty))} | ${Math.round(median(cpu.full))} | |`,
      '',
    ]
  } finally {
    await empty.stop()
    await full.stop()
  }
}

/** Measured in a process of its own, with nothing else in its heap. */
function indexBytes(): string {
  const script = join(checkout, 'test/bench/index-memory.ts')
  const args = [...process.execArgv, '--expose-gc', script, String(Math.max(queued, 50_000))]
  const cost: { readonly fresh: number; readonly deferred: number } = JSON.parse(
    execFileSync(process.execPath, args, { encoding: 'utf8' }),
  )
  return `${Math.round(cost.fresh)}, ${Math.round(cost.deferred)}`
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
