import { describe, expect, test } from 'vitest'
import { chainUnderTest, entryOf } from '../testkit/chain-under-test.ts'
import { definePlugin } from '../plugin/plugin.ts'
import { pass } from '../plugin/verdict.ts'
import { voucher } from '../../test/fixtures/plugins/voucher/voucher.ts'

async function judged(refused: boolean, { withReader = true, isOn = true } = {}) {
  const steps: string[] = []
  const reader = definePlugin({
    name: 'reader',
    setup: () => ({
      async message() {
        steps.push('judged')
        await Promise.resolve()
        return pass()
      },
    }),
  })
  const chain = chainUnderTest({
    entries: [entryOf(voucher), ...(withReader ? [entryOf(reader)] : [])],
    crashWatch: {
      isOn,
      enter({ message }) {
        steps.push(`enter ${message.sizeBytes}`)
        return refused ? Promise.resolve(undefined) : () => void steps.push('leave')
      },
    },
  })
  const session = chain.dial()
  await session.connect()
  await session.hello()
  await session.mail()
  await session.rcpt('bob@postern.test')
  const reply = await session.message('Subject: x\r\n\r\n')
  return { steps, reply, trace: await chain.trace() }
}

describe('a message that entries judge', () => {
  test('is noted from before the first of them until after the last', async () => {
    const { steps, reply } = await judged(false)
    expect(steps).toEqual(['enter 14', 'judged', 'leave'])
    expect(reply).toBe('250')
  })

  test('is deferred unseen where it has ended processes', async () => {
    const { steps, reply, trace } = await judged(true)
    expect(steps).toEqual(['enter 14'])
    expect(reply).toMatch(/^451 4\.3\.0 /)
    expect(trace?.end).toBe('refused')
  })

  test('is not noted where no process has ended lately', async () => {
    const { steps, reply } = await judged(true, { isOn: false })
    expect(steps).toEqual(['judged'])
    expect(reply).toBe('250')
  })

  test('is not noted where no entry wants to see it', async () => {
    const { steps, reply } = await judged(true, { withReader: false })
    expect(steps).toEqual([])
    expect(reply).toBe('250')
  })
})
