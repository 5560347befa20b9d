import { beforeEach, describe, expect, test } from 'vitest'
import type { AdminRecords } from '../../runtime/admin-records.ts'
import { memoryAdminRecords } from '../../runtime/node/admin-records.ts'
import { fakeClock, type FakeClock } from '../../testkit/fake-clock.ts'
import { fakeDns } from '../../testkit/fake-dns.ts'
import { inlineJobs } from '../../testkit/inline-jobs.ts'
import { seededRandom } from '../../testkit/seeded-random.ts'
import { Passwords } from '../passwords.ts'
import { Access } from './access.ts'
import { Callers, nobody } from './callers.ts'

const times = { idleMs: 1_000_000, lifetimeMs: 3_000_000 }
const signal = new AbortController().signal
const password = 'correct horse battery'

let clock: FakeClock
let records: AdminRecords
let access: Access
let callers: Callers
beforeEach(() => {
  clock = fakeClock()
  records = memoryAdminRecords()
  const random = seededRandom(7)
  access = accessWith(new Passwords(inlineJobs(fakeDns()), random))
  callers = new Callers(records, clock, times)
})

const accessWith = (passwords: Pick<Passwords, 'hash' | 'isRight'>) =>
  new Access({
    records,
    clock,
    random: seededRandom(8),
    passwords,
    accounts: { verify: async (user, said) => user === 'ann@example.org' && said === password },
    times,
  })

const stranger = nobody('192.0.2.1')
const begin = () =>
  access.setup({ token: access.makeSetup(), user: 'root', password }, stranger, signal)

describe('a setup link', () => {
  test('makes one administrator, once', async () => {
    const token = access.makeSetup()
    const { caller } = await access.setup({ token, user: 'root', password }, stranger, signal)
    expect(caller).toMatchObject({ name: 'root', role: 'admin' })
    expect(await access.users()).toMatchObject([{ name: 'root', lastLoginAt: clock.now() }])
    const again = access.setup({ token, user: 'eve', password }, stranger, signal)
    await expect(again).rejects.toMatchObject({ kind: 'forbidden' })
    expect(records.user('eve')).toBeUndefined()
  })

  test('opens nothing once there is an administrator by another way', async () => {
    const token = access.makeSetup()
    await access.addUser({ name: 'bob', role: 'operator', password }, signal)
    await access.addUser({ name: 'root', role: 'admin', password }, signal)
    const late = access.setup({ token, user: 'eve', password }, stranger, signal)
    await expect(late).rejects.toMatchObject({ kind: 'forbidden' })
    const asked = access.makeSetup()
    const made = await access.setup({ token: asked, user: 'root', password }, stranger, signal)
    expect(made.caller.role).toBe('admin')
  })

  test('opens nothing after a day, nor when there is a newer one', async () => {
    const old = access.makeSetup()
    const token = access.makeSetup()
    const first = access.setup({ token: old, user: 'root', password }, stranger, signal)
    await expect(first).rejects.toMatchObject({ kind: 'forbidden' })
    clock.advance(24 * 3_600_000)
    const late = access.setup({ token, user: 'root', password }, stranger, signal)
    await expect(late).rejects.toMatchObject({ kind: 'forbidden' })
  })
})

describe('a session', () => {
  test('ends when it is idle, and in any case when it is old', async () => {
    const { token } = await begin()
    clock.advance(times.idleMs - 1)
    expect(callers.bySession(token, '')?.name).toBe('root')
    clock.advance(times.idleMs - 1)
    expect(callers.bySession(token, '')?.name).toBe('root')
    clock.advance(times.idleMs - 1)
    expect(callers.bySession(token, '')?.name).toBe('root')
    clock.advance(3)
    expect(callers.bySession(token, '')).toBeUndefined()
    const { token: idle } = await access.login({ user: 'root', password }, stranger, signal)
    clock.advance(times.idleMs)
    expect(callers.bySession(idle, '')).toBeUndefined()
  })

  test('grows idle while a page of it only watches', async () => {
    const { token } = await begin()
    clock.advance(times.idleMs - 1)
    expect(callers.bySession(token, '', { idle: true })?.name).toBe('root')
    clock.advance(1)
    expect(callers.bySession(token, '', { idle: true })).toBeUndefined()
  })

  test('is never the one that somebody had before: a login makes a new one, and ends the old', async () => {
    const before = await begin()
    const caller = callers.bySession(before.token, '192.0.2.1')!
    const after = await access.login({ user: 'root', password }, caller, signal)
    expect(after.token).not.toBe(before.token)
    expect(after.caller.csrfToken).not.toBe(before.caller.csrfToken)
    expect(callers.bySession(before.token, '')).toBeUndefined()
    expect(callers.bySession(after.token, '')?.name).toBe('root')
  })

  test('ends when its user is changed or removed, or says so', async () => {
    await begin()
    const user = { name: 'bob', role: 'operator', password } as const
    await access.addUser(user, signal)
    const log = () => access.login({ user: 'bob', password }, stranger, signal)
    const first = await log()
    await access.changeUser('bob', { role: 'auditor' }, signal)
    expect(callers.bySession(first.token, '')).toBeUndefined()
    const second = await log()
    expect(await access.logout(second.caller)).toBe(true)
    expect(callers.bySession(second.token, '')).toBeUndefined()
    const third = await log()
    expect(await access.removeUser('bob')).toBe(true)
    expect(callers.bySession(third.token, '')).toBeUndefined()
  })

  test('of somebody who changes their password is the only one that stays', async () => {
    const { token } = await begin()
    const other = await access.login({ user: 'root', password }, stranger, signal)
    const caller = callers.bySession(token, '')!
    const wrong = access.changeOwnPassword(
      { current: 'x', password: 'another one' },
      caller,
      signal,
    )
    await expect(wrong).rejects.toMatchObject({ kind: 'forbidden' })
    await access.changeOwnPassword({ current: password, password: 'another one' }, caller, signal)
    expect(callers.bySession(token, '')?.name).toBe('root')
    expect(callers.bySession(other.token, '')).toBeUndefined()
  })

  test('is written down as a hash, and so is everything else that opens something', async () => {
    const { token, caller } = await begin()
    const made = await access.addToken({ name: 'cron', scopes: ['queue:read'] }, caller)
    const kept = JSON.stringify([records.sessions(), records.tokens(), records.users()])
    for (const secret of [token, made.token, password]) expect(kept).not.toContain(secret)
    expect(records.user('root')?.passwordHash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  })
})

describe('wrong passwords', () => {
  const guess = (user: string, from: string) =>
    access.login({ user, password: 'a guess' }, nobody(from), signal).catch(() => undefined)

  test('of others lock nobody out of where they logged in before', async () => {
    // No hash is computed a hundred times here.
    access = accessWith({ hash: async (it) => it, isRight: async (it, hash) => it === hash })
    await begin()
    for (let n = 0; n < 120; n++) await guess('root', `203.0.113.${n}`)
    const locked = access.login({ user: 'root', password }, nobody('198.51.100.1'), signal)
    await expect(locked).rejects.toMatchObject({ kind: 'too-many-requests' })
    for (let n = 0; n < 6; n++) await guess('root', '192.0.2.1')
    const right = await access.login({ user: 'root', password }, stranger, signal)
    expect(right.caller.name).toBe('root')
  })

  test('from a network of IPv6 are counted together', async () => {
    await begin()
    for (let n = 1; n < 6; n++) await guess('root', `2001:db8::${n}`)
    const next = access.login({ user: 'root', password }, nobody('2001:db8::99'), signal)
    await expect(next).rejects.toMatchObject({ kind: 'too-many-requests' })
  })

  test('are refused for a while after five, whoever is named, and right ones with them', async () => {
    await access.addUser({ name: 'root', role: 'admin', password }, signal)
    for (const user of ['root', 'nobody']) {
      for (let guess = 0; guess < 5; guess++) {
        const wrong = access.login({ user, password: `guess ${guess}` }, stranger, signal)
        await expect(wrong).rejects.toMatchObject({ kind: 'wrong-login' })
      }
      await expect(access.login({ user, password }, stranger, signal)).rejects.toMatchObject({
        kind: 'too-many-requests',
        details: { retryAfter: 900 },
      })
    }
    const elsewhere = await access.login({ user: 'root', password }, nobody('198.51.100.1'), signal)
    expect(elsewhere.caller.name).toBe('root')
    clock.advance(900_000)
    expect((await access.login({ user: 'root', password }, stranger, signal)).token).toBeTypeOf(
      'string',
    )
  })
})

describe('roles', () => {
  test('of accounts give their own mail and nothing else', async () => {
    const { caller } = await access
      .login({ user: 'ANN@example.org', password: 'x' }, stranger, signal)
      .catch(() => access.login({ user: 'ann@example.org', password }, stranger, signal))
    expect(caller).toMatchObject({
      role: 'mailbox',
      scope: { what: 'mailbox', address: 'ann@example.org' },
    })
    expect([...caller.permissions]).toEqual(['quarantine:read', 'quarantine:write'])
  })

  test('leave at least one administrator', async () => {
    await begin()
    await expect(access.removeUser('root')).rejects.toMatchObject({ kind: 'conflict' })
    await expect(access.changeUser('root', { role: 'auditor' }, signal)).rejects.toMatchObject({
      kind: 'conflict',
    })
  })

  test('of domains name them, and others name none', async () => {
    const user = { name: 'dora', password }
    await expect(access.addUser({ ...user, role: 'domain-admin' }, signal)).rejects.toMatchObject({
      kind: 'invalid',
    })
    const wrong = access.addUser({ ...user, role: 'operator', domains: ['a.example'] }, signal)
    await expect(wrong).rejects.toMatchObject({ kind: 'invalid' })
    const made = await access.addUser(
      { ...user, role: 'domain-admin', domains: ['Ä.example'] },
      signal,
    )
    expect(made.domains).toEqual(['xn--4ca.example'])
  })
})

describe('an API token', () => {
  test('may what it was made for, as far as its owner still may it', async () => {
    const { caller } = await begin()
    await access.addUser({ name: 'bob', role: 'operator', password }, signal)
    const bob = await access.login({ user: 'bob', password }, stranger, signal)
    const scopes = ['queue:read', 'queue:write'] as const
    const { token } = await access.addToken({ name: 'cron', scopes }, bob.caller)
    expect([...(callers.byToken(token, '')?.permissions ?? [])]).toEqual(scopes)
    records.putUser({ ...records.user('bob')!, role: 'auditor' })
    expect([...(callers.byToken(token, '')?.permissions ?? [])]).toEqual(['queue:read'])
    await access.removeUser('bob')
    expect(callers.byToken(token, '')).toBeUndefined()
    expect(await access.tokens(caller)).toEqual([])
  })

  test.each([{ password: 'another password' }, { role: 'auditor' as const }])(
    'ends with the sessions when an administrator sets %j of its owner',
    async (change) => {
      await begin()
      await access.addUser({ name: 'bob', role: 'operator', password }, signal)
      const bob = await access.login({ user: 'bob', password }, stranger, signal)
      const { token } = await access.addToken({ name: 'x', scopes: ['queue:read'] }, bob.caller)
      await access.changeUser('bob', change, signal)
      expect(callers.byToken(token, '')).toBeUndefined()
      expect(callers.bySession(bob.token, '')).toBeUndefined()
    },
  )

  test('makes none that outlives it', async () => {
    const { caller } = await begin()
    const expiresAt = clock.now() + 1_000
    const { token } = await access.addToken(
      { name: 'short', scopes: ['tokens:own'], expiresAt },
      caller,
    )
    const short = callers.byToken(token, '')!
    const longer = access.addToken({ name: 'long', scopes: ['tokens:own'] }, short)
    await expect(longer).rejects.toMatchObject({ kind: 'forbidden' })
    const equal = { name: 'equal', scopes: ['tokens:own'], expiresAt } as const
    expect(await access.addToken(equal, short)).toMatchObject({ expiresAt })
  })

  test('may nothing that its maker may not, ends in time, and is nobody else’s to take away', async () => {
    const root = await begin()
    await access.addUser({ name: 'bob', role: 'operator', password }, signal)
    const bob = await access.login({ user: 'bob', password }, stranger, signal)
    const more = access.addToken({ name: 'x', scopes: ['access:manage'] }, bob.caller)
    await expect(more).rejects.toMatchObject({ kind: 'forbidden' })
    const expiresAt = clock.now() + 1_000
    const made = await access.addToken(
      { name: 'x', scopes: ['audit:read'], expiresAt },
      root.caller,
    )
    expect(await access.removeToken(made.id, bob.caller)).toBe(false)
    expect(callers.byToken(made.token, '')?.name).toBe('root')
    clock.advance(1_000)
    expect(callers.byToken(made.token, '')).toBeUndefined()
  })
})
