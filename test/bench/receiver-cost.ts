/** What the receiver costs for each message, as a multiple of the least that Node can do. */
import { runLoad, type Generator, type Load } from './load.ts'
import type { RunningSystem } from './started-program.ts'
import { bareSink, receiverSink } from './systems.ts'

const rounds = Number(process.env['POSTERN_BENCH_ROUNDS'] ?? 3)
const messages = Number(process.env['POSTERN_BENCH_MESSAGES'] ?? 20_000)
const loads: readonly Load[] = [
  { name: 'one message per connection', sessions: 50, sizeBytes: 4096, messages, keep: false },
  { name: 'many', sessions: 50, sizeBytes: 4096, messages, keep: true },
]

/** @returns lines to print */
export async function receiverCost(generator: Generator): Promise<readonly string[]> {
  const bare = await bareSink()
  const receiver = await receiverSink()
  try {
    const lines = ['### the receiver alone, CPU µs for a message of 4 KB', '']
    lines.push('| | bare sink | receiver | |', '|---|---|---|---|')
    for (const load of loads) {
      for (const { port } of [bare, receiver]) await runLoad(generator, port, load)
      const costs = { bare: [] as number[], receiver: [] as number[] }
      for (let round = 0; round < rounds; round++) {
        costs.bare.push(await costOf(bare, { generator, load }))
        costs.receiver.push(await costOf(receiver, { generator, load }))
      }
      const [least, ours] = [median(costs.bare), median(costs.receiver)]
      lines.push(
        `| ${load.name} | ${Math.round(least)} | ${Math.round(ours)} | ${(ours / least).toFixed(2)}; aim: at most 2 |`,
      )
    }
    return [...lines, '']
  } finally {
    await bare.stop()
    await receiver.stop()
  }
}

async function costOf(
  system: RunningSystem,
  { generator, load }: { readonly generator: Generator; readonly load: Load },
): Promise<number> {
  const before = system.cpuSeconds()
  await runLoad(generator, system.port, load)
  return ((system.cpuSeconds() - before) * 1e6) / load.messages
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
