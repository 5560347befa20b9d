import { expect, test } from 'vitest'
import { definePlugin } from '../plugin/plugin.ts'
import { pass, quarantine, reject } from '../plugin/verdict.ts'
import { chainUnderTest, entryOf } from '../testkit/chain-under-test.ts'
import { voucher } from '../../test/fixtures/plugins/voucher/voucher.ts'

/** Looks only at mail for strict.test, by something that is down as long as it says so. */
function scannerThat(state: { down: boolean; asked: number }) {
  const unasked = (domain: string | undefined) =>
    domain === 'strict.test' ? undefined : domain === 'held.test' ? quarantine() : pass()
  return definePlugin({
    name: 'scanner',
    setup: () => ({
      message({ transaction }) {
        const settled = unasked(transaction.recipients[0]?.mailbox.domain)
        if (settled !== undefined) return settled
        state.asked += 1
        if (state.down) throw new Error('down')
        return reject('5.7.1', 'Found something')
      },
      unasked: ({ transaction }) => unasked(transaction.recipients[0]?.mailbox.domain),
    }),
  })
}

test('an entry that rests after faults still says what it need not ask for, and that is no sign of recovery', async () => {
  const state = { down: true, asked: 0 }
  const chain = chainUnderTest({ entries: [entryOf(voucher), entryOf(scannerThat(state))] })
  const session = chain.dial()
  await session.connect()
  await session.hello()
  const sent = async (domain: string): Promise<string> => {
    await session.mail()
    await session.rcpt(`bob@${domain}`)
    return session.message()
  }
  for (let time = 0; time < 6; time++) expect(await sent('strict.test')).toMatch(/^451 4\.3\.0 /)
  const breaker = chain.policy.generation.entries[0]?.breakers
  const scanner = chain.policy.generation.entries[1]?.breakers
  expect([breaker?.state, scanner?.state, state.asked]).toEqual(['closed', 'open', 5])
  expect(await sent('open.test')).toBe('250')
  expect(await sent('held.test')).toBe('250')
  expect(session.placements).toMatchObject([{ disposition: 'hold' }])
  chain.clock.advance(30_000)
  expect(await sent('open.test')).toBe('250')
  expect(scanner?.state).toBe('open')
  state.down = false
  expect(await sent('strict.test')).toBe('550 5.7.1 Found something')
  expect(scanner?.state).toBe('closed')
})

test('an entry that cannot say what it need not ask for is asked again all the same when its rest is over', async () => {
  let isDown = true
  const clumsy = definePlugin({
    name: 'clumsy',
    setup: () => ({
      message() {
        if (isDown) throw new Error('down')
        return pass()
      },
      unasked() {
        throw new Error('no idea')
      },
    }),
  })
  const chain = chainUnderTest({ entries: [entryOf(voucher), entryOf(clumsy)] })
  const session = chain.dial()
  await session.connect()
  await session.hello()
  const sent = async (): Promise<string> => {
    await session.mail()
    await session.rcpt('bob@postern.test')
    return session.message()
  }
  for (let time = 0; time < 6; time++) expect(await sent()).toMatch(/^451 4\.3\.0 /)
  isDown = false
  expect(await sent()).toMatch(/^451 4\.3\.0 /)
  chain.clock.advance(30_000)
  expect(await sent()).toBe('250')
  expect(await sent()).toBe('250')
})

test('an entry in shadow that rests says so to nobody but the trace', async () => {
  const state = { down: true, asked: 0 }
  const scanner = entryOf(scannerThat(state), { mode: 'shadow' })
  const chain = chainUnderTest({ entries: [entryOf(voucher), scanner] })
  const session = chain.dial()
  await session.connect()
  await session.hello()
  const sent = async (domain: string): Promise<string> => {
    await session.mail()
    await session.rcpt(`bob@${domain}`)
    return session.message()
  }
  for (let time = 0; time < 6; time++) expect(await sent('strict.test')).toBe('250')
  expect(await sent('held.test')).toBe('250')
  expect(session.placements).toMatchObject([{ disposition: 'deliver' }])
  expect((await chain.trace())?.steps).toContainEqual(
    expect.objectContaining({ entry: 'scanner', verdict: 'quarantine' }),
  )
})
