import { expect, test } from 'vitest'
import type { Envelope, Recipient } from '../../mail/envelope.ts'
import { fakeClock } from '../../testkit/fake-clock.ts'
import { memoryQueue } from '../../testkit/memory-queue.ts'
import { recordingLog } from '../../testkit/recording-log.ts'
import { forwardIntoQueue } from './forward.ts'

const joe: Recipient = {
  mailbox: { localPart: 'joe', domain: 'here.test' },
  notify: ['never'],
  originalRecipient: 'rfc822;j@old.test',
}
const received: Envelope = {
  reversePath: { localPart: 'ann', domain: 'far.test' },
  recipients: [joe],
  bodyType: '7bit',
  smtputf8: true,
  requireTls: true,
  envelopeId: 'e1',
  returnContent: 'headers',
  user: 'ann',
}

async function forwarded(sender: string, recipients: readonly string[], recipient = joe) {
  const queue = memoryQueue(fakeClock())
  const forward = forwardIntoQueue({ queue, log: recordingLog(), defaultHost: () => 'here.test' })
  const message = (async function* () {
    yield Buffer.from('Subject: x\n\nbody\n')
  })()
  const done = await forward({
    sender,
    recipients,
    message,
    received: { envelope: received, recipient },
  })
  const entries = await Array.fromAsync(queue.entries())
  const envelopes = entries.flatMap((entry) => ('damaged' in entry ? [] : [entry.envelope]))
  const ids = entries.flatMap((entry) => ('damaged' in entry ? [] : [entry.id]))
  expect(done).toMatchObject({ queued: ids[0], ledTo: ids })
  return { done, envelope: envelopes[0] }
}

test('where one address stands for another, what the sender wants to be told goes on', async () => {
  const { done, envelope } = await forwarded('ann@far.test', ['joe@away.test'])
  const mailbox = { localPart: 'joe', domain: 'away.test' }
  expect(envelope).toEqual({ ...received, recipients: [{ ...joe, mailbox }] })
  expect(done).toMatchObject({ relayed: 'with-dsn' })
})

test.each([
  [['success', 'failure'], ['failure']],
  [['success'], ['never']],
  [['never'], ['never']],
  [undefined, undefined],
] as const)('of several addresses a sender who asked for %j is told %j', async (asked, told) => {
  const { notify: _, ...plain } = joe
  const recipient = asked === undefined ? plain : { ...joe, notify: asked }
  const to = ['joe@away.test', 'amy@away.test']
  const { done, envelope } = await forwarded('ann@far.test', to, recipient)
  expect(envelope?.recipients.map(({ notify }) => notify)).toEqual([told, told])
  expect(envelope).toMatchObject({ envelopeId: 'e1', returnContent: 'headers', user: 'ann' })
  // That it went on to them is what we tell.
  expect(done).not.toHaveProperty('relayed')
})

test('a list with an owner is where the mail of its sender ends', async () => {
  const { done, envelope } = await forwarded('joe-owner@here.test', ['joe@away.test'])
  expect(envelope?.recipients.map((each) => Object.keys(each))).toEqual([['mailbox']])
  expect(envelope).not.toHaveProperty('envelopeId')
  expect(done).not.toHaveProperty('relayed')
  // But whoever it goes to, it goes by TLS.
  expect(envelope).toMatchObject({ requireTls: true, smtputf8: true })
})
