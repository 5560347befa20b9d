/**
 * From the first connection to the last delivery: into a hundred Maildirs at once, one message after the other into a Maildir,
 * and over SMTP to a sink. Beside Postfix, which has a process for each thing that it does at a time; so we stand there with
 * one worker, and with one for each processor.
 * Everybody has a round to come up to speed, then they take turns. The CPU time is that of their own processes alone: it
 * says something where others are at work on the machine, too.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { checkout } from '../end-to-end/started-gateway.ts'
import { workersOf } from '../end-to-end/worker-processes.ts'
import { postfixCannotRun } from '../interop/postfix-server.ts'
import { freePort } from '../setup/free-port.ts'
import { median } from './administered.ts'
import { runLoad, type Generator } from './load.ts'
import { cpuSeconds, sumOf, type RunningSystem } from './started-program.ts'
import { benchedPostfix, postern } from './systems.ts'

const users = 100
/** Of each round. */
const local = Number(process.env['POSTERN_BENCH_MAILDIRS'] ?? 100)
const remote = Number(process.env['POSTERN_BENCH_RELAYED'] ?? 5_000)
const single = Number(process.env['POSTERN_BENCH_SINGLE'] ?? 5_000)
const rounds = Number(process.env['POSTERN_BENCH_ROUNDS'] ?? 3)
/** Who gets those that have one recipient: in each round somebody else, for a full folder is slow to count. */
const alone = Array.from({ length: rounds + 1 }, (_, round) => `alone${round}`)

/** Somebody who takes mail for `relay.test` and for a hundred users of `postern.test`. */
interface Contender extends RunningSystem {
  /** Where the `new` folders of those users lie. */
  readonly newOf: (user: string) => string
}

/** What a round took, by the clock and of the processors. */
interface Taken {
  readonly seconds: number
  readonly cpuSeconds: number
}

interface Measured {
  readonly contender: Contender
  readonly maildirs: Taken[]
  readonly maildir: Taken[]
  readonly relay: Taken[]
}

/** @returns lines to print */
export async function deliveryFigures(generator: Generator): Promise<readonly string[]> {
  const sinkPort = await freePort()
  const sink = spawn(
    process.execPath,
    [join(checkout, 'test/bench/bare-sink.ts'), String(sinkPort), String(remote)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  await once(sink.stdout, 'data')
  const measured: Measured[] = []
  const add = (contender: Contender): void =>
    void measured.push({ contender, maildirs: [], maildir: [], relay: [] })
  try {
    add(await ours('Postern, one worker', { sinkPort, workers: 1 }))
    add(await ours('Postern, workers: auto', { sinkPort, workers: 'auto' }))
    if (!postfixCannotRun()) add(await theirs(sinkPort))
    for (let round = 0; round <= rounds; round++) {
      for (const { contender, maildirs, maildir, relay } of measured) {
        const work = { contender, round, sink }
        const intoMaildirs = await taken(contender, () => fillMaildirs(generator, work))
        const intoOne = await taken(contender, () => fillMaildir(generator, work))
        const relayed = await taken(contender, () => relayAll(generator, work))
        if (round === 0) continue
        maildirs.push(intoMaildirs)
        maildir.push(intoOne)
        relay.push(relayed)
      }
    }
    return table(measured)
  } finally {
    for (const { contender } of measured) await contender.stop()
    sink.kill()
  }
}

function table(measured: readonly Measured[]): readonly string[] {
  const rows = measured.map(({ contender, maildirs, maildir, relay }) => ({
    name: contender.name,
    here: figuresOf(maildirs, local * users),
    each: figuresOf(maildir, single),
    there: figuresOf(relay, remote),
  }))
  const theirs = postfixCannotRun() ? undefined : rows.at(-1)
  const beside = (own: number, other: number | undefined): string =>
    other === undefined
      ? `${Math.round(own)}`
      : `${Math.round(own)} (${(own / other).toFixed(2)} ×)`
  return [
    `### until everything is delivered, messages of 4 KB, ${rounds} rounds; aim: three times Postfix`,
    '',
    `| | deliveries/s into ${users} Maildirs | CPU, µs | messages/s into one | CPU, µs | messages/s to a sink over SMTP | CPU, µs |`,
    '|---|---|---|---|---|---|---|',
    ...rows.map(({ name, here, each, there }) => {
      const cells = [
        [here, theirs?.here],
        [each, theirs?.each],
        [there, theirs?.there],
      ] as const
      const written = cells.map(
        ([own, other]) => `${beside(own.rate, other?.rate)} | ${Math.round(own.cpuUs)}`,
      )
      return `| ${name} | ${written.join(' | ')} |`
    }),
    '',
  ]
}

/** Of one delivery, by the medians of the rounds. */
function figuresOf(
  taken: readonly Taken[],
  deliveries: number,
): { readonly rate: number; readonly cpuUs: number } {
  const rate = deliveries / median(taken.map(({ seconds }) => seconds))
  const cpuUs = (median(taken.map(({ cpuSeconds }) => cpuSeconds)) / deliveries) * 1e6
  return { rate, cpuUs }
}

async function ours(
  name: string,
  { sinkPort, workers }: { readonly sinkPort: number; readonly workers: 1 | 'auto' },
): Promise<Contender> {
  const gateway = await postern(name, false, {
    workers,
    control: {
      smtproutes: `relay.test:127.0.0.1:${sinkPort}\n`,
      rcpthosts: 'postern.test\nrelay.test\n',
    },
  })
  return { ...gateway, newOf: (user) => join(gateway.maildirs, 'postern.test', user, 'new') }
}

async function theirs(sinkPort: number): Promise<Contender> {
  const port = await freePort()
  const boxes = [...names(), ...alone].map((user) => `{ ${user}@postern.test = ${user}/ }`)
  const ports = { full: port, plain: await freePort(), gateway: port }
  const postfix = await benchedPostfix(ports, [
    'virtual_mailbox_domains = postern.test',
    `virtual_mailbox_maps = inline:{ ${boxes.join(' ')} }`,
    `transport_maps = inline:{ relay.test=smtp:[127.0.0.1]:${sinkPort} }`,
    'smtp_tls_security_level = none',
  ])
  return {
    name: 'Postfix',
    port,
    newOf: (user) => join(postfix.maildirs, user, 'new'),
    cpuSeconds: () => sumOf([postfix.pid, ...workersOf(postfix.pid)], cpuSeconds),
    stop: () => postfix.stop(),
  }
}

/** As smtp-source counts them: the last one has no number. */
function names(): readonly string[] {
  return Array.from({ length: users }, (_, at) => (at === 0 ? 'bench' : `${at + 1}bench`))
}

async function taken(contender: Contender, work: () => Promise<void>): Promise<Taken> {
  const cpuBefore = contender.cpuSeconds()
  const before = performance.now()
  await work()
  const seconds = (performance.now() - before) / 1000
  return { seconds, cpuSeconds: contender.cpuSeconds() - cpuBefore }
}

const shape = { sessions: 20, sizeBytes: 4096, keep: true } as const

interface Round {
  readonly contender: Contender
  /** From 0. */
  readonly round: number
  readonly sink: ChildProcess
}

async function fillMaildirs(generator: Generator, { contender, round }: Round): Promise<void> {
  const { port, newOf } = contender
  const to = { to: 'bench@postern.test', recipients: users }
  await runLoad(generator, port, { name: 'Maildirs', messages: local, ...shape, ...to })
  const all = local * (round + 1)
  // One folder at a time: reading all of them again and again would cost whoever is measured a part of a processor.
  for (const user of names()) await untilThere(generator, newOf(user), all)
}

async function fillMaildir(generator: Generator, { contender, round }: Round): Promise<void> {
  const { port, newOf } = contender
  const user = alone[round] ?? ''
  const to = `${user}@postern.test`
  await runLoad(generator, port, { name: 'Maildir', messages: single, ...shape, to })
  await untilThere(generator, newOf(user), single)
}

async function untilThere({ signal }: Generator, folder: string, all: number): Promise<void> {
  while (filesIn(folder) < all) {
    signal.throwIfAborted()
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function filesIn(folder: string): number {
  try {
    return readdirSync(folder).length
  } catch {
    // Nobody has had mail there yet.
    return 0
  }
}

async function relayAll(generator: Generator, { contender, sink }: Round): Promise<void> {
  const { port } = contender
  const all = once(sink.stdout ?? sink, 'data', { signal: generator.signal })
  await runLoad(generator, port, { name: 'relay', messages: remote, ...shape, to: 'x@relay.test' })
  await all
}
