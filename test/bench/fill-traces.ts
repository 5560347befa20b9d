/**
 * An archive of traces as a busy gateway leaves it: so many transactions of twenty steps, each with a delivery.
 *
 *   node test/bench/fill-traces.ts FILE [transactions [shadow]]   prints what a record cost, and how large the file is
 *
 * With `shadow`, two of the twenty entries are in shadow mode: one has nothing to say, the other often has.
 */
import { statSync } from 'node:fs'
import type {
  ChainRecord,
  PackedStep,
  TraceHead,
  TraceRecord,
} from '../../src/filter/trace-record.ts'
import { detailJson, headJson, SessionJson } from '../../src/filter/record-json.ts'
import type { PackedShadow } from '../../src/filter/shadows.ts'
import { queueId } from '../../src/queue/queue-id.ts'
import { silentLog } from '../../src/tools/silent-log.ts'
import { openTraces } from '../../src/tools/open-traces.ts'

const [file = '.cache/traces.db', count = '250000', shadow] = process.argv.slice(2)
const shadows = shadow === undefined ? [] : [7, 9]
const transactions = Number(count)
const stepsOfEach = 20
/** What is written before the thread is waited for. */
const portion = 5000
const start = Date.UTC(2026, 0, 1)

export const benchChain: ChainRecord = {
  fingerprints: {},
  places: Array.from({ length: stepsOfEach }, (_, n) => [
    n < 4 ? 'connect' : n < 6 ? 'hello' : n < 10 ? 'mail' : n < 15 ? 'rcpt' : 'message',
    `entry${n}`,
    `plugin${n}`,
    shadows.includes(n),
  ]),
  thresholds: { reject: 10 },
}

/** Entry 9 in shadow mode. */
function said(n: number, failed: boolean): PackedShadow {
  const fate = failed ? 'refused' : 'accepted'
  return says(n) ? ['entry9', ['score', `REASON_${(n + 9) % 60}`, fate]] : ['entry9']
}

function says(n: number): boolean {
  return n % 3 === 0
}

/** One in ten is refused, one in twenty deferred; senders, clients and recipients come again and again. */
export function benchRecord(n: number): TraceRecord {
  const refused = n % 10 === 3
  const deferred = n % 20 === 7
  const failed = refused || deferred
  const id = `0${n.toString(36).padStart(8, '0')}`
  const reply = refused
    ? ([550, '5.7.1', 'Message refused by policy'] as const)
    : deferred
      ? ([451, '4.7.1', 'Please try again later'] as const)
      : ([250, '2.0.0', `queued as ${queueId(n)}`] as const)
  const head: TraceHead = {
    version: 2,
    id: `${id}.1`,
    session: id,
    chain: 'bench',
    listener: 'mx',
    remote: `${198 + (n % 2)}.${51 + (n % 40)}.${(n * 7) % 256}.${(n * 13) % 256}:${40_000 + (n % 9999)}`,
    hostname: 'mx.postern.test',
    environment: 'default',
    hello: `mail${n % 5000}.example.org`,
    tls: 'TLSv1.3',
    reversePath: `<sender${n % 30_000}@domain${n % 2000}.example>`,
    recipients: [[`user${n % 10_000}@postern.test`, 1]],
    stage: 'message',
    end: failed ? 'refused' : 'committed',
    reply,
    sizeBytes: 4096 + (n % 5000),
    messageId: `20260101.${n}.${(n * 7919) % 100_003}@domain${n % 2000}.example`,
    ...(failed ? {} : { queueIds: [queueId(n)] }),
    ...(n % 4 === 0 ? { score: (n % 120) / 10 } : {}),
    ...(failed
      ? {
          objection: {
            stage: 'message',
            code: reply[0],
            status: reply[1],
            text: reply[2],
            reason: refused ? 'SCORE' : 'GREYLISTED',
            entry: refused ? 'entry19' : 'entry12',
          },
        }
      : {}),
    ...(shadow === undefined ? {} : { shadows: [['entry7'], said(n, failed)] }),
    reasons: Array.from({ length: 4 }, (_, each) => `REASON_${(n + each * 5 + 4) % 60}`),
  }
  const steps: readonly PackedStep[] = Array.from({ length: stepsOfEach }, (_, place) =>
    place % 5 === 4
      ? [
          place,
          40 + ((n + place) % 900),
          {
            at: place * 3,
            verdict: {
              verdict: place === 14 ? 'accept' : 'pass',
              ...(shadows.includes(place) && says(n) ? { score: 1 } : {}),
              reason: `REASON_${(n + place) % 60}`,
              evidence: { list: 'zen.example', answer: `127.0.0.${n % 20}` },
            },
          },
        ]
      : [place, 3 + ((n + place) % 40)],
  )
  const times = { at: start + n * 1000, endedAt: start + n * 1000 + 80 }
  return { head, times, detail: { steps: JSON.stringify(steps) } }
}

const traces = await openTraces(
  {
    path: file,
    maxRecords: transactions,
    maxAgeMs: Infinity,
    maxBytes: 8e9,
    headBytes: 0,
    answers: true,
  },
  silentLog,
)
traces.noteLater('bench', benchChain)
const began = performance.now()
const cpu = process.cpuUsage()
for (let n = 0; n < transactions; n++) {
  const { head, times, detail } = benchRecord(n)
  traces.addLater(head, {
    at: times.endedAt,
    counts: true,
    json: () => headJson(head, times, new SessionJson()),
    detail: () => detailJson(detail),
  })
  for (const id of head.queueIds ?? []) {
    traces.addLater(
      {
        queueId: id,
        recipient: `user${n % 10_000}@postern.test`,
        route: 'maildir',
        outcome: 'delivered',
        status: '2.0.0',
        text: 'delivered into the Maildir',
        startedAt: times.endedAt + 20,
        durationMs: 2,
      },
      { at: times.endedAt + 20, counts: false },
    )
  }
  if (n % portion === portion - 1) await traces.extent()
}
await traces.extent()
const { user, system } = process.cpuUsage(cpu)
process.stdout.write(
  `${transactions} transactions, ${transactions * stepsOfEach} steps: ` +
    `${((user + system) / transactions).toFixed(1)} µs of CPU and ${(((performance.now() - began) * 1000) / transactions).toFixed(1)} µs each, ` +
    `made here included; ${(statSync(file).size / 2 ** 20).toFixed(0)} MB; ${traces.dropped} dropped\n`,
)
await traces.close()
