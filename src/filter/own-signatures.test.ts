import { expect, test } from 'vitest'
import { definePlugin } from '../plugin/plugin.ts'
import { chainUnderTest, entryOf } from '../testkit/chain-under-test.ts'
import { fakeClock } from '../testkit/fake-clock.ts'
import { memoryMessage } from '../testkit/memory-message.ts'
import { recordingLog } from '../testkit/recording-log.ts'
import type { EntryConfig } from './entry.ts'
import { ownSignatures } from './own-signatures.ts'

const report = {
  message: memoryMessage('From: postmaster@here.test\r\n\r\nhello\r\n'),
  reversePath: null,
  recipients: [{ mailbox: { localPart: 'tls', domain: 'there.test' } }],
}

async function signedBy(...entries: readonly EntryConfig[]) {
  const generation = chainUnderTest({ entries: [] }).build({ entries })
  const log = recordingLog()
  const parts = { generation: () => generation, hostname: () => 'here.test' }
  const edits = await ownSignatures({ ...parts, clock: fakeClock(), log }, report)
  expect(generation.sessions).toBe(0)
  return edits.map((edit) => (edit.edit === 'prepend' ? [edit.name, edit.value] : edit.edit))
}

const signer = definePlugin({
  name: 'signer',
  options: {},
  setup: () => ({
    sign: ({ transaction }) => [{ name: 'X-Signed', value: transaction.session.hostname }],
  }),
})
const silent = definePlugin({ name: 'silent', options: {}, setup: () => ({ sign: () => [] }) })
const broken = definePlugin({
  name: 'broken',
  options: {},
  setup: () => ({
    sign: () => {
      throw new Error('no key')
    },
  }),
})

test('what the gateway itself sends is signed by those who sign what people send', async () => {
  expect(await signedBy(entryOf(signer), entryOf(silent))).toEqual([['X-Signed', 'here.test']])
})

test('a signer that fails, or is only watched, leaves it as it is', async () => {
  const watched = entryOf(signer, { name: 'watched', mode: 'shadow' })
  expect(await signedBy(entryOf(broken), watched, entryOf(signer))).toEqual([
    ['X-Signed', 'here.test'],
  ])
})
