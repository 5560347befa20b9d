import { expect, test } from 'vitest'
import type { DialInHost } from '../config/dial-in-section.ts'
import { PosternError } from '../mail/errors.ts'
import type { FlushOutcome } from '../smtp/queue-flush.ts'
import { fakeClock } from '../testkit/fake-clock.ts'
import { recordingLog } from '../testkit/recording-log.ts'
import { DialIn } from './dial-in.ts'

const asks: DialInHost = {
  maildir: '/asks',
  prefix: '',
  to: { host: 'hub.test', port: 2525 },
  clients: { has: () => false },
}
const leaves: DialInHost = {
  maildir: '/leaves',
  prefix: '',
  clients: { has: (address) => address === '192.0.2.9' },
}

function stage(queued: FlushOutcome = { outcome: 'started', messages: 2 }) {
  const runs: { readonly to: string; readonly end: (error?: Error) => void }[] = []
  const log = recordingLog()
  const clock = fakeClock()
  const dialIn = new DialIn({
    queue: { flush: async () => queued },
    hosts: () =>
      new Map([
        ['asks.test', asks],
        ['leaves.test', leaves],
      ]),
    waiting: async () => 3,
    send: ({ maildir }, { host, port }, signal) =>
      new Promise<void>((resolve, reject) => {
        const end = (error?: Error): void => (error === undefined ? resolve() : reject(error))
        signal.addEventListener('abort', () => resolve())
        runs.push({ to: `${maildir} ${host}:${port}`, end })
      }),
    clock,
    log,
  })
  return { dialIn, runs, log, clock, sent: () => runs.map(({ to }) => to) }
}

test('ETRN has queue and Maildir sent, once at a time', async () => {
  const { dialIn, runs, clock, sent } = stage()
  const node = { domain: 'asks.test', below: false }
  expect(await dialIn.flush(node)).toEqual({ outcome: 'started', messages: 5 })
  await dialIn.flush({ domain: 'test', below: true })
  expect(sent()).toEqual(['/asks hub.test:2525'])
  runs[0]?.end()
  await new Promise(setImmediate)
  await dialIn.flush(node)
  clock.advance(10_000)
  expect(sent()).toHaveLength(2)
})

test('who asks again and again has it sent once in ten seconds, and what came meanwhile is not forgotten', async () => {
  const { dialIn, runs, clock, sent } = stage()
  const leave = () => dialIn.left('192.0.2.9')
  leave()
  leave()
  runs[0]?.end()
  await new Promise(setImmediate)
  for (let time = 0; time < 100; time++) leave()
  clock.advance(9_999)
  expect(sent()).toHaveLength(1)
  clock.advance(1)
  expect(sent()).toHaveLength(2)
  runs[1]?.end()
  await new Promise(setImmediate)
  clock.advance(60_000)
  expect(sent()).toHaveLength(2)
})

test('ETRN for others leaves the Maildir alone, and so does one that the queue has no time for', async () => {
  const { dialIn, sent } = stage()
  await dialIn.flush({ domain: 'test', below: false })
  await dialIn.flush({ domain: 'leaves.test', below: false })
  expect(
    await stage({ outcome: 'busy' }).dialIn.flush({ domain: 'asks.test', below: false }),
  ).toEqual({ outcome: 'busy' })
  expect(sent()).toEqual([])
})

test('a client that leaves gets what waits for it, where it was', () => {
  const { dialIn, sent } = stage()
  dialIn.left('192.0.2.8')
  dialIn.left('192.0.2.9')
  expect(sent()).toEqual(['/leaves 192.0.2.9:25'])
})

test('a run that fails is logged, and the next one is made', async () => {
  const { dialIn, runs, log, clock, sent } = stage()
  dialIn.left('192.0.2.9')
  runs[0]?.end(new PosternError('NOT_FOUND', '/leaves/cur'))
  await new Promise(setImmediate)
  expect(log.events).toMatchObject([{ event: 'dial_in.failed', fields: { domain: 'leaves.test' } }])
  dialIn.left('192.0.2.9')
  clock.advance(10_000)
  expect(sent()).toHaveLength(2)
})

test('at the end what is under way is called off, and nothing begins', async () => {
  const { dialIn, sent } = stage()
  dialIn.left('192.0.2.9')
  await dialIn.close()
  dialIn.left('192.0.2.9')
  expect(sent()).toHaveLength(1)
})
