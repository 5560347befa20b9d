/** What sessions cost in memory, how many can be open at once, and what one large message takes. */
import { readFileSync } from 'node:fs'
import { openSession, type BenchSession } from './session.ts'
import { postern, type RunningPostern } from './systems.ts'

const idle = Number(process.env['POSTERN_BENCH_SESSIONS'] ?? 5_000)
const held = Number(process.env['POSTERN_BENCH_CONNECTIONS'] ?? 10_000)
const largeMegabytes = Number(process.env['POSTERN_BENCH_LARGE_MB'] ?? 100)
/** Connections that are being opened, or served, at a time. */
const atOnce = 200
/** Sockets of ours besides the sessions. */
const spareDescriptors = 300

/** @returns lines to print: what the figures of the plan are held against, and what they are */
export async function sessionFigures(): Promise<readonly string[]> {
  const limit = Number(
    /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1],
  )
  if (limit < held + spareDescriptors) {
    return [`sessions: not measured, ${limit} descriptors are too few (ulimit -n)`, '']
  }
  return [
    '### sessions',
    '',
    '| | | |',
    '|---|---|---|',
    `| ${idle} idle sessions, KB each | ${await kilobytesEach(false)} | aim: at most 30 |`,
    `| ${idle} idle TLS sessions, KB each | ${await kilobytesEach(true)} | aim: at most 100 |`,
    `| ${held} sessions held, then a message by each: errors | ${await errorsOf(held)} | aim: 0 |`,
    `| a message of ${largeMegabytes} MB: added at most, MB | ${await megabytesAdded()} | aim: below 50 |`,
    '',
  ]
}

const roomy = { maxConnections: 20_000, maxMessage: '500MB' } as const

/** Beyond what the process had after a few of them. */
async function kilobytesEach(tls: boolean): Promise<string> {
  return withPostern(async (gateway) => {
    const warm = await openAll(gateway.port, { count: atOnce, tls })
    closeAll(warm.sessions)
    await quiet()
    const before = gateway.residentBytes()
    const { sessions, errors } = await openAll(gateway.port, { count: idle, tls })
    await quiet()
    const each = (gateway.residentBytes() - before) / 1024 / Math.max(1, sessions.length)
    closeAll(sessions)
    return `${each.toFixed(1)}${errors === 0 ? '' : ` (${errors} errors)`}`
  })
}

async function errorsOf(count: number): Promise<number> {
  return withPostern(async ({ port }) => {
    const { sessions, errors } = await openAll(port, { count, tls: false })
    let failed = errors
    await eachOf(sessions, async (session) => {
      const sent = await session.mail(['Subject: one of many', '', 'text']).catch(() => false)
      if (!sent) failed++
    })
    closeAll(sessions)
    return failed
  })
}

async function megabytesAdded(): Promise<string> {
  return withPostern(async (gateway) => {
    const small = await openSession(gateway.port, false)
    await small.mail(['Subject: small', '', 'text'])
    await quiet()
    const before = gateway.peakBytes()
    const line = `${'0123456789'.repeat(7)}`
    const taken = await small.mail(repeated(line, Math.ceil((largeMegabytes * 1e6) / 72)))
    closeAll([small])
    if (!taken) throw new Error('the large message was refused')
    return ((gateway.peakBytes() - before) / 1e6).toFixed(1)
  })
}

function* repeated(line: string, times: number): Iterable<string> {
  yield* ['Subject: large', '']
  for (let count = 0; count < times; count++) yield line
}

async function withPostern<T>(work: (gateway: RunningPostern) => Promise<T>): Promise<T> {
  const gateway = await postern('sessions', true, roomy)
  try {
    return await work(gateway)
  } finally {
    await gateway.stop()
  }
}

async function openAll(
  port: number,
  { count, tls }: { readonly count: number; readonly tls: boolean },
): Promise<{ readonly sessions: BenchSession[]; readonly errors: number }> {
  const sessions: BenchSession[] = []
  let errors = 0
  await eachOf(Array.from({ length: count }), async () => {
    try {
      sessions.push(await openSession(port, tls))
    } catch {
      errors++
    }
  })
  return { sessions, errors }
}

function closeAll(sessions: readonly BenchSession[]): void {
  for (const session of sessions) session.destroy()
}

/** A few hundred at a time. */
async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values()
  const worker = async (): Promise<void> => {
    for (const item of left) await work(item)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

/** Until collectors and timers of the other side have done what they do. */
function quiet(): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, 3_000))
}
