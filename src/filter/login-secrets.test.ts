/** SCRAM and CRAM-MD5: back ends that hear no password. */
import { createHash, createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { isApopDigest, scramKeys } from '../mail/login-secret.ts'
import type { Session } from '../mail/session.ts'
import { definePlugin } from '../plugin/plugin.ts'
import type { SecretRuling, SessionPolicy } from '../smtp/policy.ts'
import { chainUnderTest, entryOf } from '../testkit/chain-under-test.ts'
import { digests } from '../../test/fixtures/plugins/digests/digests.ts'
import { objector } from '../../test/fixtures/plugins/objector/objector.ts'
import { onePassword } from '../../test/fixtures/plugins/one-password/one-password.ts'
import { secrets } from '../../test/fixtures/plugins/secrets/secrets.ts'
import type { EntryConfig } from './entry.ts'

async function sessionWith(entries: readonly EntryConfig[], receiver = {}) {
  const chain = chainUnderTest({ entries, receiver })
  const dialled = chain.dial({ listener: 'submission' })
  await dialled.connect()
  await dialled.hello()
  const { policy } = dialled
  const { environment, settings } = policy
  const session: Session = {
    id: 's1',
    startedAt: 0,
    listener: 'submission',
    remote: { address: '192.0.2.1', port: 40_000 },
    local: { address: '192.0.2.25', port: 587 },
    hostname: settings.hostname,
    environment,
  }
  const mechanism = 'SCRAM-SHA-256'
  return {
    chain,
    policy,
    session,
    mechanisms: settings.mechanisms,
    plain: (user: string, password = 'secret') => dialled.login(user, password),
    secretFor: async (user: string) => policy.secretFor({ session, mechanism, user }),
    proven: async (user: string, proven = true) =>
      (await policy.auth({ session, mechanism, user, proven })).ruling,
    async digest(user: string, password = 'secret') {
      const challenge = '<1.2@mx.test>'
      const digest = createHmac('md5', password).update(challenge).digest('hex')
      const attempt = { session, user, challenge, digest, mechanism: 'CRAM-MD5' } as const
      return (await policy.auth(attempt)).ruling
    },
  }
}

/** Of one who knows the password in the clear. */
const apopOnly = definePlugin({
  name: 'apop-only',
  options: {},
  setup: () => ({
    checkApop: ({ user, ...response }) => user === 'alice' && isApopDigest('secret', response),
  }),
})

const keysOf = (ruling: SecretRuling) => (ruling.ruling === 'secret' ? ruling.keys : undefined)
const knowing = (options: object = {}, config: Partial<EntryConfig> = {}) =>
  entryOf(secrets, { options: { ...options }, ...config })

describe('a mechanism is offered where a back end can answer it, and only there', () => {
  test.each([
    [[knowing()], ['PLAIN', 'LOGIN', 'SCRAM-SHA-256']],
    [[entryOf(digests)], ['CRAM-MD5']],
    [
      [entryOf(onePassword), entryOf(digests)],
      ['PLAIN', 'LOGIN', 'CRAM-MD5'],
    ],
    [[knowing({}, { mode: 'shadow' })], []],
  ])('%#', async (entries, mechanisms) => {
    expect((await sessionWith(entries)).mechanisms).toEqual(mechanisms)
  })

  test('and where the receiver is told to', async () => {
    const receiver = { auth_mechanisms: ['SCRAM-SHA-256', 'LOGIN'] }
    const { mechanisms } = await sessionWith([knowing()], receiver)
    expect(mechanisms).toEqual(['LOGIN', 'SCRAM-SHA-256'])
  })
})

describe('SCRAM', () => {
  test('holds a login against the keys that were stored', async () => {
    const session = await sessionWith([knowing()])
    const stored = await scramKeys('secret', {
      salt: Buffer.from('salt of alice'),
      iterations: 5_000,
    })
    expect(keysOf(await session.secretFor('alice'))).toEqual(stored)
    expect(await session.proven('alice')).toBe('accept')
  })

  test('gives a password a salt of its own, which stays', async () => {
    const session = await sessionWith([knowing({ stores: 'password' })])
    const keys = keysOf(await session.secretFor('alice'))
    expect(keys).toEqual(keysOf(await session.secretFor('alice')))
    expect(keys).toEqual(await scramKeys('secret', keys!))
    expect(keys).toMatchObject({ iterations: 30_000, salt: { length: 16 } })
  })

  test.each(['password', 'keys'])(
    'shows a stranger keys that look like those of a user, and stay (%s)',
    async (stores) => {
      const session = await sessionWith([knowing({ stores })])
      const real = keysOf(await session.secretFor('alice'))
      const [first, second, other] = [
        keysOf(await session.secretFor('mallory')),
        keysOf(await session.secretFor('mallory')),
        keysOf(await session.secretFor('trent')),
      ]
      expect(first).toEqual(second)
      expect(first?.salt).not.toEqual(other?.salt)
      expect(first?.iterations).toBe(real?.iterations)
      expect(first?.salt).toHaveLength(real?.salt.length ?? 0)
      expect(first?.storedKey).not.toEqual(real?.storedKey)
    },
  )

  test('lets in neither a stranger, nor without a proof, nor anybody but whose secret was asked', async () => {
    const session = await sessionWith([knowing()])
    await session.secretFor('mallory')
    expect(await session.proven('mallory')).toBe('reject')
    expect(await session.proven('alice')).toBe('reject')
    await session.secretFor('alice')
    expect(await session.proven('alice', false)).toBe('reject')
    expect(await session.proven('alice')).toBe('reject')
    await session.secretFor('alice')
    expect(await session.proven('bob')).toBe('reject')
  })

  test('asks entries with an opinion first, and once', async () => {
    const deferring = { stage: 'auth', verdict: 'defer', text: 'Slow down' }
    const session = await sessionWith([knowing(), entryOf(objector, { options: deferring })])
    expect(await session.secretFor('alice')).toMatchObject({ ruling: 'defer', text: 'Slow down' })
    let asked = 0
    const counting = definePlugin({
      name: 'counting',
      setup: () => ({
        auth() {
          asked += 1
          return { verdict: 'pass' }
        },
      }),
    })
    const counted = await sessionWith([knowing(), entryOf(counting)])
    await counted.secretFor('alice')
    expect(await counted.proven('alice')).toBe('accept')
    expect(asked).toBe(1)
  })

  test('a back end that fails defers where no other knows the user', async () => {
    const session = await sessionWith([
      knowing({ broken: true }, { name: 'broken' }),
      knowing({ user: 'bob' }, { name: 'bob' }),
    ])
    expect(await session.secretFor('alice')).toMatchObject({ ruling: 'defer', status: '4.7.0' })
    expect((await session.secretFor('bob')).ruling).toBe('secret')
  })

  test('what is no secret is a fault of its back end', async () => {
    const session = await sessionWith([knowing({ stores: 'nonsense' })])
    expect(await session.secretFor('alice')).toMatchObject({ ruling: 'defer' })
  })

  test('a shadow back end is asked and does not count', async () => {
    const session = await sessionWith([
      knowing({}, { name: 'shadow', mode: 'shadow' }),
      knowing({ password: 'other' }, { name: 'real' }),
    ])
    const salt = Buffer.from('salt of alice')
    expect(keysOf(await session.secretFor('alice'))).toEqual(
      await scramKeys('other', { salt, iterations: 5_000 }),
    )
  })
})

describe('PLAIN and LOGIN', () => {
  test.each(['password', 'keys'])(
    'are held against a secret where there is no verify (%s)',
    async (stores) => {
      const session = await sessionWith([knowing({ stores })])
      expect(await session.plain('alice')).toBe('235')
      expect(await session.plain('alice', 'wrong')).toMatch(/^535 5\.7\.8 /)
      expect(await session.plain('mallory')).toMatch(/^535 5\.7\.8 /)
    },
  )

  test('are deferred by a back end that fails, unless another knows the user', async () => {
    const session = await sessionWith([knowing({ broken: true }), entryOf(onePassword)])
    expect(await session.plain('alice')).toBe('235')
    expect(await session.plain('bob')).toMatch(/^454 4\.7\.0 /)
  })
})

describe('a back end that has one name for a user', () => {
  const names = definePlugin({
    name: 'names',
    options: {},
    setup: () => ({
      verify: ({ user }) => (user === 'al@alias.test' ? { user: 'al@main.test' } : user === 'bob'),
      secretFor: ({ user }) =>
        user === 'al@alias.test' ? { password: 'secret', user: 'al@main.test' } : undefined,
    }),
  })

  test('says who has logged in, whatever was typed', async () => {
    const { policy, session } = await sessionWith([entryOf(names)])
    const plain = (user: string) =>
      policy.auth({ session, user, mechanism: 'PLAIN', password: 'secret' })
    expect(await plain('al@alias.test')).toEqual({ ruling: 'accept', user: 'al@main.test' })
    expect(await plain('bob')).toEqual({ ruling: 'accept', user: 'bob' })
  })

  test('says so by SCRAM too, of the login that was proven', async () => {
    const { policy, session, secretFor } = await sessionWith([entryOf(names)])
    const mechanism = 'SCRAM-SHA-256'
    const proven = (user: string) => policy.auth({ session, user, mechanism, proven: true })
    await secretFor('al@alias.test')
    expect(await proven('al@main.test')).toMatchObject({ ruling: 'reject' })
    await secretFor('al@alias.test')
    expect(await proven('al@alias.test')).toEqual({ ruling: 'accept', user: 'al@main.test' })
  })
})

describe('APOP', () => {
  const challenge = '<1.2@mx.test>'
  const attempt = (policy: SessionPolicy, session: Session, user: string) =>
    policy.auth({
      session,
      user,
      mechanism: 'APOP',
      challenge,
      digest: createHash('md5').update(`${challenge}secret`).digest('hex'),
    })

  test('is offered and judged where a back end can answer it, and is no mechanism of AUTH', async () => {
    const { policy, session, mechanisms } = await sessionWith([entryOf(apopOnly)])
    expect(policy.settings.apop).toBe(true)
    expect(mechanisms).toEqual([])
    expect(await attempt(policy, session, 'alice')).toMatchObject({ ruling: 'accept' })
    expect(await attempt(policy, session, 'bob')).toMatchObject({ ruling: 'reject' })
  })

  test('is not where none can, or the receiver is not told to', async () => {
    const { policy } = await sessionWith([entryOf(digests), entryOf(onePassword)])
    expect(policy.settings.apop).toBe(false)
    const receiver = { auth_mechanisms: ['PLAIN'] }
    expect((await sessionWith([entryOf(apopOnly)], receiver)).policy.settings.apop).toBe(false)
  })
})

describe('CRAM-MD5', () => {
  test('is judged by the back end', async () => {
    const session = await sessionWith([entryOf(digests)])
    expect(await session.digest('alice')).toBe('accept')
    expect(await session.digest('alice', 'wrong')).toBe('reject')
    expect(await session.digest('mallory')).toBe('reject')
  })
})
