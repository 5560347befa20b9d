import { describe, expect, test } from 'vitest'
import { definePlugin } from '../plugin/plugin.ts'
import { chainUnderTest, entryOf, type ChainUnderTest } from '../testkit/chain-under-test.ts'
import { objector } from '../../test/fixtures/plugins/objector/objector.ts'
import { onePassword } from '../../test/fixtures/plugins/one-password/one-password.ts'
import { voucher } from '../../test/fixtures/plugins/voucher/voucher.ts'
import type { EntryConfig } from './entry.ts'
import { redecide } from './redecide.ts'

const backEnd = entryOf(onePassword, { name: 'alice', options: { user: 'alice' } })
const broken = entryOf(
  definePlugin({
    name: 'broken',
    setup: () => ({
      verify: () => {
        throw new Error('no connection')
      },
    }),
  }),
  { onFault: 'defer' },
)

/** @returns what the last login was answered, and the chain that has seen the session end */
async function afterLogins(
  entries: readonly EntryConfig[],
  logins: readonly (readonly [user: string, password?: string])[],
): Promise<{ readonly chain: ChainUnderTest; readonly said: string }> {
  const chain = chainUnderTest({ entries })
  const session = chain.dial({ listener: 'submission' })
  await session.connect()
  await session.hello()
  let said = ''
  // oxlint-disable-next-line no-await-in-loop -- one after the other
  for (const [user, password] of logins) said = await session.login(user, password)
  session.end()
  return { chain, said }
}

describe('a session that came to nothing but a login that failed', () => {
  const throttle = entryOf(objector, { options: { stage: 'auth', text: 'Too many tries' } })
  const refused = { outcome: 'refused' } as const
  const nobody = { ...refused, reason: 'NOT_VOUCHED' }
  test.each([
    ['with a wrong password', [backEnd], ['alice', 'wrong'], nobody],
    ['of a user whom nobody knows', [backEnd], ['carol'], nobody],
    [
      'that an entry was against',
      [throttle, backEnd],
      ['alice'],
      { ...refused, entry: 'objector' },
    ],
    ['at a broken back end', [broken], ['alice'], { outcome: 'deferred', entry: 'broken' }],
  ] as const)('is explained: %s', async (_, entries, login, summary) => {
    const [name] = login
    const { chain, said } = await afterLogins(entries, [login])
    const trace = await chain.trace()
    expect(trace).toMatchObject({ end: 'refused', stage: 'auth', failedLogin: name })
    expect(trace?.summary).toMatchObject({ ...summary, failedLogin: name })
    const last = trace === undefined ? undefined : redecide(trace)?.last
    expect(last?.ruling === 'pass' ? '' : `${last?.code} ${last?.status} ${last?.text}`).toBe(said)
  })

  test('shows the last of several', async () => {
    const { chain } = await afterLogins([backEnd], [['bob'], ['alice', 'wrong']])
    expect(await chain.trace()).toMatchObject({ failedLogin: 'alice', stage: 'auth' })
  })
})

test('a login that succeeds in the end leaves nothing to explain', async () => {
  const { chain } = await afterLogins([backEnd], [['alice', 'wrong'], ['alice']])
  expect(await chain.trace()).toBeUndefined()
})

test('mail after a login that failed is explained as mail', async () => {
  const chain = chainUnderTest({ entries: [backEnd, entryOf(voucher)] })
  const session = chain.dial({ listener: 'submission' })
  await session.connect()
  await session.hello()
  await session.login('alice', 'wrong')
  await session.mail()
  await session.rcpt('bob@postern.test')
  await session.message()
  session.end()
  const trace = await chain.trace()
  expect(trace).toMatchObject({ end: 'committed', stage: 'message' })
  expect(trace?.failedLogin).toBeUndefined()
})
