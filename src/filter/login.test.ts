import { describe, expect, test } from 'vitest'
import { definePlugin } from '../plugin/plugin.ts'
import { pass } from '../plugin/verdict.ts'
import { chainUnderTest, entryOf, type TestSession } from '../testkit/chain-under-test.ts'
import { objector } from '../../test/fixtures/plugins/objector/objector.ts'
import { onePassword } from '../../test/fixtures/plugins/one-password/one-password.ts'
import type { EntryConfig } from './entry.ts'
import { LoginEnvironments } from './login-environments.ts'

const sessionWith = async (
  entries: readonly EntryConfig[],
  variables: Record<string, string> = {},
): Promise<TestSession> => {
  const environment = { variables: new Map(Object.entries(variables)), source: 'tcp.smtp:1' }
  const chain = chainUnderTest({
    entries,
    environmentOf: () => ({ environment, denied: false }),
  })
  const session = chain.dial({ listener: 'submission' })
  await session.connect()
  await session.hello()
  return session
}

const backEnd = (name: string, options: object = {}, config: Partial<EntryConfig> = {}) =>
  entryOf(onePassword, { name, options: { user: name, ...options }, ...config })

describe('silence is not consent', () => {
  test('a login that no back end knows is refused', async () => {
    const session = await sessionWith([backEnd('alice'), backEnd('bob')])
    expect(await session.login('carol')).toBe('535 5.7.8 Authentication credentials invalid')
    expect(await session.login('alice', 'wrong')).toMatch(/^535 5\.7\.8 /)
  })

  test('one back end that knows the user is enough', async () => {
    const session = await sessionWith([backEnd('alice'), backEnd('bob')])
    expect(await session.login('bob')).toBe('235')
  })

  test('a shadow back end lets nobody in', async () => {
    const session = await sessionWith([backEnd('alice', {}, { mode: 'shadow' })])
    expect(await session.login('alice')).toMatch(/^535 /)
  })

  test('mechanisms are offered where a back end can answer, and only there', async () => {
    expect((await sessionWith([backEnd('alice')])).policy.settings.mechanisms).toEqual([
      'PLAIN',
      'LOGIN',
    ])
    expect((await sessionWith([])).policy.settings.mechanisms).toEqual([])
    const shadowed = await sessionWith([backEnd('alice', {}, { mode: 'shadow' })])
    expect(shadowed.policy.settings.mechanisms).toEqual([])
  })
})

describe('policy around a login', () => {
  test('an objection at auth beats every back end', async () => {
    const session = await sessionWith([
      backEnd('alice'),
      entryOf(objector, { options: { stage: 'auth', text: 'Too many tries' } }),
    ])
    expect(await session.login('alice')).toBe('535 5.7.1 Too many tries')
  })

  test('a deferral is 454', async () => {
    const options = { stage: 'auth', verdict: 'defer', text: 'Slow down' }
    const session = await sessionWith([backEnd('alice'), entryOf(objector, { options })])
    expect(await session.login('alice')).toBe('454 4.7.1 Slow down')
  })
})

describe('a back end that fails', () => {
  const broken = (config: Partial<EntryConfig> = {}) => backEnd('alice', { broken: true }, config)

  test('is no objection where another knows the user', async () => {
    const session = await sessionWith([broken(), backEnd('bob')])
    expect(await session.login('bob')).toBe('235')
  })

  test('defers where nobody else does', async () => {
    const session = await sessionWith([broken(), backEnd('bob')])
    expect(await session.login('alice')).toBe('454 4.7.0 Temporary authentication failure')
  })

  test('is silent where its entry says so', async () => {
    const session = await sessionWith([broken({ onFault: 'pass' })])
    expect(await session.login('alice')).toMatch(/^535 5\.7\.8 /)
  })

  test.each(['yes', 1, null])(
    'an answer that is neither true nor false (%j) lets nobody in',
    async (answer) => {
      const careless = definePlugin({
        name: 'careless',
        setup: () => ({ verify: () => JSON.parse(JSON.stringify(answer)) }),
      })
      expect(await (await sessionWith([entryOf(careless)])).login('alice')).toMatch(/^454 /)
    },
  )
})

describe('after a login', () => {
  test('AUTH_SET_X sets X and AUTH_UNSET_X takes it away, for options and settings', async () => {
    const seen: (string | undefined)[] = []
    const looker = definePlugin({
      name: 'looker',
      setup: () => ({
        mail({ session }) {
          seen.push(session.environment.variables.get('DKSIGN'))
          return pass()
        },
      }),
    })
    const session = await sessionWith([backEnd('alice'), entryOf(looker)], {
      DATABYTES: '1000',
      AUTH_SET_DATABYTES: '5000',
      AUTH_SET_DKSIGN: 'key',
      RBLSMTPD: 'no',
      AUTH_UNSET_RBLSMTPD: '1',
    })
    await session.mail()
    expect(session.policy.settings.maxMessageBytes).toBe(1000)
    session.reset()
    await session.login('alice')
    await session.mail()
    expect(session.policy.settings.maxMessageBytes).toBe(5000)
    expect([...session.policy.environment.variables.keys()].toSorted()).toEqual([
      'DATABYTES',
      'DKSIGN',
    ])
    expect(seen).toEqual([undefined, 'key'])
  })

  test('logins under one rule share one environment, so that options are resolved once', async () => {
    const chain = chainUnderTest({
      entries: [backEnd('alice')],
      environmentOf: (() => {
        const environment = { variables: new Map([['AUTH_SET_X', '1']]), source: 'tcp.smtp:1' }
        return () => ({ environment, denied: false })
      })(),
    })
    const one = chain.dial()
    const two = chain.dial()
    for (const session of [one, two]) {
      await session.connect()
      await session.hello()
      await session.login('alice')
    }
    expect(one.policy.environment).toBe(two.policy.environment)
  })

  test('what a back end says of the login stands above AUTH_SET, and each login has its own', async () => {
    const granting = definePlugin({
      name: 'granting',
      setup: () => ({
        verify: ({ user, password }) =>
          password === 'secret' &&
          (user === 'plain' || {
            variables: new Map([
              ['DATABYTES', user === 'alice' ? '7000' : '8000'],
              ['WHO', user],
            ]),
          }),
      }),
    })
    const rule = { DATABYTES: '1000', AUTH_SET_DATABYTES: '5000', AUTH_SET_KEPT: 'yes' }
    for (const [user, maxMessageBytes] of [
      ['alice', 7000],
      ['bob', 8000],
      ['plain', 5000],
    ] as const) {
      const session = await sessionWith([entryOf(granting)], rule)
      expect(await session.login(user)).toBe('235')
      expect(session.policy.settings.maxMessageBytes).toBe(maxMessageBytes)
      expect(session.policy.environment.variables.get('KEPT')).toBe('yes')
      expect(session.policy.environment.variables.get('WHO')).toBe(
        user === 'plain' ? undefined : user,
      )
    }
  })

  test('equal logins under one rule share one environment too', () => {
    const environments = new LoginEnvironments()
    const before = { variables: new Map([['A', '1']]), source: 'tcp.smtp:1' }
    const brings = () => new Map([['B', '2']])
    const [one, two] = [environments.after(before, brings()), environments.after(before, brings())]
    expect(one).toBe(two)
    expect(environments.after(before)).toBe(before)
    for (let n = 0; n < 2000; n++) environments.after(before, new Map([['N', `${n}`]]))
    expect(environments.after(before, brings())).toEqual(one)
  })

  test('variables that are no texts let nobody in', async () => {
    const careless = definePlugin({
      name: 'careless',
      setup: () => ({ verify: () => JSON.parse('{ "variables": { "A": 1 } }') }),
    })
    expect(await (await sessionWith([entryOf(careless)])).login('alice')).toMatch(/^454 /)
  })

  test('a setting that a login makes unusable refuses the login, for the time being', async () => {
    const session = await sessionWith([backEnd('alice')], { AUTH_SET_DATABYTES: 'lots' })
    expect(await session.login('alice')).toMatch(/^421 4\.3\.0 /)
    expect(session.policy.settings.maxMessageBytes).toBe(50 * 1024 * 1024)
  })
})

describe('who watches logins', () => {
  const watching = (config: Partial<EntryConfig> = {}, broken = false) => {
    const ends: string[] = []
    const denials: boolean[] = []
    const watcher = definePlugin({
      name: 'watcher',
      setup: () => ({
        loginEnded({ user, mechanism, outcome, denied }) {
          ends.push(`${mechanism} ${user} ${outcome}`)
          denials.push(denied)
          if (broken) throw new Error('it cannot count')
        },
      }),
    })
    return { ends, denials, entry: entryOf(watcher, config) }
  }

  test('is told how each ended', async () => {
    const { ends, entry } = watching()
    const session = await sessionWith([entry, backEnd('alice')])
    await session.login('mallory')
    await session.login('alice')
    const deferring = { stage: 'auth', verdict: 'defer', text: 'Later' }
    const later = await sessionWith([
      entry,
      entryOf(objector, { options: deferring }),
      backEnd('alice'),
    ])
    await later.login('alice')
    expect(ends).toEqual(['PLAIN mallory rejected', 'PLAIN alice accepted', 'PLAIN alice deferred'])
  })

  test('is told of a deferred one that a back end has denied it', async () => {
    const { ends, denials, entry } = watching()
    const broken = backEnd('alice', { broken: true })
    const session = await sessionWith([entry, broken, backEnd('bob')])
    expect(await session.login('bob', 'wrong')).toMatch(/^454 /)
    const alone = await sessionWith([entry, broken])
    expect(await alone.login('bob', 'wrong')).toMatch(/^454 /)
    expect(ends).toEqual(['PLAIN bob deferred', 'PLAIN bob deferred'])
    expect(denials).toEqual([true, false])
  })

  test('changes nothing, even where it fails', async () => {
    const { ends, entry } = watching({ onFault: 'reject' }, true)
    const session = await sessionWith([entry, backEnd('alice')])
    expect(await session.login('mallory')).toMatch(/^535 5\.7\.8 /)
    expect(await session.login('alice')).toBe('235')
    expect(ends).toHaveLength(2)
  })
})
