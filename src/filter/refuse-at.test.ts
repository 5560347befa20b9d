import { describe, expect, test } from 'vitest'
import { definePlugin } from '../plugin/plugin.ts'
import { finding, relayClient } from '../plugin/finding.ts'
import { pass, reject } from '../plugin/verdict.ts'
import { chainUnderTest, entryOf, type TestSession } from '../testkit/chain-under-test.ts'
import { objector } from '../../test/fixtures/plugins/objector/objector.ts'
import { onePassword } from '../../test/fixtures/plugins/one-password/one-password.ts'
import { voucher } from '../../test/fixtures/plugins/voucher/voucher.ts'
import type { EntryConfig } from './entry.ts'

const postmaster = 'postmaster@postern.test'
const bob = 'bob@postern.test'

const remembering = (stage: string, config: Partial<EntryConfig> = {}) =>
  entryOf(objector, {
    name: 'remembered',
    refuseAt: 'rcpt',
    options: { stage, text: 'Remembered' },
    ...config,
  })
const postponed = (stage: string) =>
  entryOf(objector, { name: 'postponed', options: { stage, text: 'Postponed' } })
const loginLifts = { unless: { authenticated: true } }
const recipientLifts = { unless: { recipient: [postmaster] } }

const chainOf = (...entries: EntryConfig[]) =>
  chainUnderTest({ entries: [...entries, entryOf(onePassword), entryOf(voucher)] })

async function greet(session: TestSession): Promise<readonly string[]> {
  return [await session.connect(), await session.hello()]
}

const stages = ['connect', 'hello', 'mail'] as const

describe('refuse_at: rcpt', () => {
  test.each(stages)('a refusal at %s is spoken at RCPT, to each recipient', async (stage) => {
    const session = chainOf(remembering(stage)).dial()
    expect(await greet(session)).toEqual(['220', '250'])
    expect(await session.mail()).toBe('250')
    expect(await session.rcpt(bob)).toBe('550 5.7.1 Remembered')
    expect(await session.rcpt('carol@postern.test')).toBe('550 5.7.1 Remembered')
  })

  test.each(stages)("the entry's refuse_at beats what the verdict says, at %s", async (stage) => {
    const options = { stage, at: 'now', text: 'Remembered' }
    const session = chainOf(remembering(stage, { options })).dial()
    expect(await greet(session)).toEqual(['220', '250'])
    expect(await session.mail()).toBe('250')
    expect(await session.rcpt(bob)).toBe('550 5.7.1 Remembered')
  })

  test("what the verdict says beats the plugin's default", async () => {
    const saysRcpt = entryOf(objector, { options: { stage: 'connect', at: 'rcpt' } })
    expect(await chainOf(saysRcpt).dial().connect()).toBe('220')
    const opinion = definePlugin({
      name: 'opinion',
      defaults: { refuseAt: 'rcpt' },
      setup: () => ({
        connect: () => reject('5.7.1', 'At once', { at: 'now' }),
        hello: () => reject('5.7.1', 'Later'),
      }),
    })
    const session = chainOf(entryOf(opinion)).dial()
    expect(await session.connect()).toBe('554 5.7.1 At once')
    expect(await session.hello()).toBe('550 5.7.1 At once')
  })

  test('a refusal at the greeting is forgotten with the next greeting', async () => {
    const picky = definePlugin({
      name: 'picky',
      defaults: { refuseAt: 'rcpt' },
      setup: () => ({
        hello: ({ session }) =>
          session.hello?.name === 'bad.test' ? reject('5.7.1', 'Bad greeting') : pass(),
      }),
    })
    const session = chainOf(entryOf(picky)).dial()
    await session.connect()
    await session.hello('bad.test')
    await session.mail()
    expect(await session.rcpt(bob)).toBe('550 5.7.1 Bad greeting')
    await session.hello('good.test')
    await session.mail()
    expect(await session.rcpt(bob)).toBe('250')
  })

  test('a deferral is remembered with its own code', async () => {
    const options = { stage: 'connect', verdict: 'defer', text: 'Later' }
    const session = chainOf(remembering('connect', { options })).dial()
    await greet(session)
    await session.mail()
    expect(await session.rcpt(bob)).toBe('451 4.7.1 Later')
  })
})

const pairs = stages.flatMap((from, index) =>
  [...stages.slice(index), 'rcpt' as const].map((to) => [from, to] as const),
)

describe('once a refusal is remembered, later entries are postponed, not skipped', () => {
  test.each(pairs)('refused at %s, an entry at %s is not asked', async (from, to) => {
    const chain = chainOf(remembering(from), postponed(to))
    const session = chain.dial()
    expect(await greet(session)).toEqual(['220', '250'])
    expect(await session.mail()).toBe('250')
    expect(await session.rcpt(bob)).toBe('550 5.7.1 Remembered')
    session.end()
    const steps = (await chain.trace())?.steps ?? []
    expect(steps.map(({ entry }) => entry)).not.toContain('postponed')
  })

  test.each(pairs.filter(([from]) => from !== 'mail'))(
    'refused at %s and lifted by a login, an entry at %s is asked before the session goes on',
    async (from, to) => {
      const session = chainOf(remembering(from, loginLifts), postponed(to)).dial()
      expect(await greet(session)).toEqual(['220', '250'])
      expect(await session.login('alice')).toBe('235')
      const reply = await session.mail()
      expect(reply).toBe(to === 'rcpt' ? '250' : '550 5.7.1 Postponed')
      expect(to === 'rcpt' ? await session.rcpt(bob) : reply).toBe('550 5.7.1 Postponed')
    },
  )

  test.each(pairs)(
    'refused at %s and lifted for one recipient, an entry at %s is asked about that one only',
    async (from, to) => {
      const chain = chainOf(remembering(from, recipientLifts), postponed(to))
      const session = chain.dial()
      expect(await greet(session)).toEqual(['220', '250'])
      expect(await session.mail()).toBe('250')
      expect(await session.rcpt(bob)).toBe('550 5.7.1 Remembered')
      expect(await session.rcpt(postmaster)).toBe('550 5.7.1 Postponed')
      expect(await session.rcpt(bob)).toBe('550 5.7.1 Remembered')
      session.end()
      const asked = (await chain.trace())?.steps.filter(
        ({ entry, kind }) => entry === 'postponed' && kind === 'asked',
      )
      expect(asked).toHaveLength(1)
    },
  )

  test.each(stages)(
    'lifted with nothing else to object, the session from %s goes on',
    async (from) => {
      const session = chainOf(remembering(from, recipientLifts)).dial()
      await greet(session)
      await session.mail()
      expect(await session.rcpt(postmaster)).toBe('250')
      expect(await session.message()).toBe('250')
    },
  )

  test('two remembered refusals are lifted one after the other', async () => {
    const both = { unless: { recipient: [postmaster] } }
    const session = chainOf(
      remembering('connect', { ...both, name: 'one' }),
      remembering('hello', { ...both, name: 'two' }),
      remembering('mail', {
        ...loginLifts,
        name: 'three',
        options: { stage: 'mail', text: 'Three' },
      }),
    ).dial()
    await greet(session)
    await session.mail()
    expect(await session.rcpt(bob)).toBe('550 5.7.1 Remembered')
    expect(await session.rcpt(postmaster)).toBe('550 5.7.1 Three')
  })
})

describe('lifting', () => {
  test('a login lifts only where the entry says so', async () => {
    const session = chainOf(remembering('connect')).dial()
    await greet(session)
    expect(await session.login('alice')).toBe('235')
    await session.mail()
    expect(await session.rcpt(bob)).toBe('550 5.7.1 Remembered')
  })

  test("a plugin's default condition holds where the entry says nothing, and can be taken away", async () => {
    const opinion = definePlugin({
      name: 'opinion',
      defaults: { refuseAt: 'rcpt', unless: { authenticated: true } },
      setup: () => ({ connect: () => reject('5.7.1', 'Opinion') }),
    })
    const lifted = chainOf(entryOf(opinion)).dial()
    const strict = chainOf(entryOf(opinion, { unless: {} })).dial()
    for (const session of [lifted, strict]) {
      await greet(session)
      await session.login('alice')
      await session.mail()
    }
    expect(await lifted.rcpt(bob)).toBe('250')
    expect(await strict.rcpt(bob)).toBe('550 5.7.1 Opinion')
  })

  test('a refusal to be spoken now is spoken now, though a login might have lifted it', async () => {
    const session = chainOf(remembering('connect', { ...loginLifts, refuseAt: 'now' })).dial()
    expect(await session.connect()).toBe('554 5.7.1 Remembered')
  })

  test('a refusal that depends on the recipient waits for the recipient, even if it is to be spoken now', async () => {
    const session = chainOf(remembering('mail', { ...recipientLifts, refuseAt: 'now' })).dial()
    await greet(session)
    expect(await session.mail()).toBe('250')
    expect(await session.rcpt(bob)).toBe('550 5.7.1 Remembered')
    expect(await session.rcpt(postmaster)).toBe('250')
  })

  test('whom a plugin exempts by default keeps no refusal waiting that the entry wants to be spoken now', async () => {
    const opinion = definePlugin({
      name: 'opinion',
      defaults: {
        refuseAt: 'rcpt',
        unless: [{ authenticated: true }, { recipient: ['postmaster@'] }],
      },
      setup: () => ({ connect: () => reject('5.7.1', 'Opinion') }),
    })
    const later = chainOf(entryOf(opinion)).dial()
    expect(await greet(later)).toEqual(['220', '250'])
    await later.mail()
    expect(await later.rcpt(bob)).toBe('550 5.7.1 Opinion')
    expect(await later.rcpt('Postmaster@postern.test')).toBe('250')
    expect(await later.rcpt('postmaster%away.test@postern.test')).toBe('550 5.7.1 Opinion')
    const atOnce = chainOf(entryOf(opinion, { refuseAt: 'now' })).dial()
    expect(await atOnce.connect()).toBe('554 5.7.1 Opinion')
  })

  test('a relay client is known from the first entry on that finds out', async () => {
    const finder = definePlugin({
      name: 'finder',
      provides: [relayClient],
      setup: () => ({
        hello: () => pass({ findings: [finding(relayClient, { because: 'the test' })] }),
      }),
    })
    const unlessRelay = { unless: { relay_client: true } }
    const before = chainOf(entryOf(finder), remembering('mail', unlessRelay)).dial()
    await greet(before)
    await before.mail()
    expect(await before.rcpt(bob)).toBe('250')
  })

  test('the explanation says what was remembered, lifted and spoken', async () => {
    const chain = chainOf(remembering('connect', recipientLifts))
    const session = chain.dial()
    await greet(session)
    await session.mail()
    await session.rcpt(bob)
    await session.rcpt(postmaster)
    await session.message()
    const steps = (await chain.trace())?.steps.filter(({ entry }) => entry === 'remembered')
    expect(
      steps?.map(({ kind, stage, round, remembered }) => [kind, stage, round, remembered]),
    ).toEqual([
      ['asked', 'connect', 0, true],
      ['spoken', 'rcpt', 1, false],
      ['lifted', 'rcpt', 2, false],
    ])
  })
})

test('shadow entries behind a remembered refusal are asked at once, and only once', async () => {
  let asked = 0
  const counter = definePlugin({
    name: 'counter',
    setup: () => ({
      connect() {
        asked += 1
        return pass()
      },
    }),
  })
  const session = chainOf(
    remembering('connect', loginLifts),
    entryOf(counter, { mode: 'shadow' }),
  ).dial()
  expect(await session.connect()).toBe('220')
  expect(asked).toBe(1)
  await session.hello()
  await session.login('alice')
  expect(await session.mail()).toBe('250')
  expect(asked).toBe(1)
})
