import { expect, test } from 'vitest'
import { fakeClock } from '../../testkit/fake-clock.ts'
import { fakeDisk } from '../../testkit/fake-disk.ts'
import { seededRandom } from '../../testkit/seeded-random.ts'
import { maildirTransport } from '../transport/maildir.ts'
import { memoryMessage } from '../../testkit/memory-message.ts'
import { maildirRoute } from '../router.ts'
import { mailboxRoom } from './mailbox-room.ts'

const mailbox = { localPart: 'bob', domain: 'here.test' }
const content = `Subject: hi\r\n\r\n${`${'x'.repeat(76)}\r\n`.repeat(1000)}`
/** What a chain may well put above it: nothing of it was in the client's SIZE. */
const written = `Received: from c.test by mx.test; now\r\nAuthentication-Results: ${'r'.repeat(900)}\r\nX-Spam-Status: ${'t'.repeat(900)}\r\n`

test('what has room when it is asked for, by its declared size, is not turned away by what we write above it', async () => {
  const parts = { disk: fakeDisk({ '/srv/motd': '' }), clock: fakeClock(), random: seededRandom(1) }
  const room = mailboxRoom(parts, '/srv/mail')
  const transport = maildirTransport({ ...parts, process: { pid: 1 }, hostname: 'mx' })
  const message = memoryMessage(written + content)
  const envelope = {
    reversePath: null,
    recipients: [{ mailbox }],
    bodyType: '7bit',
    smtputf8: false,
    requireTls: false,
  } as const
  const outcomes: (readonly [asked: string, delivered: string | undefined])[] = []
  for (const bytes of [content.length, content.length + 5000]) {
    const quota = { bytes }
    const full = await room.isFull('bob@here.test', quota, content.length)
    const route = { ...maildirRoute('/srv/mail', mailbox), quota }
    const delivery = { queueId: 'q', message, envelope, recipients: envelope.recipients, route }
    const [result] = await transport.deliver(delivery, new AbortController().signal)
    outcomes.push([full ? 'full' : 'room', result?.status])
  }
  expect(outcomes).toEqual([
    ['full', '5.2.2'],
    ['room', '2.0.0'],
  ])
})
