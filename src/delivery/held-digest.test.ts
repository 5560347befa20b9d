import { describe, expect, test } from 'vitest'
import { fakeClock } from '../testkit/fake-clock.ts'
import { memoryQueue } from '../testkit/memory-queue.ts'
import { memoryStore } from '../testkit/memory-store.ts'
import { recordingLog } from '../testkit/recording-log.ts'
import { heldBounceReason } from './bounce.ts'
import { HeldDigest, type HeldBounces } from './held-digest.ts'
import { doubleBounceUser } from '../mail/double-bounce.ts'

const hour = 3_600_000
const at = (localPart: string) => ({ localPart, domain: 'here.test' })

function stage() {
  const clock = fakeClock()
  const log = recordingLog()
  const queue = memoryQueue(clock)
  const memory = memoryStore(clock).table('t', { maxEntries: 10 })
  const make = (others: readonly HeldBounces[] = []) =>
    new HeldDigest({
      others: async () => others,
      queue,
      memory,
      clock,
      log,
      settings: () => ({
        hostname: 'mx.test',
        from: at('MAILER-DAEMON'),
        doubleBounceTo: at('postmaster'),
      }),
    })
  const hold = async (reason: string) => {
    const draft = queue.begin()
    await draft.write(Buffer.from('Subject: x\r\n\r\n'))
    await draft.end()
    const envelope = {
      reversePath: null,
      recipients: [{ mailbox: at('ann') }],
      bodyType: '7bit',
      smtputf8: false,
      requireTls: false,
    } as const
    await draft.commit([{ envelope, disposition: 'hold', headerEdits: [], reason }])
  }
  const pass = async (hours: number) => {
    for (let i = 0; i < hours; i++) {
      clock.advance(hour)
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const told = () => queue.commits.filter(({ placement }) => placement.disposition === 'deliver')
  return { log, queue, make, hold, pass, told }
}

describe('the postmaster', () => {
  test('is told once a day of the bounces that are held, and of nothing else', async () => {
    const { make, hold, pass, told } = stage()
    const digest = make()
    digest.start()
    await hold('quarantined by a plugin')
    await pass(3)
    expect(told()).toEqual([])
    await hold(`${heldBounceReason}x`)
    await hold(`${heldBounceReason}y`)
    await pass(23)
    expect(told()).toHaveLength(1)
    await pass(24)
    expect(told()).toHaveLength(2)
    const [message] = told()
    expect(message?.placement.envelope).toMatchObject({
      reversePath: null,
      recipients: [{ mailbox: at('postmaster') }],
      user: doubleBounceUser,
    })
    expect(message?.message.header.first('subject')).toBe('2 bounces wait for you')
    expect(message?.message.text).toContain('to ann@here.test')
    await digest.stop()
  })

  test('is not told again because of a restart', async () => {
    const { make, hold, pass, told } = stage()
    await hold(`${heldBounceReason}x`)
    for (let restart = 0; restart < 5; restart++) {
      const digest = make()
      digest.start()
      await pass(2)
      await digest.stop()
    }
    expect(told()).toHaveLength(1)
  })

  test('is told in one letter of those that other workers hold', async () => {
    const { make, hold, pass, told } = stage()
    await hold(`${heldBounceReason}x`)
    const digest = make([{ count: 2, lines: ['0  to bob@here.test', '1  to cy@here.test'] }])
    digest.start()
    await pass(1)
    const [message, ...others] = told()
    expect(others).toEqual([])
    expect(message?.message.header.first('subject')).toBe('3 bounces wait for you')
    for (const name of ['ann', 'bob', 'cy']) expect(message?.message.text).toContain(`to ${name}@`)
    await digest.stop()
  })

  test('is told an hour later where the queue takes nothing now', async () => {
    const { make, hold, pass, told, queue, log } = stage()
    const digest = make()
    await hold(`${heldBounceReason}x`)
    queue.refuseNextCommit('DISK_FULL')
    digest.start()
    await pass(1)
    expect(log.events.map(({ event }) => event)).toEqual(['bounce.held-trouble'])
    await pass(1)
    expect(told()).toHaveLength(1)
    await digest.stop()
  })
})
