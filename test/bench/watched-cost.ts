/** The rate at which mail is taken while somebody has the page Now open, and while nobody has. */
import { administered, asker, cpuMs, median, type Administered } from './administered.ts'
import { runLoad, type Generator } from './load.ts'

const aimShare = 0.03

interface Run {
  readonly rate: number
  /** CPU time, µs a message: of all processes, and of the administration alone. */
  readonly all: number
  readonly administration: number
}

/**
 * A run with the page open beside each without, in turn: the machine changes more from minute to minute than the page costs.
 * Where others want the processors, too, CPU time says more than the rate.
 */
export async function watchedCost(generator: Generator): Promise<readonly string[]> {
  const rounds = Number(process.env['POSTERN_BENCH_ROUNDS'] ?? 5)
  const messages = Math.ceil(Number(process.env['POSTERN_BENCH_SCALE'] ?? 1) * 20_000)
  const load = { name: 'keep', sessions: 50, sizeBytes: 4096, messages, keep: true }
  const bench = await administered(0)
  const runs = { watched: [] as Run[], alone: [] as Run[] }
  const allMs = (): number => bench.pids.reduce((sum, pid) => sum + cpuMs(pid), 0)
  try {
    await runLoad(generator, bench.port, load)
    for (let round = 0; round < rounds; round++) {
      for (const who of round % 2 === 0
        ? (['alone', 'watched'] as const)
        : (['watched', 'alone'] as const)) {
        const close = who === 'watched' ? await watch(bench) : () => undefined
        const before = { all: allMs(), administration: cpuMs(bench.pid) }
        const seconds = await runLoad(generator, bench.port, load)
        const perMessage = (ms: number): number => (ms * 1000) / messages
        runs[who].push({
          rate: messages / seconds,
          all: perMessage(allMs() - before.all),
          administration: perMessage(cpuMs(bench.pid) - before.administration),
        })
        close()
      }
    }
  } finally {
    await bench.stop()
  }
  const of = (who: keyof typeof runs, what: keyof Run): number =>
    median(runs[who].map((run) => run[what]))
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
  return [
    `### watched: the page Now is open; the aim is less than ${aimShare * 100} % of the rate`,
    '',
    '| | messages/s | CPU, µs/message | of it the administration |',
    '|---|---|---|---|',
    ...(['alone', 'watched'] as const).map((who) => {
      const cpu = [of(who, 'all').toFixed(0), of(who, 'administration').toFixed(1)]
      return `| ${who} | ${of(who, 'rate').toFixed(0)} | ${cpu.join(' | ')} |`
    }),
    '',
    `costs ${percent(1 - of('watched', 'rate') / of('alone', 'rate'))} of the rate, and ` +
      `${percent(of('watched', 'all') / of('alone', 'all') - 1)} more CPU time`,
    '',
  ]
}

/** As the page Now does: the sums once, then the stream. */
async function watch(bench: Administered): Promise<() => void> {
  await asker(bench)('/now')
  const gone = new AbortController()
  const { cookie } = bench
  const stream = await fetch(`${bench.origin}/api/v1/events`, {
    headers: { cookie },
    signal: gone.signal,
  })
  void stream.body?.pipeTo(new WritableStream({ write: () => undefined })).catch(() => undefined)
  return () => gone.abort()
}
