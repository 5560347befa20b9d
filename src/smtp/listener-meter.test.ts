import { expect, test } from 'vitest'
import { reply } from '../mail/reply.ts'
import { fakeClock } from '../testkit/fake-clock.ts'
import { readableMetrics } from '../testkit/readable-metrics.ts'
import { listenerMeter } from './listener-meter.ts'

test('a listener counts sessions, refusals, handshakes, and every reply by its class', async () => {
  const metrics = readableMetrics(fakeClock())
  const meter = listenerMeter(metrics, 'mx')
  meter.opened()
  meter.refused('address')
  meter.refused('address')
  meter.secured('TLSv1.3')
  meter.replied(reply(220, undefined, 'hello'))
  // LMTP answers for each recipient.
  meter.replied([reply(250, '2.0.0', 'taken'), reply(550, '5.1.1', 'nobody')])
  meter.replied(reply(354, undefined, 'go on'))
  meter.replied(reply(451, '4.3.0', 'later'))
  const listener = 'mx'
  expect(await metrics.value('postern_sessions_total', { listener })).toBe(1)
  const refused = { listener, reason: 'address' }
  expect(await metrics.value('postern_connections_refused_total', refused)).toBe(2)
  const version = 'TLSv1.3'
  expect(await metrics.value('postern_tls_handshakes_total', { listener, version })).toBe(1)
  const classes = ['2xx', '3xx', '4xx', '5xx'].map((each) =>
    metrics.value('postern_replies_total', { listener, class: each }),
  )
  expect(await Promise.all(classes)).toEqual([2, 1, 1, 1])
})
