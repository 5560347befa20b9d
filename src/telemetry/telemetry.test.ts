import { once } from 'node:events'
import { createServer } from 'node:http'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { accept, definePlugin, pass } from '../plugin/index.ts'
import { nodeNet } from '../runtime/node/net.ts'
import { chainUnderTest, entryOf } from '../testkit/chain-under-test.ts'
import { fakeClock } from '../testkit/fake-clock.ts'
import { fakeNet } from '../testkit/fake-net.ts'
import { readExportRequest, type CollectedSpan } from '../testkit/otlp-collector.ts'
import { readableMetrics } from '../testkit/readable-metrics.ts'
import { recordingLog } from '../testkit/recording-log.ts'
import { TelemetryExporter, type TelemetrySettings } from './exporter.ts'
import { isSampled, spanIdOf, traceIdOf } from './ids.ts'
import { exportRequest } from './otlp.ts'
import { deliverySpan, transactionSpans, type EndedTransaction } from './spans.ts'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

/** @param status what it says to each request, in turn; 200 afterwards */
async function collector(...status: readonly number[]) {
  const spans: CollectedSpan[] = []
  const headers: (string | undefined)[] = []
  const left = [...status]
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const code = left.shift() ?? 200
      headers.push(request.headers.authorization)
      if (code === 200) spans.push(...readExportRequest(Buffer.concat(chunks).toString()))
      response.writeHead(code, { 'Content-Type': 'application/json' }).end('{}')
    })
  })
  closers.push(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return { spans, headers, url: new URL(`http://127.0.0.1:${port}/v1/traces`) }
}

const delivery = {
  queueId: 'q1',
  transport: 'smtp',
  route: 'next.test',
  outcome: 'delivered',
  status: '2.0.0',
  startedAt: 1_795_250_000_000,
  durationMs: 12.5,
}

function exporter(url: URL, changes: Partial<TelemetrySettings> = {}, net = nodeNet) {
  const clock = fakeClock()
  const metrics = readableMetrics(clock)
  const log = recordingLog()
  const headers = new Map([['Authorization', { reveal: () => 'Bearer x' }]])
  const settings = { traces: url, sample: 1, service: 'mail', headers, ...changes }
  const made = new TelemetryExporter({
    clock,
    log,
    metrics,
    net,
    settings: () => settings,
    hostname: () => 'mx.postern.test',
    worker: 1,
  })
  const dropped = () => metrics.value('postern_telemetry_dropped_total')
  return { clock, log, exporter: made, dropped }
}

const voucher = definePlugin({
  name: 'voucher',
  vouches: 'local',
  setup: () => ({ rcpt: () => accept() }),
})
const broken = definePlugin({
  name: 'broken',
  defaults: { onFault: 'pass' },
  setup: () => ({
    rcpt() {
      throw new Error('no luck')
    },
  }),
})
const greeter = definePlugin({ name: 'greeter', setup: () => ({ hello: () => pass() }) })

/** A session with two messages. */
async function played(): Promise<readonly [EndedTransaction, EndedTransaction]> {
  const ended: EndedTransaction[] = []
  const chain = chainUnderTest({
    entries: [entryOf(greeter), entryOf(voucher), entryOf(broken)],
    tap: (each) => void ended.push(each),
  })
  const session = chain.dial()
  await session.connect()
  chain.clock.advance(10)
  await session.hello()
  for (const recipient of ['bob@postern.test', 'eve@postern.test']) {
    chain.clock.advance(100)
    await session.mail()
    await session.rcpt(recipient)
    await session.message()
  }
  session.end()
  const [first, second] = ended
  if (first === undefined || second === undefined) throw new Error('no transactions')
  return [first, second]
}

function collected(ended: EndedTransaction): readonly CollectedSpan[] {
  const resource = { service: 'mail', hostname: 'h', instance: 'h/1' }
  return readExportRequest(JSON.stringify(exportRequest(transactionSpans(ended, 1), resource)))
}

describe('the spans of a transaction', () => {
  test('are a tree: the transaction, its stages, their entries', async () => {
    const [first, second] = await played()
    const spans = collected(first)
    const byId = new Map(spans.map((span) => [span.spanId, span]))
    const path = (span: CollectedSpan): string => {
      const parent = byId.get(span.parentSpanId ?? '')
      return parent === undefined ? span.name : `${path(parent)} > ${span.name}`
    }
    expect(spans.map(path)).toEqual([
      'smtp transaction',
      'smtp transaction > hello',
      'smtp transaction > hello > greeter',
      'smtp transaction > rcpt',
      'smtp transaction > rcpt > voucher',
      'smtp transaction > rcpt > broken',
    ])
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1)
    expect(byId.size).toBe(spans.length)
    // The greeting belongs to the first message only.
    expect(collected(second).map(({ name }) => name)).not.toContain('hello')
  })

  test('say what each entry answered, and which failed, and name no address', async () => {
    const [first] = await played()
    const spans = collected(first)
    const of = (name: string) => spans.find((span) => span.name === name)
    expect(of('voucher')?.attributes.get('postern.verdict')).toBe('accept')
    expect(of('broken')?.isError).toBe(true)
    expect(of('smtp transaction')?.attributes.get('postern.outcome')).toBe('committed')
    expect(JSON.stringify(spans.map(({ attributes }) => [...attributes]))).not.toContain('@')
  })

  test('lie within the time of the transaction', async () => {
    for (const ended of await played()) {
      const [root, ...others] = collected(ended)
      for (const span of others) {
        expect(span.startNs >= (root?.startNs ?? 0n)).toBe(true)
        expect(span.endNs <= (root?.endNs ?? 0n)).toBe(true)
      }
    }
  })

  test('and of its deliveries are of one trace, by the queue id alone', async () => {
    const [first] = await played()
    const [root] = transactionSpans(first, 1)
    const queueId = first.record.queueIds?.[0] ?? ''
    const span = deliverySpan({ ...delivery, queueId }, 1)
    expect(span.traceId).toBe(root?.traceId)
    expect(span.links).toEqual([{ traceId: root?.traceId, spanId: root?.spanId }])
  })
})

describe('the exporter', () => {
  test('sends what is over some time later, with the fields that were configured', async () => {
    const { spans, headers, url } = await collector()
    const { exporter: telemetry } = exporter(url)
    for (const ended of await played()) telemetry.transactionEnded(ended)
    telemetry.deliveryEnded(delivery)
    expect(spans).toEqual([])
    await telemetry.flush()
    expect(spans.filter(({ name }) => name === 'smtp transaction')).toHaveLength(2)
    expect(spans.at(-1)?.name).toBe('delivery smtp')
    expect(spans[0]?.service).toBe('mail')
    expect(headers).toEqual(['Bearer x'])
  })

  test('tries again after a pause where the collector is overloaded', async () => {
    const { spans, url } = await collector(503)
    const { exporter: telemetry, clock, dropped } = exporter(url)
    telemetry.deliveryEnded(delivery)
    await telemetry.flush()
    await telemetry.flush()
    expect(spans).toEqual([])
    clock.advance(5_000)
    await telemetry.flush()
    expect(spans).toHaveLength(1)
    expect(await dropped()).toBe(0)
  })

  test('drops and counts what the collector refuses', async () => {
    const { spans, url } = await collector(400)
    const { exporter: telemetry, dropped } = exporter(url)
    telemetry.deliveryEnded(delivery)
    await telemetry.flush()
    expect(spans).toEqual([])
    expect(await dropped()).toBe(1)
  })

  test('keeps no more than it may while the collector is gone', async () => {
    const gone = fakeNet()
    const { exporter: telemetry, dropped } = exporter(new URL('http://127.0.0.1:1/'), {}, gone)
    for (let n = 0; n < 2_500; n++) telemetry.deliveryEnded({ ...delivery, queueId: `q${n}` })
    await telemetry.flush()
    expect(await dropped()).toBe(500)
    await telemetry.stop()
    expect(await dropped()).toBe(2_500)
  })

  test('sends nothing of what is not sampled', async () => {
    const { spans, url } = await collector()
    const { exporter: telemetry } = exporter(url, { sample: 0 })
    telemetry.deliveryEnded(delivery)
    await telemetry.flush()
    expect(spans).toEqual([])
  })
})

describe('ids', () => {
  test('are never zero and always the same', () => {
    fc.assert(
      fc.property(fc.string(), (id) => {
        expect(traceIdOf(id)).toMatch(/^(?!0+$)[0-9a-f]{32}$/)
        expect(spanIdOf(id)).toMatch(/^(?!0+$)[0-9a-f]{16}$/)
        expect(traceIdOf(id)).toBe(traceIdOf(id))
      }),
    )
  })

  test('are sampled evenly, though they differ in their last characters only', () => {
    const ids = Array.from({ length: 20_000 }, (_, n) => `01abc${n.toString(36).padStart(6, '0')}`)
    const taken = ids.filter((id) => isSampled(id, 0.1)).length
    expect(taken).toBeGreaterThan(1_800)
    expect(taken).toBeLessThan(2_200)
    expect(ids.every((id) => isSampled(id, 1) && !isSampled(id, 0))).toBe(true)
  })
})
