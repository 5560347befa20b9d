/** What the whole envelope chain costs for each message above the bare receiver, and whether a million entries change that. */
import { rmSync } from 'node:fs'
import { chainData } from './chain-data.ts'
import { runLoad, type Generator, type Load } from './load.ts'
import { paceOf } from './pace.ts'
import type { RunningSystem } from './started-program.ts'
import { bareSink, chainSink, receiverSink } from './systems.ts'

const rounds = Number(process.env['POSTERN_BENCH_ROUNDS'] ?? 3)
const messages = Number(process.env['POSTERN_BENCH_MESSAGES'] ?? 20_000)
/** In the cdb and in the greylist. */
const entries = Number(process.env['POSTERN_BENCH_ENTRIES'] ?? 1_000_000)
const load: Load = { name: 'many', sessions: 50, sizeBytes: 4096, messages, keep: true }

/** @returns lines to print */
export async function chainCost(generator: Generator): Promise<readonly string[]> {
  const folders = [await chainData(1000), await chainData(entries)]
  const running: RunningSystem[] = []
  try {
    const [sink, receiver] = [await bareSink(), await receiverSink()]
    running.push(sink, receiver)
    const [few, full] = [await chainSink(folders[0]!), await chainSink(folders[1]!)]
    running.push(few, full)
    const costs = new Map(running.map((system) => [system, [] as number[]]))
    for (const { port } of running) await runLoad(generator, port, load)
    for (let round = 0; round < rounds; round++) {
      for (const [system, cost] of costs) {
        const before = system.cpuSeconds()
        await runLoad(generator, system.port, load)
        cost.push(((system.cpuSeconds() - before) * 1e6) / messages)
      }
    }
    const of = (system: RunningSystem): number => median(costs.get(system) ?? [])
    const above = of(few) - of(receiver)
    const { slowness, words } = paceOf(of(sink))
    const grown = (full.residentBytes() - few.residentBytes()) / 2 ** 20
    return [
      '### the whole envelope chain on local data, CPU µs for a message of 4 KB, many messages per connection',
      '',
      '| | | |',
      '|---|---|---|',
      `| the receiver alone | ${Math.round(of(receiver))} | |`,
      `| with the chain | ${Math.round(of(few))} | ${Math.round(above)} above, ${Math.round(above / slowness)} there; aim: at most 150 |`,
      `| with ${entries} recipients and as many greylist keys | ${Math.round(of(full))} | ${grown.toFixed(0)} MB more in memory; aim: at most 50 |`,
      '',
      words,
      '',
    ]
  } finally {
    for (const system of running) await system.stop()
    for (const folder of folders) rmSync(folder, { recursive: true })
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
