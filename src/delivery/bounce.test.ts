import { describe, expect, test } from 'vitest'
import type { Mailbox } from '../mail/address.ts'
import type { Envelope, Recipient } from '../mail/envelope.ts'
import { fakeClock } from '../testkit/fake-clock.ts'
import { memoryQueue } from '../testkit/memory-queue.ts'
import { recordingLog } from '../testkit/recording-log.ts'
import { seededRandom } from '../testkit/seeded-random.ts'
import { createBouncer, doubleBounceUser } from './bounce.ts'

const ann = { localPart: 'ann', domain: 'here.test' }
const bob: Recipient = { mailbox: { localPart: 'bob', domain: 'there.test' } }
const postmaster = { localPart: 'postmaster', domain: 'here.test' }
const gone = {
  outcome: 'failed',
  status: '5.1.1',
  text: '550 5.1.1 Nobody',
  remote: 'mx.test',
} as const

interface Scene {
  readonly envelope?: Partial<Envelope>
  readonly recipients?: readonly Recipient[]
  /** Null: nobody. */
  readonly doubleBounceTo?: Mailbox | null
  readonly text?: string
}

/** A message in the queue, and what a bouncer makes of the failure of all its recipients. */
async function bounced({ envelope, recipients = [bob], text, ...scene }: Scene = {}) {
  const { doubleBounceTo = postmaster } = scene
  const clock = fakeClock()
  const log = recordingLog()
  const queue = memoryQueue(clock)
  const bouncer = createBouncer({
    queue,
    clock,
    random: seededRandom(1),
    log,
    settings: () => ({
      hostname: 'mx.here.test',
      from: { localPart: 'MAILER-DAEMON', domain: 'here.test' },
      maxBytes: 10_000,
      ...(doubleBounceTo === null ? {} : { doubleBounceTo }),
    }),
  })
  const draft = queue.begin()
  await draft.write(Buffer.from(text ?? 'Subject: hi\r\n\r\nthe body\r\n'))
  await draft.end()
  const { ids } = await draft.commit([
    {
      disposition: 'deliver',
      headerEdits: [],
      envelope: {
        reversePath: ann,
        recipients,
        bodyType: '7bit',
        smtputf8: false,
        requireTls: false,
        ...envelope,
      },
    },
  ])
  const entry = queue.find(ids[0])!
  const bounce = () =>
    bouncer.bounce(
      entry,
      recipients.map((recipient) => ({ recipient, result: gone, at: clock.now() })),
    )
  return { queue, log, bounce, notices: () => queue.commits.slice(1) }
}

describe('a bounce', () => {
  test('goes to the reverse-path from the null path, and tells who failed and why', async () => {
    const { bounce, notices, queue } = await bounced()
    await bounce()
    const [notice] = notices()
    expect(notice?.placement.envelope).toMatchObject({
      reversePath: null,
      recipients: [{ mailbox: ann }],
    })
    expect(notice?.message.header.first('From')).toContain('MAILER-DAEMON@here.test')
    expect(notice?.message.text).toContain('Final-Recipient: rfc822;bob@there.test')
    expect(notice?.message.text).toContain('Status: 5.1.1')
    expect(notice?.message.text).toContain('550 5.1.1 Nobody')
    expect(notice?.message.text).toContain('Subject: hi\r\n\r\nthe body\r\n')
    expect(queue.openDrafts).toBe(0)
  })

  test('is one for all recipients that failed together', async () => {
    const cid = { mailbox: { localPart: 'cid', domain: 'there.test' } }
    const { bounce, notices } = await bounced({ recipients: [bob, cid] })
    await bounce()
    expect(notices()).toHaveLength(1)
    expect(notices()[0]?.message.text.match(/^Final-Recipient/gm)).toHaveLength(2)
  })

  test('leaves out those who wanted none', async () => {
    const never: Recipient = { ...bob, notify: ['never'] }
    const onSuccess: Recipient = { ...bob, notify: ['success', 'delay'] }
    const quiet = await bounced({ recipients: [never, onSuccess] })
    await quiet.bounce()
    expect(quiet.notices()).toEqual([])
    const asked: Recipient = {
      mailbox: { localPart: 'cid', domain: 'there.test' },
      notify: ['failure'],
    }
    const mixed = await bounced({ recipients: [never, asked] })
    await mixed.bounce()
    expect(mixed.notices()[0]?.message.text).not.toContain('bob@there.test')
  })

  test('returns a message that is too large without its body', async () => {
    const text = `Subject: large\r\n\r\n${'the body\r\n'.repeat(2000)}`
    const { bounce, notices } = await bounced({ text })
    await bounce()
    expect(notices()[0]?.message.text).toContain('Subject: large')
    expect(notices()[0]?.message.text).not.toContain('the body')
  })

  test('of a header without end is bounded', async () => {
    const { bounce, notices } = await bounced({ text: `Subject: ${'x'.repeat(100_000)}\r\n` })
    await bounce()
    expect(notices()[0]?.message.sizeBytes).toBeLessThan(20_000)
  })

  test('that the queue does not take is an error, and leaves no draft behind', async () => {
    const { queue, bounce } = await bounced()
    queue.refuseNextCommit('DISK_FULL')
    await expect(bounce()).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(queue.openDrafts).toBe(0)
  })
})

describe('a bounce that bounces', () => {
  test('is told to the postmaster, once', async () => {
    const { bounce, notices } = await bounced({ envelope: { reversePath: null } })
    await bounce()
    expect(notices()[0]?.placement.envelope).toMatchObject({
      reversePath: null,
      recipients: [{ mailbox: postmaster }],
      user: doubleBounceUser,
    })
    expect(notices()[0]?.message.text).toContain('the bounce bounced')
  })

  test.each([
    { reversePath: null, user: doubleBounceUser },
    { reversePath: { localPart: '#', domain: '[]' } },
  ])('and bounces again is dropped and logged: %j', async (envelope) => {
    const { bounce, notices, log } = await bounced({ envelope })
    await bounce()
    expect(notices()).toEqual([])
    expect(log.events).toMatchObject([
      { level: 'warn', event: 'bounce.dropped', fields: { recipients: ['<bob@there.test>'] } },
    ])
  })

  test('is dropped where nobody is to be told', async () => {
    const { bounce, notices, log } = await bounced({
      envelope: { reversePath: null },
      doubleBounceTo: null,
    })
    await bounce()
    expect(notices()).toEqual([])
    expect(log.events.map(({ event }) => event)).toEqual(['bounce.dropped'])
  })
})
