/** What logs and traces cost of the rate at which mail is taken. */
import { median } from './administered.ts'
import { runLoad, type Generator } from './load.ts'
import { postern, type RunningPostern } from './systems.ts'

const aimShare = 0.1
/** Loads before anything counts: compilers have settled after some tens of thousands of messages. */
const warmUpLoads = 3
const withoutTraces = new URL('./without-traces.ts', import.meta.url).href

interface Run {
  readonly rate: number
  /** CPU time, µs a message. */
  readonly cpu: number
}

/** Two gateways, one that logs and records, one that does neither, in turn: the machine changes from minute to minute. */
export async function toldCost(generator: Generator): Promise<readonly string[]> {
  const rounds = Number(process.env['POSTERN_BENCH_ROUNDS'] ?? 5)
  const messages = Math.ceil(Number(process.env['POSTERN_BENCH_SCALE'] ?? 1) * 20_000)
  const load = { name: 'keep', sessions: 50, sizeBytes: 4096, messages, keep: true }
  const hooks = `${process.env['NODE_OPTIONS'] ?? ''} --import=${withoutTraces}`.trim()
  // The rate that aims speak of is that of the sample chain.
  const isSample = true
  const telling = await postern('logs and records', true, { isSample })
  const silent = await postern('neither', true, {
    isSample,
    logLevel: 'error',
    env: { NODE_OPTIONS: hooks },
  })
  const both = [telling, silent]
  const runs = new Map<RunningPostern, Run[]>(both.map((each) => [each, []]))
  try {
    for (let warmUp = 0; warmUp < warmUpLoads; warmUp++) {
      for (const each of both) await runLoad(generator, each.port, load)
    }
    for (let round = 0; round < rounds; round++) {
      for (const each of round % 2 === 0 ? both : both.toReversed()) {
        const before = each.cpuSeconds()
        const seconds = await runLoad(generator, each.port, load)
        const cpu = ((each.cpuSeconds() - before) * 1e6) / messages
        runs.get(each)?.push({ rate: messages / seconds, cpu })
      }
    }
  } finally {
    for (const each of both) await each.stop()
  }
  const of = (each: RunningPostern, what: keyof Run): number =>
    median((runs.get(each) ?? []).map((run) => run[what]))
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
  return [
    `### told: logs and traces; the aim is less than ${aimShare * 100} % of the rate`,
    '',
    '| | messages/s | CPU, µs/message |',
    '|---|---|---|',
    ...both.map(
      (each) => `| ${each.name} | ${of(each, 'rate').toFixed(0)} | ${of(each, 'cpu').toFixed(0)} |`,
    ),
    '',
    `costs ${percent(1 - of(telling, 'rate') / of(silent, 'rate'))} of the rate, and ` +
      `${percent(of(telling, 'cpu') / of(silent, 'cpu') - 1)} more CPU time`,
    '',
  ]
}
