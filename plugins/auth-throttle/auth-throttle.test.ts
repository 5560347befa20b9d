import { describe, expect, test } from 'vitest'
import { fakeClock, pluginUnderTest, seededRandom, type About } from 'postern/testkit'
import { Attempts } from './attempts.ts'
import { authThrottle } from './auth-throttle.ts'

const sessions = new Map<string, About>()
/** One session for each address. */
function from(address: string): About {
  const known = sessions.get(address) ?? { session: { remote: { address, port: 40_000 } } }
  sessions.set(address, known)
  return known
}
const made = (options: object = {}) =>
  pluginUnderTest(authThrottle, { options: { delay: '0s', ...options } })
type Throttle = ReturnType<typeof made>

/** A login as the chain plays it: one session object throughout. */
async function login(
  plugin: Throttle,
  { user = 'alice', address = '192.0.2.7', good = false } = {},
): Promise<string> {
  const begun = await begin(plugin, { user, address })
  if (begun !== 'pass') return begun
  await plugin.loginEnded(user, good ? 'accepted' : 'rejected', from(address))
  return good ? 'accepted' : 'rejected'
}

async function begin(plugin: Throttle, { user = 'alice', address = '192.0.2.7' } = {}) {
  const verdict = await plugin.auth(user, from(address))
  const limit = verdict.evidence?.['limit']
  return typeof limit === 'string' ? limit : verdict.verdict
}

describe('auth-throttle', () => {
  test('lets so many logins of an address fail, whoever they say they are', async () => {
    const plugin = made({ per_address: 3 })
    const ends = [
      await login(plugin, { user: 'a' }),
      await login(plugin, { user: 'b' }),
      await login(plugin, { user: 'c' }),
      await login(plugin, { user: 'd', good: true }),
      await login(plugin, { user: 'd', address: '192.0.2.8', good: true }),
    ]
    expect(ends).toEqual(['rejected', 'rejected', 'rejected', 'address', 'accepted'])
  })

  test('says the same whatever was reached, and ends the session', async () => {
    const plugin = made({ per_address: 1 })
    await login(plugin)
    expect(await plugin.auth('alice', from('192.0.2.7'))).toMatchObject({
      verdict: 'defer',
      status: '4.7.0',
      text: 'Too many failed logins, try again later',
      close: true,
    })
    expect(plugin.log.events).toMatchObject([
      {
        level: 'warn',
        event: 'auth-throttle.refused',
        fields: { address: '192.0.2.7', user: 'alice', limit: 'address', entry: 'auth-throttle' },
      },
    ])
  })

  test.each([
    ['192.0.2.1', '192.0.2.200', 'network'],
    ['192.0.2.1', '192.0.3.1', 'rejected'],
    ['2001:db8:1:1::1', '2001:db8:1:2::1', 'network'],
    ['2001:db8:1:1::1', '2001:db8:2:1::1', 'rejected'],
  ])('counts a network: %s and %s', async (one, other, end) => {
    const plugin = made({ per_network: 1 })
    await login(plugin, { address: one })
    expect(await login(plugin, { address: other, user: 'bob' })).toBe(end)
  })

  test('counts a user, wherever and however the name is written', async () => {
    const plugin = made({ per_user: 2 })
    await login(plugin, { user: 'Alice', address: '192.0.2.1' })
    await login(plugin, { user: 'alice', address: '198.51.100.1' })
    expect(await login(plugin, { user: 'ALICE', address: '203.0.113.1' })).toBe('user')
    expect(await login(plugin, { user: 'bob', address: '203.0.113.1' })).toBe('rejected')
  })

  test('does not keep a user out who logged in from there before', async () => {
    const plugin = made({ per_user: 1 })
    expect(await login(plugin, { address: '198.51.100.9', good: true })).toBe('accepted')
    await login(plugin, { address: '192.0.2.1' })
    expect(await login(plugin, { address: '203.0.113.1', good: true })).toBe('user')
    expect(await login(plugin, { address: '198.51.100.9', good: true })).toBe('accepted')
    plugin.clock.advance(31 * 86_400_000)
    await login(plugin, { address: '192.0.2.1' })
    expect(await login(plugin, { address: '198.51.100.9', good: true })).toBe('user')
  })

  test('forgets a failure when its window is over, and forgives at once what did not fail', async () => {
    const plugin = made({ per_address: 2, window: '10m' })
    await login(plugin)
    plugin.clock.advance(300_000)
    const other = { user: 'bob', good: true }
    for (let n = 0; n < 5; n++) expect(await login(plugin, other)).toBe('accepted')
    await login(plugin)
    expect(await login(plugin)).toBe('address')
    plugin.clock.advance(300_000)
    expect(await login(plugin)).toBe('rejected')
    expect(await login(plugin)).toBe('address')
  })

  test('a login that succeeds forgives what failed of it there, and nothing of others', async () => {
    const plugin = made({ per_address: 3, per_network: 3, per_user: 3 })
    await login(plugin, { user: 'bob' })
    await login(plugin)
    expect(await login(plugin, { good: true })).toBe('accepted')
    expect([await login(plugin), await login(plugin), await login(plugin)]).toEqual([
      'rejected',
      'rejected',
      'address',
    ])
  })

  test('a login that succeeds forgives nothing that failed of the same user elsewhere', async () => {
    const plugin = made({ per_user: 3, per_address: 0 })
    const [home, elsewhere, third] = ['192.0.2.7', '198.51.100.1', '203.0.113.1']
    await login(plugin, { address: elsewhere })
    await login(plugin, { address: home })
    expect(await login(plugin, { address: home, good: true })).toBe('accepted')
    expect(await login(plugin, { address: third })).toBe('rejected')
    expect(await login(plugin, { address: third })).toBe('rejected')
    expect(await login(plugin, { address: third })).toBe('user')
  })

  test('a login that is deferred is nobody’s failure', async () => {
    const plugin = made({ per_address: 1 })
    expect(await begin(plugin)).toBe('pass')
    await plugin.loginEnded('alice', 'deferred', from('192.0.2.7'))
    expect(await begin(plugin)).toBe('pass')
  })

  test('a login that one back end denied is a failure, whoever else could not answer', async () => {
    const plugin = made({ per_address: 1 })
    expect(await begin(plugin)).toBe('pass')
    await plugin.loginEnded('alice', 'deferred', { ...from('192.0.2.7'), denied: true })
    expect(await begin(plugin)).toBe('address')
  })

  test('of logins that begin at once no more get through than may fail', async () => {
    const plugin = made({ per_address: 3 })
    const begun = await Promise.all(Array.from({ length: 50 }, () => begin(plugin)))
    expect(begun.filter((each) => each === 'pass')).toHaveLength(3)
  })

  test('0 is no limit', async () => {
    const plugin = made({ per_address: 0, per_network: 0, per_user: 0 })
    for (let n = 0; n < 100; n++) expect(await login(plugin)).toBe('rejected')
  })

  test('answers each failure later than the one before, up to a bound', async () => {
    const plugin = made({ per_address: 10, delay: '1s', max_delay: '3s' })
    for (const delayMs of [1000, 2000, 3000, 3000]) {
      await begin(plugin)
      let answered = false
      const ended = plugin.loginEnded('alice', 'rejected', from('192.0.2.7')).then(() => {
        answered = true
      })
      await settled()
      plugin.clock.advance(delayMs - 1)
      await settled()
      expect(answered).toBe(false)
      plugin.clock.advance(1)
      await ended
    }
  })

  test('a store that fails keeps nobody out', async () => {
    const plugin = made()
    plugin.store.fail(true)
    expect(await login(plugin, { good: true })).toBe('accepted')
  })

  test('failures outlive the process that counted them, for as long as they count', async () => {
    const before = made({ per_address: 2 })
    await login(before)
    await login(before)
    const after = pluginUnderTest(authThrottle, {
      options: { delay: '0s', per_address: 2 },
      doors: { store: before.store, clock: before.clock },
    })
    expect(await login(after)).toBe('address')
    before.clock.advance(15 * 60_000)
    expect(await login(after)).toBe('rejected')
  })

  test('two processes with one store count together', async () => {
    const one = made({ per_address: 4, per_network: 0, per_user: 0 })
    const two = pluginUnderTest(authThrottle, {
      options: { delay: '0s', per_address: 4, per_network: 0, per_user: 0 },
      doors: { store: one.store, clock: one.clock, random: seededRandom(2) },
    })
    const ends: string[] = []
    for (const plugin of [one, two, one, two, one, two]) ends.push(await login(plugin))
    expect(ends.filter((end) => end === 'rejected')).toHaveLength(4)
  })

  test('without the store failures count in the process that saw them', async () => {
    const plugin = made({ per_address: 2 })
    plugin.store.fail(true)
    const ends = [await login(plugin), await login(plugin), await login(plugin)]
    expect(ends).toEqual(['rejected', 'rejected', 'address'])
  })
})

function countersOf() {
  const taken = new Map<string, number>()
  const counters = {
    take(key: string, limit: number) {
      const count = taken.get(key) ?? 0
      if (count < limit) taken.set(key, count + 1)
      return count < limit
    },
    give: (key: string) => void taken.set(key, (taken.get(key) ?? 0) - 1),
    count: (key: string) => taken.get(key) ?? 0,
    spend: () => undefined,
  }
  return { taken, counters }
}

test('the store is asked once for each limit under which nobody has failed', async () => {
  const { taken, counters } = countersOf()
  const asked: string[] = []
  const failures = {
    add: async () => {},
    async count(key: string) {
      asked.push(key)
      return key === 'user' ? 2 : 0
    },
  }
  const attempts = new Attempts({ clock: fakeClock(), counters, failures, windowMs: 1_000 })
  const limits = ['address', 'network', 'user'].map((key) => ({ key, most: 3 }))
  expect(await attempts.begin(limits)).not.toHaveProperty('reached')
  expect(asked).toEqual(['address', 'network', 'user', 'user'])
  expect([...taken.values()]).toEqual([1, 1, 1])
  expect(await attempts.begin(limits)).toMatchObject({ reached: { key: 'user' } })
  expect([...taken.values()]).toEqual([1, 1, 1])
})

test('so many logins are under way at a time; the oldest is forgotten first', async () => {
  const { counters } = countersOf()
  const failures = { add: async () => {}, count: async () => 0 }
  const attempts = new Attempts({ clock: fakeClock(), counters, failures, windowMs: 1_000 })
  const begins = async (user: number) =>
    !('reached' in (await attempts.begin([{ key: `${user}`, most: 1 }])))
  for (let user = 0; user < 20_001; user++) expect(await begins(user)).toBe(true)
  expect([await begins(20_000), await begins(0)]).toEqual([false, true])
})

const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))
