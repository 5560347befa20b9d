import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../mail/json.ts'
import { definePlugin } from '../plugin/plugin.ts'
import { option } from '../plugin/option-makers.ts'
import { accept, pass, reject, type Pass, type Reject } from '../plugin/verdict.ts'
import { chainUnderTest, entryOf, type TestSession } from '../testkit/chain-under-test.ts'
import { fakeDns } from '../testkit/fake-dns.ts'
import { colourFinder } from '../../test/fixtures/plugins/colour-finder/colour-finder.ts'
import { colourReader } from '../../test/fixtures/plugins/colour-reader/colour-reader.ts'
import { faulty } from '../../test/fixtures/plugins/faulty/faulty.ts'
import { objector } from '../../test/fixtures/plugins/objector/objector.ts'
import { usurper } from '../../test/fixtures/plugins/usurper/usurper.ts'
import { voucher } from '../../test/fixtures/plugins/voucher/voucher.ts'
import { watcher } from '../../test/fixtures/plugins/watcher/watcher.ts'
import type { EntryConfig } from './entry.ts'

const objecting = (options: JsonObject, config: Partial<EntryConfig> = {}) =>
  entryOf(objector, { ...config, options })
const failing = (options: JsonObject, config: Partial<EntryConfig> = {}) =>
  entryOf(faulty, { ...config, options })

async function greeted(session: TestSession): Promise<TestSession> {
  expect(await session.connect()).toBe('220')
  expect(await session.hello()).toBe('250')
  return session
}

async function inTransaction(session: TestSession): Promise<TestSession> {
  await greeted(session)
  expect(await session.mail()).toBe('250')
  return session
}

describe('objections win', () => {
  test.each([
    ['connect', '554 5.7.1 Objection'],
    ['hello', '550 5.7.1 Objection'],
    ['mail', '550 5.7.1 Objection'],
    ['rcpt', '550 5.7.1 Objection'],
    ['data', '554 5.7.1 Objection'],
    ['message', '550 5.7.1 Objection'],
  ])('an objection at %s is spoken there, and nothing is committed', async (stage, reply) => {
    const session = chainUnderTest({ entries: [objecting({ stage }), entryOf(voucher)] }).dial()
    const said = [await session.connect(), await session.hello(), await session.mail()]
    if (said.every((each) => !each.startsWith('5'))) {
      said.push(await session.rcpt('bob@postern.test'))
      if (said[3] === '250') said.push(await session.message())
    }
    expect(said.find((each) => each.startsWith('5'))).toBe(reply)
    expect(session.placements).toEqual([])
  })

  test.each([
    ['before', [objecting({ stage: 'rcpt' }), entryOf(voucher)]],
    ['after', [entryOf(voucher), objecting({ stage: 'rcpt' })]],
  ])("no plugin's yes silences another's no that comes %s it", async (_when, entries) => {
    const session = await inTransaction(chainUnderTest({ entries }).dial())
    expect(await session.rcpt('bob@postern.test')).toBe('550 5.7.1 Objection')
  })

  test('the first objection ends the stage: entries after it are not asked', async () => {
    const entries = [
      objecting({ stage: 'mail', text: 'First' }),
      objecting({ stage: 'mail', text: 'Second' }, { name: 'second' }),
    ]
    const chain = chainUnderTest({ entries })
    const session = await greeted(chain.dial())
    expect(await session.mail()).toBe('550 5.7.1 First')
    session.end()
    expect((await chain.trace())?.steps.map(({ entry }) => entry)).not.toContain('second')
  })

  test('close with a temporary objection is 421', async () => {
    const options = { stage: 'mail', verdict: 'defer', close: true }
    const session = await greeted(chainUnderTest({ entries: [objecting(options)] }).dial())
    expect(await session.mail()).toBe('421 4.7.1 Objection')
  })
})

describe('silence is not consent', () => {
  test('a recipient that nobody vouches for is refused as relaying', async () => {
    const session = await inTransaction(chainUnderTest({ entries: [] }).dial())
    expect(await session.rcpt('bob@elsewhere.test')).toBe('550 5.7.1 Relaying denied')
  })

  test('a recipient at our own name that nobody vouches for does not exist', async () => {
    const session = await inTransaction(chainUnderTest({ entries: [] }).dial())
    expect(await session.rcpt('bob@MX.postern.test')).toBe('550 5.1.1 No such recipient')
  })

  test('accept from a plugin that does not vouch is a fault, not a yes', async () => {
    const chain = chainUnderTest({ entries: [entryOf(voucher), entryOf(usurper)] })
    const session = await inTransaction(chain.dial())
    expect(await session.rcpt('bob@postern.test')).toMatch(/^451 4\.3\.0 /)
    expect(chain.log.events.filter(({ level }) => level === 'error')).toMatchObject([
      { event: 'entry.fault', fields: { entry: 'usurper', kind: 'not-allowed' } },
    ])
  })

  test('nobody is asked about a recipient for whom none has vouched who could', async () => {
    const entries = [
      entryOf(voucher, { when: { recipient_domain: ['postern.test'] } }),
      objecting({ stage: 'rcpt', verdict: 'defer' }),
      objecting({ stage: 'rcpt', verdict: 'defer' }, { name: 'shadow', mode: 'shadow' }),
    ]
    const chain = chainUnderTest({ entries })
    const session = await inTransaction(chain.dial())
    expect(await session.rcpt('bob@elsewhere.test')).toBe('550 5.7.1 Relaying denied')
    session.end()
    expect((await chain.trace())?.steps).toEqual([])
    const other = await inTransaction(chain.dial())
    expect(await other.rcpt('bob@postern.test')).toBe('451 4.7.1 Objection')
    other.end()
    expect((await chain.trace())?.steps.map(({ entry }) => entry)).toEqual([
      'voucher',
      'objector',
      'shadow',
    ])
  })

  test('a shadow that would vouch lets nobody else be asked, and is asked for whom it would', async () => {
    const entries = [
      entryOf(voucher, { when: { recipient_domain: ['postern.test'] } }),
      objecting({ stage: 'rcpt', verdict: 'defer' }),
      entryOf(voucher, { name: 'shadow', mode: 'shadow' }),
    ]
    const chain = chainUnderTest({ entries })
    const session = await inTransaction(chain.dial())
    expect(await session.rcpt('bob@elsewhere.test')).toBe('550 5.7.1 Relaying denied')
    session.end()
    expect((await chain.trace())?.steps.map(({ entry }) => entry)).toEqual(['shadow'])
  })

  test('a shadow that would vouch is asked once, whoever refuses before it', async () => {
    const entries = [
      entryOf(voucher),
      objecting({ stage: 'rcpt' }),
      entryOf(voucher, { name: 'last' }),
      entryOf(voucher, { name: 'shadow', mode: 'shadow' }),
    ]
    const chain = chainUnderTest({ entries })
    const session = await inTransaction(chain.dial())
    expect(await session.rcpt('bob@postern.test')).toBe('550 5.7.1 Objection')
    session.end()
    const asked = (await chain.trace())?.steps.map(({ entry }) => entry)
    expect(asked).toEqual(['voucher', 'objector', 'shadow'])
  })

  test('one whose options say that it never vouches may not, and is not waited for', async () => {
    const lender = definePlugin({
      name: 'lender',
      vouches: 'local',
      options: { lends: option.boolean({ default: false }) },
      mayVouch: ({ lends }) => lends,
      setup: () => ({ rcpt: () => accept() }),
    })
    const said = async (lends: boolean) => {
      const ours = entryOf(voucher, { when: { recipient_domain: ['postern.test'] } })
      const entries = [ours, objecting({ stage: 'rcpt' }), entryOf(lender, { options: { lends } })]
      const session = await inTransaction(chainUnderTest({ entries }).dial())
      return session.rcpt('bob@elsewhere.test')
    }
    expect(await said(false)).toBe('550 5.7.1 Relaying denied')
    expect(await said(true)).toBe('550 5.7.1 Objection')
    const alone = chainUnderTest({ entries: [entryOf(voucher), entryOf(lender)] })
    expect(await (await inTransaction(alone.dial())).rcpt('bob@postern.test')).toMatch(/^451 /)
  })

  test('who stands in front of one that could vouch is asked about every recipient', async () => {
    const entries = [
      objecting({ stage: 'rcpt', verdict: 'defer' }),
      entryOf(voucher, { when: { recipient_domain: ['postern.test'] } }),
    ]
    const session = await inTransaction(chainUnderTest({ entries }).dial())
    expect(await session.rcpt('bob@elsewhere.test')).toBe('451 4.7.1 Objection')
  })

  test('a voucher that fails open has not vouched', async () => {
    const entries = [failing({ stage: 'rcpt', how: 'throws' }, { onFault: 'pass' })]
    const session = await inTransaction(chainUnderTest({ entries }).dial())
    expect(await session.rcpt('bob@elsewhere.test')).toBe('550 5.7.1 Relaying denied')
  })
})

describe('a fault is an outcome', () => {
  test.each(['throws', 'rejects', 'answers-nothing', 'wrong-status'])(
    'a plugin that %s defers the recipient, and tells the client nothing of its inside',
    async (how) => {
      const entries = [entryOf(voucher), failing({ how })]
      const session = await inTransaction(chainUnderTest({ entries }).dial())
      const reply = await session.rcpt('bob@postern.test')
      expect(reply).toBe('451 4.3.0 Temporary local problem, please try again later')
    },
  )

  test.each([
    ['defer', /^451 4\.3\.0 /],
    ['reject', /^550 5\.3\.0 /],
    ['pass', /^250$/],
    ['quarantine', /^451 4\.3\.0 /],
  ] as const)('on_fault: %s at rcpt', async (onFault, reply) => {
    const entries = [entryOf(voucher), failing({ how: 'throws' }, { onFault })]
    const session = await inTransaction(chainUnderTest({ entries }).dial())
    expect(await session.rcpt('bob@postern.test')).toMatch(reply)
  })

  test('on_fault: quarantine at message holds the message', async () => {
    const options = { stage: 'message', how: 'throws' }
    const entries = [entryOf(voucher), failing(options, { onFault: 'quarantine' })]
    const session = await inTransaction(chainUnderTest({ entries }).dial())
    await session.rcpt('bob@postern.test')
    expect(await session.message()).toBe('250')
    expect(session.placements).toMatchObject([{ disposition: 'hold', reason: 'FAULT' }])
  })

  test('a hook that hangs is cut off at its deadline', async () => {
    const entries = [entryOf(voucher), failing({ how: 'hangs' }, { timeoutMs: 2000 })]
    const chain = chainUnderTest({ entries })
    const session = await inTransaction(chain.dial())
    const reply = session.rcpt('bob@postern.test')
    chain.clock.advance(1999)
    expect(chain.clock.pending).toBe(1)
    chain.clock.advance(1)
    expect(await reply).toMatch(/^451 4\.3\.0 /)
    const faults = chain.log.events.filter(({ level }) => level === 'error')
    expect(faults).toMatchObject([{ event: 'entry.fault', fields: { kind: 'timeout' } }])
  })

  test('a late answer is ignored and counted', async () => {
    const { promise, resolve } = Promise.withResolvers<Reject>()
    const late = definePlugin({ name: 'late', setup: () => ({ mail: () => promise }) })
    const chain = chainUnderTest({
      entries: [entryOf(late, { timeoutMs: 10, onFault: 'pass' })],
    })
    const session = await greeted(chain.dial())
    const reply = session.mail()
    chain.clock.advance(10)
    expect(await reply).toBe('250')
    resolve(reject('5.7.1', 'Too late'))
    await promise
    await Promise.resolve()
    expect(chain.policy.generation.entries[0]?.counts).toEqual({ faults: 1, lateAnswers: 1 })
  })

  test('when the client is gone, what is being asked is called off', async () => {
    let signal: AbortSignal | undefined
    const patient = definePlugin({
      name: 'patient',
      setup: () => ({
        mail(_event, context) {
          signal = context.signal
          return new Promise<Pass>(() => {})
        },
      }),
    })
    const chain = chainUnderTest({ entries: [entryOf(patient)] })
    const session = await greeted(chain.dial())
    const reply = session.mail()
    session.end('disconnect')
    expect(await reply).toMatch(/^451 4\.4\.2 /)
    expect(signal?.aborted).toBe(true)
    expect(chain.policy.generation.entries[0]?.counts.faults).toBe(0)
    expect(chain.clock.pending).toBe(0)
  })

  test('after five faults in a row an entry is not asked any more, until a probe succeeds', async () => {
    let calls = 0
    let broken = true
    const flaky = definePlugin({
      name: 'flaky',
      setup: () => ({
        mail() {
          calls += 1
          if (broken) throw new Error('down')
          return pass()
        },
      }),
    })
    const chain = chainUnderTest({ entries: [entryOf(flaky)] })
    const session = await greeted(chain.dial())
    for (let i = 0; i < 8; i++) expect(await session.mail()).toMatch(/^451 4\.3\.0 /)
    const breaker = chain.policy.generation.entries[0]?.breakers
    expect([calls, breaker?.state]).toEqual([5, 'open'])
    chain.clock.advance(30_000)
    expect(await session.mail()).toMatch(/^451 /)
    expect([calls, breaker?.state]).toEqual([6, 'open'])
    chain.clock.advance(30_000)
    broken = false
    expect(await session.mail()).toBe('250')
    expect([calls, breaker?.state]).toEqual([7, 'closed'])
    const breakers = chain.log.events.filter(({ event }) => event.startsWith('breaker.'))
    expect(breakers.map(({ event }) => event)).toEqual([
      'breaker.opened',
      'breaker.opened',
      'breaker.closed',
    ])
  })

  test('names that the DNS fails for, which strangers choose, put no entry to rest', async () => {
    const named = definePlugin({
      name: 'named',
      setup: (_options, { dns }) => ({
        async mail({ reversePath }) {
          await dns.txt(reversePath?.domain ?? '')
          return pass()
        },
      }),
    })
    const dns = fakeDns({ 'evil.test': 'fails' })
    const chain = chainUnderTest({ entries: [entryOf(named)], doors: { dns } })
    const session = await greeted(chain.dial())
    for (let i = 0; i < 8; i++) expect(await session.mail('a@evil.test')).toMatch(/^451 4\.3\.0 /)
    expect(await session.mail('a@good.test')).toBe('250')
    expect(chain.policy.generation.entries[0]?.counts.faults).toBe(8)
  })

  test('is for what it depends on: of two programs the one that is broken keeps nobody from the other', async () => {
    const asked: string[] = []
    const either = definePlugin({
      name: 'either',
      options: { program: option.string({ default: 'sound', env: 'PROGRAM' }) },
      setup: () => ({
        mail(_, { options: { program } }) {
          asked.push(program)
          if (program === 'broken') throw new Error('down')
          return pass()
        },
        dependsOn: ({ program }) => program,
      }),
    })
    const chain = chainUnderTest({
      entries: [entryOf(either)],
      environmentOf: (address) => ({
        environment: {
          variables: new Map([['PROGRAM', address === '192.0.2.9' ? 'broken' : 'sound']]),
          source: 'tcp.smtp:3',
        },
        denied: false,
      }),
    })
    const [sound, broken] = [
      await greeted(chain.dial({ remote: { address: '192.0.2.8', port: 1 } })),
      await greeted(chain.dial({ remote: { address: '192.0.2.9', port: 1 } })),
    ]
    for (let i = 0; i < 8; i++) {
      expect(await broken.mail()).toMatch(/^451 4\.3\.0 /)
      expect(await sound.mail()).toBe('250')
    }
    expect(asked.filter((program) => program === 'broken')).toHaveLength(5)
    expect(asked.filter((program) => program === 'sound')).toHaveLength(8)
    expect(chain.policy.generation.entries[0]?.breakers.state).toBe('open')
  })
})

describe('modes', () => {
  const shadowed = { mode: 'shadow' } as const

  test('a shadow objection is recorded and not spoken', async () => {
    const chain = chainUnderTest({
      entries: [entryOf(voucher), objecting({ stage: 'rcpt' }, shadowed)],
    })
    const session = await inTransaction(chain.dial())
    expect(await session.rcpt('bob@postern.test')).toBe('250')
    expect(await session.message()).toBe('250')
    const step = (await chain.trace())?.steps.find(({ entry }) => entry === 'objector')
    expect(step).toMatchObject({ mode: 'shadow', verdict: 'reject' })
  })

  test('a shadow voucher does not vouch, and a shadow fault does no harm', async () => {
    const entries = [
      entryOf(voucher, shadowed),
      failing({ how: 'throws' }, { ...shadowed, onFault: 'defer' }),
    ]
    const session = await inTransaction(chainUnderTest({ entries }).dial())
    expect(await session.rcpt('bob@elsewhere.test')).toBe('550 5.7.1 Relaying denied')
  })

  test('a shadow entry is still asked after an objection in the same stage', async () => {
    const entries = [
      objecting({ stage: 'mail', text: 'Spoken' }),
      objecting({ stage: 'mail' }, { ...shadowed, name: 'behind' }),
    ]
    const chain = chainUnderTest({ entries })
    const session = await greeted(chain.dial())
    expect(await session.mail()).toBe('550 5.7.1 Spoken')
    expect((await chain.trace())?.steps.map(({ entry }) => entry)).toContain('behind')
  })

  test('after an objection shadow entries share a budget of time', async () => {
    const entries = [
      objecting({ stage: 'data' }),
      failing({ stage: 'data', how: 'hangs' }, { ...shadowed, name: 'slow' }),
      failing({ stage: 'data', how: 'hangs' }, { ...shadowed, name: 'never-asked' }),
      entryOf(voucher),
    ]
    const chain = chainUnderTest({ entries })
    const session = await inTransaction(chain.dial())
    await session.rcpt('bob@postern.test')
    const reply = session.data()
    chain.clock.advance(250)
    expect(await reply).toBe('554 5.7.1 Objection')
    const entriesAsked = (await chain.trace())?.steps.map(({ entry }) => entry)
    expect(entriesAsked).toContain('slow')
    expect(entriesAsked).not.toContain('never-asked')
  })

  test('an entry that is off is not asked', async () => {
    const entries = [objecting({ stage: 'connect' }, { mode: 'off' })]
    expect(await chainUnderTest({ entries }).dial().connect()).toBe('220')
  })

  test('what a shadow entry writes lies in a space of its own', async () => {
    const writer = definePlugin({
      name: 'writer',
      setup: (_options, { store }) => {
        const table = store.table('seen', { maxEntries: 10 })
        return {
          connect() {
            table.putLater('client', true)
            return pass()
          },
        }
      },
    })
    const chain = chainUnderTest({
      entries: [entryOf(writer), entryOf(writer, { ...shadowed, name: 'tried' })],
    })
    await chain.dial().connect()
    expect(chain.store.entries('entry/writer/seen').size).toBe(1)
    expect(chain.store.entries('shadow/tried/seen').size).toBe(1)
  })
})

describe('findings', () => {
  test('a later entry reads what an earlier one found', async () => {
    const entries = [entryOf(colourFinder, { options: { colour: 'red' } }), entryOf(colourReader)]
    const session = await greeted(chainUnderTest({ entries }).dial())
    expect(await session.mail()).toBe('550 5.7.1 We do not like red')
  })

  test('an enforced entry does not see what a shadow entry found, a shadow entry does', async () => {
    const entries = [
      entryOf(colourFinder, { options: { colour: 'green' } }),
      entryOf(colourFinder, { name: 'tried', options: { colour: 'red' }, mode: 'shadow' }),
      entryOf(colourReader),
      entryOf(colourReader, { name: 'tried-reader', mode: 'shadow' }),
    ]
    const chain = chainUnderTest({ entries: [...entries, entryOf(voucher)] })
    const session = await greeted(chain.dial())
    expect(await session.mail()).toBe('250')
    await session.rcpt('bob@postern.test')
    await session.message()
    const step = (await chain.trace())?.steps.find(({ entry }) => entry === 'tried-reader')
    expect(step?.verdict).toBe('reject')
  })
})

describe('options by client', () => {
  const environmentOf = (variables: Record<string, string>) => {
    const environment = { variables: new Map(Object.entries(variables)), source: 'tcp.smtp:3' }
    return () => ({ environment, denied: false })
  }

  test('a tcp.smtp variable overrides an option for its clients', async () => {
    const entries = [entryOf(colourFinder), entryOf(colourReader)]
    const red = chainUnderTest({ entries, environmentOf: environmentOf({ COLOUR: 'red' }) })
    expect(await (await greeted(red.dial())).mail()).toBe('550 5.7.1 We do not like red')
  })

  test('a variable that does not parse is a fault of that entry, with rule and variable', async () => {
    const chain = chainUnderTest({
      entries: [objecting({ stage: 'connect' })],
      environmentOf: environmentOf({ OBJECT: 'perhaps' }),
    })
    expect(await chain.dial().connect()).toMatch(/^421 4\.3\.0 |^451 4\.3\.0 /)
    expect(chain.log.events[0]?.fields).toMatchObject({
      kind: 'options',
      detail: 'OBJECT of tcp.smtp:3: "perhaps" is not yes or no; set it to 1 or 0',
    })
  })

  test('equal environments resolve their options once', async () => {
    const seen = new Set<object>()
    const looker = definePlugin({
      name: 'looker',
      options: { limit: option.integer({ default: 1, env: 'LIMIT' }) },
      setup: () => ({
        connect(_event, { options }) {
          seen.add(options)
          return pass({ reason: String(options.limit) })
        },
      }),
    })
    const chain = chainUnderTest({
      entries: [entryOf(looker)],
      environmentOf: environmentOf({ LIMIT: '7' }),
    })
    await chain.dial().connect()
    await chain.dial().connect()
    expect([...seen]).toEqual([{ limit: 7 }])
  })

  test('a tcp.smtp rule that denies refuses the connection before any entry is asked', async () => {
    const { environment } = environmentOf({})()
    const chain = chainUnderTest({
      entries: [entryOf(colourFinder)],
      environmentOf: () => ({ environment, denied: true }),
    })
    const session = chain.dial()
    expect(await session.connect()).toBe('554 5.7.1 Connection refused')
    session.end('refused')
    expect(await chain.trace()).toMatchObject({ steps: [], ruled: 'DENIED', stage: 'connect' })
  })
})

test('a watcher is told of every step and changes nothing, not even by throwing', async () => {
  const chain = chainUnderTest({ entries: [entryOf(watcher), objecting({ stage: 'mail' })] })
  const session = await greeted(chain.dial())
  expect(await session.mail()).toBe('550 5.7.1 Objection')
  expect(chain.log.events.find(({ event }) => event === 'watched')?.fields).toMatchObject({
    watched: 'objector',
    verdict: 'reject',
    reason: 'OBJECTION',
  })
})
