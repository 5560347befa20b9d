/**
 * How fast the spool alone takes, and gives, messages on the disk under a folder:
 * `node test/bench/spool.ts FOLDER [seconds]`. Prints durable puts a second, latencies and CPU by the number of waiting
 * sessions, then the same with every message settled, then a cold start. The folder is left empty.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../src/runtime/node/clock.ts'
import { systemRandom } from '../../src/runtime/node/random.ts'
import { systemDisk } from '../../src/runtime/node/disk.ts'
import type { Disk } from '../../src/runtime/disk.ts'
import type { Envelope } from '../../src/mail/envelope.ts'
import { openSpool } from '../../src/queue/open-spool.ts'
import type { Queue } from '../../src/queue/queue.ts'
import { recordingLog } from '../../src/testkit/recording-log.ts'

const messageBytes = 4_096
const waiters = [1, 16, 50, 64, 256]

const envelope: Envelope = {
  reversePath: { localPart: 'alice', domain: 'sender.example.org' },
  recipients: [{ mailbox: { localPart: 'bob', domain: 'postern.test' } }],
  bodyType: '7bit',
  smtputf8: false,
  requireTls: false,
}
const received = {
  edit: 'prepend',
  name: 'Received',
  value:
    'from sender.example.org (127.0.0.1)\r\n by mx.postern.test with ESMTP; 21 Nov 2026 10:00:00 +0000',
} as const
const message = Buffer.from(
  `From: alice@sender.example.org\r\nSubject: bench\r\n\r\n${'0123456789abcdef '.repeat(400)}`,
).subarray(0, messageBytes)

async function put(queue: Queue): Promise<void> {
  const draft = queue.begin()
  const written = draft.write(message)
  if (written !== undefined) await written
  await draft.end()
  await draft.commit([{ envelope, disposition: 'deliver', headerEdits: [received] }])
}

interface Figures {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  readonly cpuMicros: number
  readonly syncsPerMessage: number
}

/** A disk that counts how often it syncs data. */
function countingDisk(): Disk & { readonly syncs: number } {
  let syncs = 0
  return {
    ...systemDisk,
    async open(path, mode) {
      const file = await systemDisk.open(path, mode)
      const datasync = file.datasync.bind(file)
      return Object.assign(file, { datasync: () => (syncs++, datasync()) })
    },
    get syncs() {
      return syncs
    },
  }
}

async function measure(
  work: () => Promise<void>,
  { sessions, ms, syncs }: { sessions: number; ms: number; syncs: () => number },
): Promise<Figures> {
  const latencies: number[] = []
  const cpu = process.cpuUsage()
  const syncsBefore = syncs()
  const started = performance.now()
  const until = started + ms
  const session = async (): Promise<void> => {
    for (let now = performance.now(); now < until;) {
      await work()
      const after = performance.now()
      latencies.push(after - now)
      now = after
    }
  }
  await Promise.all(Array.from({ length: sessions }, session))
  const seconds = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const sorted = Float64Array.from(latencies).sort()
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0
  return {
    perSecond: Math.round(latencies.length / seconds),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: at(1),
    cpuMicros: (user + system) / latencies.length,
    syncsPerMessage: (syncs() - syncsBefore) / latencies.length,
  }
}

async function settleAll(queue: Queue): Promise<void> {
  for (
    let heads = queue.due(Date.now(), 500);
    heads.length > 0;
    heads = queue.due(Date.now(), 500)
  ) {
    for (const { id } of heads) {
      const claim = await queue.claim(id)
      if (claim === undefined) continue
      const results = claim.recipients.map(
        () => ({ outcome: 'delivered', status: '2.0.0', text: 'ok' }) as const,
      )
      void queue.settle(claim, results, 0).catch(() => undefined)
    }
  }
}

function print(name: string, figures: Figures): void {
  const { perSecond, p50Ms, p99Ms, maxMs, cpuMicros, syncsPerMessage } = figures
  const latency = `p50 ${p50Ms.toFixed(2)} p99 ${p99Ms.toFixed(2)} max ${maxMs.toFixed(1)} ms`
  process.stdout.write(
    `${name.padEnd(16)}${String(perSecond).padStart(8)}/s  ${latency}  ${cpuMicros.toFixed(1)} µs CPU  ${syncsPerMessage.toFixed(3)} syncs\n`,
  )
}

async function fresh(
  parent: string,
  run: (queue: Queue, disk: ReturnType<typeof countingDisk>, path: string) => Promise<void>,
): Promise<void> {
  const path = mkdtempSync(join(parent, 'spool-bench-'))
  const disk = countingDisk()
  const queue = await openSpool({
    disk,
    clock: systemClock,
    random: systemRandom,
    log: recordingLog(),
    path,
  })
  try {
    await run(queue, disk, path)
  } finally {
    await queue.close()
    rmSync(path, { recursive: true })
  }
}

const [parent = '.', seconds = '3'] = process.argv.slice(2)
const ms = Number(seconds) * 1000
// The clock's timers do not keep a process alive; in a gateway its sockets do.
const alive = setInterval(() => undefined, 1000)
for (const sessions of waiters) {
  await fresh(parent, async (queue, disk) => {
    const syncs = (): number => disk.syncs
    await measure(() => put(queue), { sessions, ms: 500, syncs })
    print(`in, ${sessions}`, await measure(() => put(queue), { sessions, ms, syncs }))
  })
}
await fresh(parent, async (queue, disk) => {
  let settling: Promise<void> | undefined
  queue.onDue(() => {
    settling ??= settleAll(queue).finally(() => (settling = undefined))
  })
  const syncs = (): number => disk.syncs
  await measure(() => put(queue), { sessions: 64, ms: 500, syncs })
  print('in and out, 64', await measure(() => put(queue), { sessions: 64, ms, syncs }))
  process.stdout.write(`left behind: ${queue.size}\n`)
})
await fresh(parent, async (queue, disk, path) => {
  await Promise.all(
    Array.from({ length: 200 }, async () => {
      for (let i = 0; i < 1000; i++) await put(queue)
    }),
  )
  await queue.close()
  const started = performance.now()
  const again = await openSpool({
    disk,
    clock: systemClock,
    random: systemRandom,
    log: recordingLog(),
    path,
  })
  process.stdout.write(
    `start with ${again.size} queued: ${Math.round(performance.now() - started)} ms\n`,
  )
  print(
    'in, 64, 200k',
    await measure(() => put(again), { sessions: 64, ms, syncs: () => disk.syncs }),
  )
  await again.close()
})
clearInterval(alive)
