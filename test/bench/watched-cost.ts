/** The rate at which mail is taken while somebody has the page Now open, and while nobody has. */
import { administered, asker, cpuMs, median, type Administered } from './administered.ts'
import { runLoad, type Generator } from './load.ts'

const aimShare = 0.03

/** A run with the page open beside each without, in turn: the machine changes more from minute to minute than the page costs. */
export async function watchedCost(generator: Generator): Promise<readonly string[]> {
  const rounds = Number(process.env['POSTERN_BENCH_ROUNDS'] ?? 5)
  const messages = Math.ceil(Number(process.env['POSTERN_BENCH_SCALE'] ?? 1) * 10_000)
  const load = { name: 'keep', sessions: 50, sizeBytes: 4096, messages, keep: true }
  const bench = await administered(0)
  const rates = { watched: [] as number[], alone: [] as number[] }
  const cpu = { watched: 0, alone: 0 }
  const share = { watched: 0, alone: 0 }
  try {
    await runLoad(generator, bench.port, load)
    for (let round = 0; round < rounds; round++) {
      for (const who of round % 2 === 0
        ? (['alone', 'watched'] as const)
        : (['watched', 'alone'] as const)) {
        const close = who === 'watched' ? await watch(bench) : () => undefined
        const before = cpuMs(bench.pid)
        const seconds = await runLoad(generator, bench.port, load)
        const spentMs = cpuMs(bench.pid) - before
        rates[who].push(messages / seconds)
        cpu[who] += spentMs / (rounds * messages)
        share[who] += spentMs / 1000 / seconds / rounds
        close()
      }
    }
  } finally {
    await bench.stop()
  }
  const cost = 1 - median(rates.watched) / median(rates.alone)
  return [
    `### watched: the page Now is open; the aim is less than ${aimShare * 100} % of the rate`,
    '',
    '| | messages/s | CPU of the administration, µs/message | % of a processor |',
    '|---|---|---|---|',
    ...(['alone', 'watched'] as const).map((who) => {
      const cells = [median(rates[who]).toFixed(0), (cpu[who] * 1000).toFixed(1)]
      return `| ${who} | ${cells.join(' | ')} | ${(share[who] * 100).toFixed(1)} |`
    }),
    '',
    `costs ${(cost * 100).toFixed(1)} % of the rate`,
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
