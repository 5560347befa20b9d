import { expect, test } from 'vitest'
import { definePlugin } from '../plugin/plugin.ts'
import { chainUnderTest, entryOf } from '../testkit/chain-under-test.ts'
import { fakeClock } from '../testkit/fake-clock.ts'
import { memoryQueue } from '../testkit/memory-queue.ts'
import { recordingLog } from '../testkit/recording-log.ts'
import { signedPost } from './signed-post.ts'

const signer = definePlugin({
  name: 'signer',
  options: {},
  setup: () => ({
    sign: ({ message }) => [{ name: 'X-Signed', value: message.header.first('Subject') ?? '' }],
  }),
})

test('what the gateway writes is signed when it is complete, above what was to be added', async () => {
  const clock = fakeClock()
  const queue = memoryQueue(clock)
  const generation = chainUnderTest({ entries: [] }).build({ entries: [entryOf(signer)] })
  const draft = signedPost({
    queue,
    doors: { clock, log: recordingLog() },
    hostname: () => 'here.test',
    generation: () => generation,
  }).begin()
  await draft.write(Buffer.from('Subject: all of it\r\n\r\nhello\r\n'))
  await draft.end()
  await draft.commit([
    {
      disposition: 'deliver',
      headerEdits: [{ edit: 'prepend', name: 'X-Added', value: '1' }],
      envelope: {
        reversePath: null,
        recipients: [{ mailbox: { localPart: 'ann', domain: 'there.test' } }],
        bodyType: '7bit',
        smtputf8: false,
        requireTls: false,
      },
    },
  ])
  expect(queue.commits[0]?.placement.headerEdits).toEqual([
    { edit: 'prepend', name: 'X-Added', value: '1' },
    { edit: 'prepend', name: 'X-Signed', value: 'all of it' },
  ])
  expect(generation.sessions).toBe(0)
})
