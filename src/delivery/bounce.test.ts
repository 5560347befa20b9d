import { describe, expect, test } from 'vitest'
import type { Mailbox } from '../mail/address.ts'
import { buildDsn } from '../mail/dsn.ts'
import type { DeliveryResult } from '../mail/delivery-result.ts'
import type { Envelope, Recipient } from '../mail/envelope.ts'
import { fakeClock } from '../testkit/fake-clock.ts'
import { memoryQueue } from '../testkit/memory-queue.ts'
import { recordingLog } from '../testkit/recording-log.ts'
import { seededRandom } from '../testkit/seeded-random.ts'
import { createBouncer, type QueuedNotification } from './bounce.ts'
import { doubleBounceUser } from '../mail/double-bounce.ts'
import type { Report } from './notices.ts'

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
  readonly holds?: (recipient: Recipient) => boolean
}

/** What we made of a failure before, with the body that came back. */
function noticeOf(body: string): string {
  const of = {
    id: 'q0',
    at: 0,
    hostname: 'mx.here.test',
    from: { localPart: 'MAILER-DAEMON', domain: 'here.test' },
    to: bob.mailbox,
    envelope: {
      reversePath: bob.mailbox,
      recipients: [],
      bodyType: '8bitmime' as const,
      smtputf8: false,
      requireTls: false,
    },
    recipients: [{ recipient: bob, result: gone }] as const,
    original: { header: Buffer.from('Subject: hi\r\n\r\n'), body: [Buffer.from(body)] },
  }
  return Buffer.from(buildDsn(of).bytes).toString()
}

/** A message in the queue, and what a bouncer makes of the failure of all its recipients. */
async function bounced({ envelope, recipients = [bob], text, ...scene }: Scene = {}) {
  const { doubleBounceTo = postmaster, holds = () => false } = scene
  const clock = fakeClock()
  const log = recordingLog()
  const queue = memoryQueue(clock)
  const told: Pick<QueuedNotification, 'id' | 'to' | 'held'>[] = []
  const bouncer = createBouncer({
    queue,
    clock,
    random: seededRandom(1),
    log,
    queued: ({ id, to, held }) => told.push({ id, to, held }),
    settings: () => ({
      hostname: 'mx.here.test',
      from: { localPart: 'MAILER-DAEMON', domain: 'here.test' },
      maxBytes: 10_000,
      holds,
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
  const tell = (results: readonly DeliveryResult[], how?: 'released') =>
    bouncer.tell(
      entry,
      results.flatMap((result, i): Report[] => {
        const recipient = recipients[i]
        return recipient === undefined ? [] : [{ recipient, result, at: clock.now() }]
      }),
      how,
    )
  const bounce = (how?: 'released') =>
    tell(
      recipients.map(() => gone),
      how,
    )
  return { queue, log, bounce, tell, told, notices: () => queue.commits.slice(1) }
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

  test('of a message that required TLS requires it too, and returns no more than the header', async () => {
    const { bounce, notices } = await bounced({ envelope: { requireTls: true } })
    await bounce()
    expect(notices()[0]?.placement.envelope.requireTls).toBe(true)
    expect(notices()[0]?.message.text).toContain('Subject: hi')
    expect(notices()[0]?.message.text).not.toContain('the body')
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

describe('a success', () => {
  const asked = (localPart: string): Recipient => ({
    mailbox: { localPart, domain: 'there.test' },
    notify: ['success'],
  })
  const taken = { outcome: 'delivered', status: '2.0.0', text: 'ok' } as const

  test('is told to who asked, with the header only, and to nobody else', async () => {
    const { tell, notices } = await bounced({ recipients: [asked('bob'), bob] })
    await tell([taken, taken])
    const [notice] = notices()
    expect(notice?.placement.envelope).toMatchObject({
      reversePath: null,
      recipients: [{ mailbox: ann }],
    })
    expect(notice?.message.text.match(/^Action: delivered/gm)).toHaveLength(1)
    expect(notice?.message.text).toContain('text/rfc822-headers')
    expect(notice?.message.text).not.toContain('the body')
  })

  test('is told as relayed where the next hop sends no notices, and not at all where it does', async () => {
    const { tell, notices } = await bounced({ recipients: [asked('bob'), asked('cid')] })
    await tell([
      { ...taken, relayed: 'without-dsn' },
      { ...taken, relayed: 'with-dsn' },
    ])
    expect(notices()[0]?.message.text).toContain('Action: relayed')
    expect(notices()[0]?.message.text).not.toContain('cid@there.test')
  })

  test('of a bounce is told to nobody', async () => {
    const { tell, notices } = await bounced({
      recipients: [asked('bob')],
      envelope: { reversePath: null },
    })
    await tell([taken])
    expect(notices()).toEqual([])
  })

  test('and a failure of one message make one notice', async () => {
    const { tell, notices } = await bounced({ recipients: [asked('bob'), asked('cid'), bob] })
    await tell([taken, taken, gone])
    expect(notices()).toHaveLength(1)
    expect(notices()[0]?.message.text.match(/^Action: /gm)).toHaveLength(3)
  })
})

describe('a delay', () => {
  test('is told to who asked for it, and says until when it is tried', async () => {
    const asked: Recipient = { ...bob, notify: ['delay'] }
    const late = { outcome: 'deferred', status: '4.4.1', text: 'no answer' } as const
    const { tell, notices } = await bounced({ recipients: [asked, bob] })
    await tell([late, late])
    expect(notices()).toHaveLength(1)
    expect(notices()[0]?.message.text.match(/^Action: delayed/gm)).toHaveLength(1)
    expect(notices()[0]?.message.header.first('subject')).toBe('delay notice')
  })
})

describe('a failure whose sender may be forged', () => {
  const holds = ({ mailbox }: Recipient) => mailbox.domain === 'there.test'
  const here: Recipient = { mailbox: { localPart: 'dan', domain: 'here.test' } }

  test('is told on hold, and the others of the message at once', async () => {
    const {
      bounce,
      notices,
      log,
      queue,
      told: all,
    } = await bounced({
      recipients: [bob, here],
      holds,
    })
    await bounce()
    expect(all.map(({ id, to, held }) => [queue.find(id)?.held, to, held])).toEqual([
      [true, ann, true],
      [false, ann, false],
    ])
    const told = notices().map(({ placement, message }) => [
      placement.disposition,
      placement.reason?.split(':')[0],
      [...message.text.matchAll(/^Final-Recipient: rfc822;(\S+)/gm)].map(([, name]) => name),
    ])
    expect(told).toEqual([
      ['hold', 'bounce_unauthenticated', ['bob@there.test']],
      ['deliver', undefined, ['dan@here.test']],
    ])
    expect(log.events.map(({ event }) => event)).toEqual(['bounce.held', 'bounce.queued'])
  })

  test('is told at once to who had logged in, and where an operator says so', async () => {
    const known = await bounced({ holds, envelope: { user: 'ann' } })
    await known.bounce()
    const released = await bounced({ holds })
    await released.bounce('released')
    for (const { notices } of [known, released]) {
      expect(notices().map(({ placement }) => placement.disposition)).toEqual(['deliver'])
    }
  })

  test('is told to our own postmaster at once where it is a bounce', async () => {
    const { bounce, notices } = await bounced({ holds, envelope: { reversePath: null } })
    await bounce()
    expect(notices()[0]?.placement.disposition).toBe('deliver')
  })
})

describe('a notification of ours that a next hop without 8BITMIME does not take', () => {
  const unfit = { outcome: 'failed', status: '5.6.3', text: 'takes 7-bit text only' } as const
  const envelope = { reversePath: null, bodyType: '8bitmime' } as const

  test('goes once more in ASCII, and nobody else hears of it', async () => {
    const { tell, notices } = await bounced({ envelope, text: noticeOf('Grüße\r\n') })
    await tell([unfit])
    const [again, ...others] = notices()
    expect(others).toEqual([])
    expect(again?.placement.envelope).toMatchObject({
      reversePath: null,
      recipients: [bob],
      bodyType: '7bit',
      smtputf8: false,
    })
    expect(again?.message.text).toContain('text/rfc822-headers')
    expect(again?.message.text).not.toContain('Grüße')
  })

  test('is a double bounce where that does not help, or others wrote it', async () => {
    const origin = { address: '192.0.2.1', port: 1, protocol: 'ESMTP' } as const
    for (const [scene, result] of [
      [{ envelope, text: noticeOf('Gruss\r\n') }, unfit],
      [{ envelope, text: noticeOf('Grüße\r\n') }, gone],
      [{ envelope: { ...envelope, origin }, text: noticeOf('Grüße\r\n') }, unfit],
    ] as const) {
      const { tell, notices } = await bounced(scene)
      // oxlint-disable-next-line no-await-in-loop -- one scene after the other
      await tell([result])
      const to = notices().map(({ placement }) => placement.envelope.recipients[0]?.mailbox)
      expect(to).toEqual([postmaster])
    }
  })

  test('and that tells of a bounce, stays one that nobody is told of', async () => {
    const double = { ...envelope, user: doubleBounceUser }
    const { tell, notices } = await bounced({ envelope: double, text: noticeOf('Grüße\r\n') })
    await tell([unfit])
    expect(notices()[0]?.placement.envelope.user).toBe(doubleBounceUser)
  })
})
