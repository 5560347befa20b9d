/**
 * How fast each system takes mail, as ratios to a sink that does nothing. What a slow one is given is as much as it can take
 * in some seconds, so that nobody keeps the others waiting; where the time is over, the rounds done so far count.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { runLoad, type Generator, type Load } from './load.ts'
import type { RunningSystem } from './started-program.ts'
import { systems } from './systems.ts'

export interface ThroughputOptions {
  readonly rounds: number
  /** For a first look: 0.05. */
  readonly scale: number
  /** Milliseconds; no round begins after them. */
  readonly budgetMs: number
  /** Lines as they come. */
  readonly say: (line: string) => void
}

/** At most so long each load may keep one system busy. */
const loadSeconds = 8
/** Before anything counts: compilers, caches and segments are as they are after a minute of work, not as at the start. */
const warmUpSeconds = 15

/** What a system has left to do after a load would cost the next one: it is waited for, at most so long. */
const settleSeconds = 60
const settleLookMs = 250
/** Of one processor. */
const atRest = 0.05

interface Measured {
  readonly system: RunningSystem
  /** Messages a second, as it came out of the warm-up. */
  readonly pace: number
  readonly rates: number[]
  readonly cpu: number[]
}

/** Everybody stands beside everybody else. */
export async function throughput(generator: Generator, options: ThroughputOptions): Promise<void> {
  const { scale, budgetMs } = options
  const scaled = (messages: number): number => Math.ceil(messages * scale)
  const shape = { sessions: 50, sizeBytes: 4096 }
  const loads: readonly Load[] = [
    { ...shape, name: 'conn', messages: scaled(10_000), keep: false },
    { ...shape, name: 'keep', messages: scaled(20_000), keep: true },
  ]
  const start = performance.now()
  const running: RunningSystem[] = []
  try {
    for (const system of systems) running.push(await system())
    for (const [at, load] of loads.entries()) {
      // What is left is the loads' in equal parts.
      const left = budgetMs - (performance.now() - start)
      const until = performance.now() + left / (loads.length - at)
      const measured: Measured[] = []
      for (const system of running) {
        const messages = scaled(60_000)
        const pace = await warmUp(generator, system, { load: { ...load, messages }, scale })
        measured.push({ system, pace, rates: [], cpu: [] })
      }
      await measure(generator, { load, measured, rounds: options.rounds, until })
      print(load, measured, options.say)
    }
  } finally {
    for (const system of running) await system.stop()
  }
}

/**
 * By the load that is measured next, for another takes other ways through a program: in slices, until all is sent or the
 * time is over. @returns messages a second in the last of them
 */
async function warmUp(
  generator: Generator,
  system: RunningSystem,
  { load, scale }: { readonly load: Load; readonly scale: number },
): Promise<number> {
  const { messages } = load
  const slice = Math.ceil(Math.min(5_000, messages))
  const until = performance.now() + warmUpSeconds * 1000 * Math.min(1, scale * 4)
  let pace = 0
  for (let sent = 0; sent < messages && (sent === 0 || performance.now() < until); sent += slice) {
    pace = slice / (await runLoad(generator, system.port, { ...load, messages: slice }))
  }
  await settle(system)
  return pace
}

/** Until it has nothing more to deliver, compile or give back. */
async function settle(system: RunningSystem): Promise<void> {
  const until = performance.now() + settleSeconds * 1000
  let before = system.cpuSeconds()
  do {
    await pause(settleLookMs)
    const now = system.cpuSeconds()
    if (now - before < (atRest * settleLookMs) / 1000) return
    before = now
  } while (performance.now() < until)
}

interface Rounds {
  readonly load: Load
  readonly measured: readonly Measured[]
  readonly rounds: number
  /** By the monotonic clock; the first round is made in any case. */
  readonly until: number
}

async function measure(
  generator: Generator,
  { load, measured, rounds, until }: Rounds,
): Promise<void> {
  for (let round = 0; round < rounds && (round === 0 || performance.now() < until); round++) {
    for (const { system, pace, rates, cpu } of measured) {
      const messages = Math.max(200, Math.min(load.messages, Math.ceil(pace * loadSeconds)))
      const before = system.cpuSeconds()
      const seconds = await runLoad(generator, system.port, { ...load, messages })
      rates.push(messages / seconds)
      cpu.push(((system.cpuSeconds() - before) * 1e6) / messages)
      await settle(system)
    }
  }
}

function print(load: Load, measured: readonly Measured[], say: (line: string) => void): void {
  const manner = load.keep ? 'many messages' : 'one message'
  say(
    `### ${load.name}: ${load.sessions} sessions, ${load.sizeBytes} bytes, ${manner} per connection, medians of ${measured[0]?.rates.length ?? 0}`,
  )
  say('')
  say('| system | messages/s | of the do-nothing sink | server CPU µs/message |')
  say('|---|---|---|---|')
  const sink = median(measured[0]?.rates ?? [])
  for (const { system, rates, cpu } of measured) {
    const rate = median(rates)
    const spread = `${Math.round(Math.min(...rates))}–${Math.round(Math.max(...rates))}`
    say(
      `| ${system.name} | ${Math.round(rate)} (${spread}) | ${(rate / sink).toFixed(2)} | ${Math.round(median(cpu))} |`,
    )
  }
  say('')
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
