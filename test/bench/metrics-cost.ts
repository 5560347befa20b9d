/**
 * What counting costs a message: a session with twelve entries asked, seven replies, a commit and a delivery, as the
 * gateway counts them, and nothing else.
 *
 *   node test/bench/metrics-cost.ts
 */
import { deliveryMeter } from '../../src/delivery/delivery-meter.ts'
import { ChainMeter } from '../../src/filter/chain-meter.ts'
import { reply } from '../../src/mail/reply.ts'
import { definePlugin, pass } from '../../src/plugin/index.ts'
import { spoolMeter } from '../../src/queue/spool-meter.ts'
import { metricRegistry } from '../../src/runtime/metrics/registry.ts'
import { systemClock } from '../../src/runtime/node/clock.ts'
import { listenerMeter } from '../../src/smtp/listener-meter.ts'
import { chainUnderTest, entryOf } from '../../src/testkit/chain-under-test.ts'

const messages = 300_000
const metrics = metricRegistry(systemClock)
const plugins = Array.from({ length: 12 }, (_, n) =>
  definePlugin({ name: `entry-${n}`, setup: () => ({ mail: () => pass() }) }),
)
const places = chainUnderTest({ entries: plugins.map((plugin) => entryOf(plugin)) }).policy
  .generation.places.all
const chain = new ChainMeter(metrics, places)
const listener = listenerMeter(metrics, 'mx')
const spool = spoolMeter(metrics)
const courier = deliveryMeter(metrics)
const said = reply(250, '2.0.0', 'fine')
const steps = places.map((place, n) => ({
  kind: 'asked' as const,
  place,
  stage: 'mail' as const,
  round: 0,
  verdict: pass(),
  startedMs: 0,
  durationMs: n * 0.3,
  remembered: false,
}))
const attempt = {
  queueId: 'q',
  recipient: { mailbox: { localPart: 'bob', domain: 'postern.test' } },
  transport: 'smtp',
  result: { outcome: 'delivered', status: '2.0.0', text: '' },
  startedAt: 0,
  durationMs: 30,
} as const

function count(times: number): number {
  const before = process.cpuUsage()
  for (let n = 0; n < times; n++) {
    listener.opened()
    for (const step of steps) chain.asked(step)
    for (let replies = 0; replies < 7; replies++) listener.replied(said)
    spool.synced({ records: 8, bytes: 5_000, durationMs: 2 })
    chain.ended('mx', 'committed')
    courier.attempted(attempt)
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / times
}

count(messages)
process.stdout.write(`counting a message costs ${count(messages).toFixed(2)} µs\n`)
const startedMs = systemClock.monotonicMs()
await metrics.snapshot()
process.stdout.write(`a snapshot costs ${(systemClock.monotonicMs() - startedMs).toFixed(2)} ms\n`)
