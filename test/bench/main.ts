/**
 * `npm run bench`: how fast mail is taken, as ratios within one run. Everybody gets the same load from the same generator
 * (Postfix's smtp-source), in turn, several times; the median counts. Absolute figures differ from machine to machine:
 * they are printed for the eye, together with what the disk needs for one fdatasync, and never judged.
 * `npm run bench -- sessions queue` runs these parts only. Each has its time: what is not done by then is given up, its
 * programs are stopped, and the next part begins. README.md says what each part is, and how long it may take.
 */
import { arch, cpus, totalmem } from 'node:os'
import { postfixTool } from '../setup/components.ts'
import { replayFigures, whyFigures } from './answering.ts'
import { chainCost } from './chain-cost.ts'
import { contentFigures } from './content.ts'
import { datasyncMs } from './datasync.ts'
import { deliveryFigures } from './delivery.ts'
import { fullQueue } from './full-queue.ts'
import { latencyFigures } from './latency.ts'
import type { Generator } from './load.ts'
import { receiverCost } from './receiver-cost.ts'
import { routingFigures } from './routing-cost.ts'
import { sessionFigures } from './sessions.ts'
import { toldCost } from './told-cost.ts'
import { throughput } from './throughput.ts'
import { watchedCost } from './watched-cost.ts'

const rounds = Number(process.env['POSTERN_BENCH_ROUNDS'] ?? 3)
/** For a first look: POSTERN_BENCH_SCALE=0.05. */
const scale = Number(process.env['POSTERN_BENCH_SCALE'] ?? 1)
/** Of the time that each part has: POSTERN_BENCH_PATIENCE=2 for a slow machine. */
const patience = Number(process.env['POSTERN_BENCH_PATIENCE'] ?? 1)

interface Part {
  /** Seconds that it may take. */
  readonly seconds: number
  readonly run: (generator: Generator, budgetMs: number) => Promise<readonly string[]>
}

const say = (line: string): void => void process.stdout.write(`${line}\n`)

const parts: Readonly<Record<string, Part>> = {
  throughput: {
    seconds: 900,
    async run(generator, budgetMs) {
      // The last round that begins in time needs some, too.
      await throughput(generator, { rounds, scale, say, budgetMs: budgetMs * 0.7 })
      return []
    },
  },
  receiver: { seconds: 180, run: receiverCost },
  chain: { seconds: 300, run: chainCost },
  sessions: { seconds: 180, run: sessionFigures },
  latency: { seconds: 90, run: latencyFigures },
  delivery: { seconds: 300, run: deliveryFigures },
  queue: { seconds: 300, run: fullQueue },
  routing: { seconds: 120, run: routingFigures },
  content: { seconds: 300, run: contentFigures },
  pages: { seconds: 300, run: pageFigures },
  watched: { seconds: 180, run: watchedCost },
  told: { seconds: 180, run: toldCost },
  why: { seconds: 240, run: whyFigures },
  replay: { seconds: 120, run: replayFigures },
}

const tool = postfixTool('smtp-source')
if (tool === undefined) {
  process.stderr.write(
    'The generator, Postfix’s smtp-source, is not there: run npm test once, it fetches it.\n',
  )
  process.exit(1)
}
const chosen = process.argv.slice(2)
const unknown = chosen.filter((name) => !(name in parts))
if (unknown.length > 0) {
  process.stderr.write(
    `There is no part ${unknown.join(', ')}: ${Object.keys(parts).join(', ')}.\n`,
  )
  process.exit(1)
}

say(
  `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, ${arch()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`,
)
say(`one fdatasync of 4 KB: ${datasyncMs().toFixed(2)} ms (median)`)
say('')

/** Written for a browser: compiled with its types, apart from this. */
async function pageFigures(): Promise<readonly string[]> {
  const path = new URL('../pages/page-figures.ts', import.meta.url).href
  const part: { pageFigures(): Promise<readonly string[]> } = await import(path)
  return part.pageFigures()
}

for (const [name, { seconds, run }] of Object.entries(parts)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue
  const budgetMs = seconds * patience * 1000
  const before = performance.now()
  const took = (): string => `${Math.round((performance.now() - before) / 1000)} s`
  const signal = AbortSignal.timeout(budgetMs)
  try {
    for (const line of await run({ ...tool, signal }, budgetMs)) say(line)
    say(`(${name}: ${took()})\n`)
  } catch (error) {
    const why = signal.aborted ? 'its time is over' : String(error)
    say(`(${name}: given up after ${took()}: ${why})\n`)
    process.exitCode = 1
  }
}
