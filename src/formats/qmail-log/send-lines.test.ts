import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { QmailSendLines } from './send-lines.ts'
import type { HappenedEvent } from './words.ts'

const happened = (
  event: string,
  fields: HappenedEvent['fields'] = {},
  level: HappenedEvent['level'] = 'info',
): HappenedEvent => ({ level, event, fields })

const queueId = '00mh1p5q8sg'
const number = Number.parseInt(queueId, 36)
const lines = (...events: readonly HappenedEvent[]): readonly string[] => {
  const writer = new QmailSendLines({ worker: 1, workers: 1, uid: 7791 })
  return events.flatMap((event) => writer.lines(event))
}

const delivery = { queueId, delivery: 1, recipient: 'Joe@there.test', channel: 'remote', limit: 20 }

describe("the lines of qmail-send's log", () => {
  test('tell the life of a message in the order of qmail-send', () => {
    expect(
      lines(
        happened('gateway.opened'),
        happened('message.queued', { queueId, sizeBytes: 243, reversePath: '<a@here.test>' }),
        happened('delivery.started', delivery, 'debug'),
        happened('delivery.failed', { ...delivery, text: 'No such user here', remote: '10.0.0.1' }),
        happened('bounce.queued', { queueId, bounceId: '00mh1p5q8sh' }),
        happened('message.ended', { queueId }),
        happened('gateway.closing'),
        happened('gateway.closed'),
      ),
    ).toEqual([
      'status: local 0/10 remote 0/20',
      `new msg ${number}`,
      `info msg ${number}: bytes 243 from <a@here.test> qp ${number} uid 7791`,
      `starting delivery 1: msg ${number} to remote Joe@there.test`,
      'status: local 0/10 remote 1/20',
      'delivery 1: failure: 10.0.0.1_said:_No_such_user_here/',
      'status: local 0/10 remote 0/20',
      `bounce msg ${number} qp ${number + 1}`,
      `end msg ${number}`,
      'status: local 0/10 remote 0/20 exitasap',
      'status: exiting',
    ])
  })

  test.each([
    ['delivery.delivered', 'ok', 'success: ok/'],
    ['delivery.deferred', 'one\ntwo', 'deferral: one/two/'],
    ['delivery.deferred', '', 'deferral: '],
    ['delivery.failed', '100% späm\t', 'failure: 100__sp__m_/'],
  ])('have the report of %s in one word', (event, text, expected) => {
    expect(lines(happened(event, { ...delivery, text }))[0]).toBe(`delivery 1: ${expected}`)
  })

  test('number the deliveries of several workers so that no two share a number', () => {
    const numbers = [1, 2, 3].flatMap((worker) => {
      const writer = new QmailSendLines({ worker, workers: 3, uid: 0 })
      return [1, 2, 3].map(
        (count) => writer.lines(happened('delivery.started', { ...delivery, delivery: count }))[0],
      )
    })
    expect(new Set(numbers).size).toBe(9)
  })

  test('warn of trouble with the queue and of none with sessions', () => {
    expect(lines(happened('courier.trouble', { error: 'EIO\nx' }, 'error'))).toEqual([
      'alert: courier.trouble error=EIO?x',
    ])
    expect(lines(happened('bounce.dropped', { queueId }, 'warn'))).toEqual([
      `triple bounce: discarding bounce/${number}`,
    ])
    expect(lines(happened('tls.failed', { error: 'x' }, 'warn'))).toEqual([])
  })

  test('are lines, whatever addresses and reports hold', () => {
    const anything = fc.record({
      queueId: fc.string(),
      recipient: fc.string(),
      reversePath: fc.string(),
      text: fc.string({ unit: 'binary' }),
      error: fc.string({ unit: 'binary' }),
    })
    const events = fc.constantFrom(
      'message.queued',
      'delivery.started',
      'delivery.failed',
      'spool.x',
    )
    fc.assert(
      fc.property(events, anything, (event, fields) => {
        for (const line of lines(happened(event, fields, 'error'))) {
          expect(line).toMatch(/^[ -~]*$/)
        }
      }),
    )
  })
})
