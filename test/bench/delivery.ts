/** From the first connection to the last delivery: into a hundred Maildirs, and over SMTP to a sink. Beside Postfix. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { checkout } from '../end-to-end/started-gateway.ts'
import { postfixCannotRun, startPostfix } from '../interop/postfix-server.ts'
import { freePort } from '../setup/free-port.ts'
import { runLoad, type Generator } from './load.ts'
import { postern } from './systems.ts'

const users = 100
const local = Number(process.env['POSTERN_BENCH_MAILDIRS'] ?? 200)
const remote = Number(process.env['POSTERN_BENCH_RELAYED'] ?? 10_000)
/** Somebody who takes mail for `relay.test` and for a hundred users of `postern.test`. */
interface Contender {
  readonly name: string
  readonly port: number
  /** Where the `new` folders of those users lie. */
  readonly newOf: (user: string) => string
  stop(): Promise<void>
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
  const contenders: Contender[] = []
  try {
    contenders.push(await ours(sinkPort))
    if (!postfixCannotRun()) contenders.push(await theirs(sinkPort))
    const rows: (readonly [name: string, local: number, remote: number])[] = []
    for (const contender of contenders) {
      const intoMaildirs = await seconds(() => fillMaildirs(generator, contender))
      const relayed = await seconds(() => relayAll(generator, { contender, sink }))
      rows.push([contender.name, (local * users) / intoMaildirs, remote / relayed])
    }
    const [, other] = rows
    return [
      '### until everything is delivered, messages of 4 KB; aim: three times Postfix',
      '',
      `| | deliveries/s into ${users} Maildirs | messages/s to a sink over SMTP |`,
      '|---|---|---|',
      ...rows.map(([name, here, there]) => {
        const times = (ours: number, theirs: number | undefined): string =>
          theirs === undefined ? '' : ` (${(ours / theirs).toFixed(2)} ×)`
        return `| ${name} | ${Math.round(here)}${times(here, other?.[1])} | ${Math.round(there)}${times(there, other?.[2])} |`
      }),
      '',
    ]
  } finally {
    for (const contender of contenders) await contender.stop()
    sink.kill()
  }
}

async function ours(sinkPort: number): Promise<Contender> {
  const gateway = await postern('Postern', false, {
    control: {
      smtproutes: `relay.test:127.0.0.1:${sinkPort}\n`,
      rcpthosts: 'postern.test\nrelay.test\n',
    },
  })
  return {
    name: 'Postern',
    port: gateway.port,
    newOf: (user) => join(gateway.maildirs, 'postern.test', user, 'new'),
    stop: () => gateway.stop(),
  }
}

async function theirs(sinkPort: number): Promise<Contender> {
  const port = await freePort()
  const boxes = names().map((user) => `{ ${user}@postern.test = ${user}/ }`)
  const ports = { full: port, plain: await freePort(), gateway: port }
  const postfix = await startPostfix(ports, [
    'virtual_mailbox_domains = postern.test',
    `virtual_mailbox_maps = inline:{ ${boxes.join(' ')} }`,
    `transport_maps = inline:{ relay.test=smtp:[127.0.0.1]:${sinkPort} }`,
    'smtp_tls_security_level = none',
    'smtpd_client_connection_count_limit = 0',
  ])
  return {
    name: 'Postfix',
    port,
    newOf: (user) => join(postfix.maildirs, user, 'new'),
    stop: () => postfix.stop(),
  }
}

/** As smtp-source counts them: the last one has no number. */
function names(): readonly string[] {
  return Array.from({ length: users }, (_, at) => (at === 0 ? 'bench' : `${at + 1}bench`))
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const before = performance.now()
  await work()
  return (performance.now() - before) / 1000
}

const shape = { sessions: 20, sizeBytes: 4096, keep: true } as const

async function fillMaildirs(generator: Generator, { port, newOf }: Contender): Promise<void> {
  const to = { to: 'bench@postern.test', recipients: users }
  await runLoad(generator, port, { name: 'Maildirs', messages: local, ...shape, ...to })
  const left = new Set(names())
  while (left.size > 0) {
    for (const user of left) if (filesIn(newOf(user)) >= local) left.delete(user)
    generator.signal.throwIfAborted()
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

async function relayAll(
  generator: Generator,
  { contender: { port }, sink }: { readonly contender: Contender; readonly sink: ChildProcess },
): Promise<void> {
  const all = once(sink.stdout ?? sink, 'data', { signal: generator.signal })
  await runLoad(generator, port, { name: 'relay', messages: remote, ...shape, to: 'x@relay.test' })
  await all
}
