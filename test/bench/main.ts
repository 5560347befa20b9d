/**
 * `npm run bench`: how fast mail is taken, as ratios within one run. Everybody gets the same load from the same generator
 * (Postfix's smtp-source), in turn, several times; the median counts. Absolute figures differ from machine to machine:
 * they are printed for the eye, together with what the disk needs for one fdatasync, and never judged.
 * `npm run bench -- sessions queue` runs these parts only: throughput, receiver, chain, sessions,
 * latency, delivery, queue, content, pages, watched.
 */
import { arch, cpus, totalmem } from 'node:os'
import { postfixTool } from '../setup/components.ts'
import { chainCost } from './chain-cost.ts'
import { contentFigures } from './content.ts'
import { datasyncMs } from './datasync.ts'
import { deliveryFigures } from './delivery.ts'
import { fullQueue } from './full-queue.ts'
import { watchedCost } from './watched-cost.ts'
import { latencyFigures } from './latency.ts'
import { runLoad, type Load } from './load.ts'
import { receiverCost } from './receiver-cost.ts'
import { sessionFigures } from './sessions.ts'
import { systems, type RunningSystem } from './systems.ts'

const rounds = Number(process.env['POSTERN_BENCH_ROUNDS'] ?? 3)
/** For a first look: POSTERN_BENCH_SCALE=0.05. */
const scale = Number(process.env['POSTERN_BENCH_SCALE'] ?? 1)
const scaled = (messages: number): number => Math.ceil(messages * scale)
/** Before anything counts: compilers, caches and segments are as they are after a minute of work, not as at the start. */
const warmUp: Load = {
  name: 'warm-up',
  sessions: 50,
  sizeBytes: 4096,
  messages: scaled(60_000),
  keep: true,
}
const loads: readonly Load[] = [
  { name: 'conn', sessions: 50, sizeBytes: 4096, messages: scaled(10_000), keep: false },
  { name: 'keep', sessions: 50, sizeBytes: 4096, messages: scaled(20_000), keep: true },
]

const say = (line: string): void => void process.stdout.write(`${line}\n`)

const generator = postfixTool('smtp-source')
if (generator === undefined) {
  process.stderr.write(
    'The generator, Postfix’s smtp-source, is not there: run npm test once, it fetches it.\n',
  )
  process.exit(1)
}

say(
  `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, ${arch()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`,
)
say(`one fdatasync of 4 KB: ${datasyncMs().toFixed(2)} ms (median)`)
say('')

const running: RunningSystem[] = []
const parts: Readonly<Record<string, () => Promise<readonly string[]>>> = {
  throughput: compareAll,
  receiver: () => receiverCost(generator),
  chain: () => chainCost(generator),
  sessions: sessionFigures,
  latency: latencyFigures,
  delivery: () => deliveryFigures(generator),
  queue: () => fullQueue(generator),
  pages: pageFigures,
  watched: () => watchedCost(generator),
  content: contentFigures,
}

const chosen = process.argv.slice(2)
const unknown = chosen.filter((name) => !(name in parts))
if (unknown.length > 0) {
  process.stderr.write(
    `There is no part ${unknown.join(', ')}: ${Object.keys(parts).join(', ')}.\n`,
  )
  process.exit(1)
}
for (const [name, part] of Object.entries(parts)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue
  for (const line of await part()) say(line)
}

/** Written for a browser: compiled with its types, apart from this. */
async function pageFigures(): Promise<readonly string[]> {
  const path = new URL('../pages/page-figures.ts', import.meta.url).href
  const part: { pageFigures(): Promise<readonly string[]> } = await import(path)
  return part.pageFigures()
}

/** Everybody stands beside everybody else; what comes of it is printed as it comes. */
async function compareAll(): Promise<readonly string[]> {
  try {
    for (const system of systems) running.push(await system())
    for (const { port } of running) await runLoad(generator!, port, warmUp)
    for (const load of loads) await compare(load)
  } finally {
    for (const system of running) await system.stop()
  }
  return []
}

/** Runs one load against everybody in turn, `rounds` times, and prints the medians. */
async function compare(load: Load): Promise<void> {
  const results = new Map(
    running.map((system) => [system, { rates: [] as number[], cpu: [] as number[] }]),
  )
  for (let round = 0; round < rounds; round++) {
    for (const [system, { rates, cpu }] of results) {
      const { messages } = load
      const before = system.cpuSeconds()
      const seconds = await runLoad(generator!, system.port, load)
      rates.push(messages / seconds)
      cpu.push(((system.cpuSeconds() - before) * 1e6) / messages)
    }
  }
  say(
    `### ${load.name}: ${load.sessions} sessions, ${load.sizeBytes} bytes, ${load.keep ? 'many messages' : 'one message'} per connection`,
  )
  say('')
  say('| system | messages/s | of the do-nothing sink | server CPU µs/message |')
  say('|---|---|---|---|')
  const sink = median(results.get(running[0]!)?.rates ?? [])
  for (const [system, { rates, cpu }] of results) {
    const rate = median(rates)
    const spread = `${Math.round(Math.min(...rates))}–${Math.round(Math.max(...rates))}`
    say(
      `| ${system.name} | ${Math.round(rate)} (${spread}) | ${(rate / sink).toFixed(2)} | ${Math.round(median(cpu))} |`,
    )
  }
  say('')
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
