import { describe, expect, test } from 'vitest'
import { accept, defer, definePlugin, pass } from '../plugin/index.ts'
import { chainUnderTest, entryOf } from '../testkit/chain-under-test.ts'

const voucher = definePlugin({
  name: 'voucher',
  vouches: 'local',
  setup: (_options, { metrics }) => {
    const seen = metrics.counter('seen_total', 'Recipients seen', { of: 'everybody' })
    return {
      rcpt() {
        seen.add()
        return accept()
      },
    }
  },
})
const broken = definePlugin({
  name: 'broken',
  setup: () => ({
    mail() {
      throw new Error('no luck')
    },
  }),
})
const doubtful = definePlugin({
  name: 'doubtful',
  setup: () => ({
    rcpt: ({ recipient }) =>
      recipient.mailbox.localPart === 'slow' ? defer('4.7.1', 'Later') : pass(),
  }),
})

describe('a chain', () => {
  test('counts each answer by entry, stage and mode, and how long it took', async () => {
    const chain = chainUnderTest({
      entries: [entryOf(voucher), entryOf(doubtful, { mode: 'shadow' })],
    })
    const session = chain.dial()
    await session.connect()
    await session.hello()
    await session.mail()
    await session.rcpt('bob@postern.test')
    await session.rcpt('slow@postern.test')
    await session.message()
    session.end()
    const value = (name: string, labels: Record<string, string>) =>
      chain.metrics.value(name, labels)
    const voucherLabels = { entry: 'voucher', stage: 'rcpt', mode: 'enforce' }
    const shadowLabels = { entry: 'doubtful', stage: 'rcpt', mode: 'shadow' }
    const verdicts = 'postern_entry_verdicts_total'
    expect(await value(verdicts, { ...voucherLabels, verdict: 'accept' })).toBe(2)
    expect(await value(verdicts, { ...shadowLabels, verdict: 'defer' })).toBe(1)
    expect(await value(verdicts, { ...shadowLabels, verdict: 'pass' })).toBe(1)
    expect(await value('postern_entry_seconds', { entry: 'voucher', stage: 'rcpt' })).toBe(2)
    const ended = { listener: 'mx', outcome: 'committed' }
    expect(await value('postern_transactions_total', ended)).toBe(1)
  })

  test('counts faults by what went wrong', async () => {
    const chain = chainUnderTest({ entries: [entryOf(broken), entryOf(voucher)] })
    const session = chain.dial()
    await session.connect()
    await session.hello()
    expect(await session.mail()).toMatch(/^451/)
    const labels = { entry: 'broken', stage: 'mail', fault: 'threw' }
    expect(await chain.metrics.value('postern_entry_faults_total', labels)).toBe(1)
    const verdict = { entry: 'broken', stage: 'mail', mode: 'enforce', verdict: 'defer' }
    expect(await chain.metrics.value('postern_entry_verdicts_total', verdict)).toBe(1)
  })

  test('gives each plugin numbers of its own, under the name of its entry', async () => {
    const chain = chainUnderTest({
      entries: [entryOf(voucher, { name: 'one' }), entryOf(voucher, { name: 'two' })],
    })
    const session = chain.dial()
    await session.connect()
    await session.hello()
    await session.mail()
    await session.rcpt('bob@postern.test')
    for (const entry of ['one', 'two']) {
      const labels = { entry, of: 'everybody' }
      expect(await chain.metrics.value('postern_plugin_voucher_seen_total', labels)).toBe(1)
    }
  })
})
