import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { onePassword } from '../../test/fixtures/plugins/one-password/one-password.ts'
import { voucher } from '../../test/fixtures/plugins/voucher/voucher.ts'
import { friends, plans, play, scripted } from '../../test/fixtures/scripted-chains.ts'
import { text } from '../filter/read-json.ts'
import { readRecord } from '../filter/trace-reader.ts'
import type { EntryConfig } from '../filter/entry.ts'
import { emptyEnvironment } from '../mail/environment.ts'
import { finding, findingKey } from '../plugin/finding.ts'
import { option } from '../plugin/option-makers.ts'
import { definePlugin } from '../plugin/plugin.ts'
import { accept, defer, pass, quarantine, reject } from '../plugin/verdict.ts'
import { chainUnderTest, entryOf, type ChainTestOptions } from '../testkit/chain-under-test.ts'
import { fakeDns } from '../testkit/fake-dns.ts'
import { memoryMessage } from '../testkit/memory-message.ts'
import { tracesSince } from '../trace/traced-period.ts'
import type { KeptCopies } from './kept-bodies.ts'
import { newRecall } from './recalled-answers.ts'
import { believer, newReplaying } from './replay-chain.ts'
import { replayDoors } from './replay-doors.ts'
import { Replayer, type Replayed } from './replayer.ts'

/** What everything recorded comes to with other entries. */
async function replayed(
  chain: ReturnType<typeof chainUnderTest>,
  candidate: Omit<ChainTestOptions, 'doors'>,
  /** What the spool still has of each message. */
  keptText?: string,
): Promise<readonly Replayed[]> {
  const recall = newRecall()
  const replaying = newReplaying()
  const { policy } = chainUnderTest({
    ...candidate,
    entries: [...candidate.entries, believer(replaying)],
    doors: replayDoors(recall),
  })
  const replayer = new Replayer({
    candidate: policy.generation,
    replaying,
    recall,
    environmentOf: () => ({ environment: emptyEnvironment, denied: false }),
    wantsName: () => false,
    listeners: new Set(['mx']),
    ...(keptText === undefined ? {} : { kept: spoolWith(keptText) }),
  })
  const all: Replayed[] = []
  for await (const stored of tracesSince(chain.archive, 0)) all.push(await replayer.replay(stored))
  return all
}

const weather = findingKey<{ readonly wet: boolean }, 'weather'>('weather')

/** Asks every door of which notes are kept, and lets the answers decide. */
const curious = definePlugin({
  name: 'curious',
  provides: [weather],
  options: { limit: option.integer({ default: 3 }), remark: option.string({ default: '' }) },
  setup: (_file, { clock, counters, dns, random, store }) => {
    const table = store.table('seen', { maxEntries: 100 })
    return {
      async mail({ session }, { signal }) {
        const { answer } = await dns.txt('policy.test', signal)
        const wet = random.integer(2) === 0
        if (answer === 'no-name') return reject('5.7.1', 'No policy', { reason: 'NO_POLICY' })
        const [first] = await Promise.all([
          dns.addresses(`${session.remote.address}.list.test`, signal),
          Promise.resolve(dns.mx('client.test', signal)).catch(() => undefined),
        ])
        const listed = first.answer === 'found'
        return pass({ findings: [finding(weather, { wet })], ...(listed ? { score: 2 } : {}) })
      },
      async rcpt({ recipient }, { options: { limit } }) {
        const { localPart } = recipient.mailbox
        const seenAt = await table.get(localPart)
        await table.put(localPart, clock.now())
        if (seenAt === undefined) return defer('4.7.1', 'Come back', { reason: 'GREY' })
        const rates = [{ key: localPart, limit, periodMs: 60_000 }]
        const spent = await counters.spend(rates)
        return spent === undefined ? pass() : defer('4.7.1', 'Too often', { reason: 'RATE' })
      },
      message: ({ message }, { findings }) =>
        findings.get(weather)?.wet === true && message.header.first('subject') === 'umbrella'
          ? quarantine({ reason: 'WET' })
          : pass(),
    }
  },
})

describe('a replay', () => {
  test(
    'of the same configuration changes nothing, whatever the chain; nor does asking again what is recorded',
    { timeout: 120_000 },
    async () => {
      const outcomes = new Set<string>()
      const roundOfPlans = (): Promise<void> =>
        fc.assert(
          fc.asyncProperty(plans, fc.boolean(), async (plan, again) => {
            const { entries, thresholds, thresholdRules, login, answers, split, recipients } = plan
            const entriesWith = (remark: string): readonly EntryConfig[] => [
              ...entries.map(({ script, unless, ...how }, index) =>
                entryOf(scripted(script), {
                  name: `entry-${index}`,
                  mode: how.mode,
                  refuseAt: how.refuseAt,
                  onFault: how.onFault,
                  first: how.first,
                  options: { remark },
                  ...(unless === undefined ? {} : { unless }),
                }),
              ),
              entryOf(curious, { options: { remark } }),
              entryOf(friends(plan.friends)),
              entryOf(onePassword),
              entryOf(voucher),
            ]
            const options = { thresholds, thresholdRules, receiver: { split } }
            const dns = fakeDns({
              'policy.test': { txt: ['yes'] },
              '192.0.2.1.list.test': { addresses: ['127.0.0.2'] },
              'client.test': { mx: 'fails' },
            })
            const chain = chainUnderTest({ ...options, entries: entriesWith(''), doors: { dns } })
            for (let visit = 0; visit < 2; visit++) {
              const session = chain.dial({}, answers)
              await play(session, login, recipients)
              session.end()
            }
            const asked = dns.questions.length
            const same = await replayed(chain, {
              ...options,
              entries: entriesWith(again ? 'x' : ''),
            })
            expect(same).toEqual(same.map(() => ({ outcome: 'same' })))
            expect(dns.questions).toHaveLength(asked)
            for (const { record } of await recordsOf(chain))
              outcomes.add(JSON.stringify(record['end']))
          }),
          { numRuns: 100 },
        )
      // Some ends are rare: where a round has not met them all, others follow.
      for (let round = 0; round === 0 || (round < 10 && outcomes.size < 3); round++) {
        await roundOfPlans()
      }
      expect(outcomes).toEqual(new Set(['"committed"', '"refused"', '"reset"']))
    },
  )

  const zones = {
    'policy.test': { txt: ['yes'] },
    '192.0.2.1.list.test': { addresses: ['127.0.0.2'] },
    'client.test': { mx: [] },
  }

  /** Two visits of bob's correspondent: the second is not grey any more. */
  async function recorded(entries: readonly EntryConfig[]) {
    const dns = fakeDns(zones)
    const chain = chainUnderTest({ entries: [...entries, entryOf(voucher)], doors: { dns } })
    for (let visit = 0; visit < 2; visit++) {
      const session = chain.dial()
      await play(session, false, ['bob@x.test'])
      session.end()
    }
    // What the world says from here on, nobody asks.
    dns.change({ 'policy.test': undefined })
    return chain
  }

  test('says whose verdict changes when a threshold does, and when an entry goes', async () => {
    const chain = await recorded([entryOf(curious)])
    const stricter = await replayed(chain, {
      entries: [entryOf(curious), entryOf(voucher)],
      thresholds: { reject: 2 },
    })
    const accepted = { verdict: 'accepted' }
    expect(stricter).toMatchObject([
      {
        outcome: 'changed',
        recipients: [{ was: accepted, is: { verdict: 'rejected', stage: 'message' } }],
      },
      { outcome: 'same' },
    ])
    expect(await replayed(chain, { entries: [entryOf(voucher)] })).toMatchObject([
      { outcome: 'same' },
      {
        outcome: 'changed',
        recipients: [
          {
            recipient: 'bob@x.test',
            was: { verdict: 'deferred', reason: 'GREY', entry: 'curious' },
            is: { verdict: 'passed' },
          },
        ],
      },
    ])
  })

  test('puts a shadow in force by what it said', async () => {
    const chain = await recorded([entryOf(curious, { mode: 'shadow' })])
    const inForce = await replayed(chain, { entries: [entryOf(curious), entryOf(voucher)] })
    expect(inForce).toMatchObject([
      { outcome: 'same' },
      { outcome: 'changed', recipients: [{ is: { verdict: 'deferred', reason: 'GREY' } }] },
    ])
  })

  test('guesses nothing: a question that was not asked then, or a body that is gone, is said to be missing', async () => {
    const chain = await recorded([entryOf(curious)])
    const rarer = entryOf(curious, { options: { limit: 1 } })
    expect(await replayed(chain, { entries: [rarer, entryOf(voucher)] })).toMatchObject([
      { outcome: 'not-replayable', entry: 'curious', why: 'it asks anew: spend bob 1 60000' },
      { outcome: 'same' },
    ])
    const reader = definePlugin({
      name: 'reader',
      setup: () => ({
        message: async ({ message }) => {
          for await (const chunk of message.read()) if (chunk.length === 0) return pass()
          return pass()
        },
      }),
    })
    const [withBody] = await replayed(chain, {
      entries: [entryOf(curious), entryOf(reader), entryOf(voucher)],
    })
    expect(withBody).toMatchObject({
      outcome: 'not-replayable',
      entry: 'reader',
      why: 'it was not asked then; now it wants the body, which is not kept',
    })
    const shadowed = await replayed(chain, {
      entries: [entryOf(curious), entryOf(reader, { mode: 'shadow' }), entryOf(voucher)],
    })
    expect(shadowed).toEqual([{ outcome: 'same' }, { outcome: 'same' }])
  })

  test('guesses nothing of a record whose chain is no longer there', async () => {
    const chain = await recorded([entryOf(curious)])
    const [stored] = await recordsOf(chain)
    const { lost, steps } = readRecord(stored?.record ?? {}, {})
    expect([lost, steps]).toEqual([stored?.trace.steps.length, []])
    const id = text(stored?.record['chain'])
    chain.archive.noteLater(id, {})
    expect(await replayed(chain, { entries: [entryOf(curious), entryOf(voucher)] })).toEqual(
      [1, 2].map(() => ({ outcome: 'not-replayable', why: 'steps were not kept' })),
    )
  })

  test('reads a body that the spool still holds, as it was received and no other', async () => {
    const chain = await recorded([entryOf(curious)])
    const strict = definePlugin({
      name: 'strict',
      setup: (_file, { jobs }) => ({
        async message({ message }, { signal }) {
          const [{ parts }] = (await message.mime(signal)).readings
          const bytes = Buffer.concat(await Array.fromAsync(message.read()))
          const upper = new URL('../../test/fixtures/jobs/upper.worker.ts', import.meta.url)
          const text = await jobs.run<string, string>(upper, bytes.toString('latin1'), signal)
          return text.endsWith('HELLO.\r\n') && parts.length === 1
            ? reject('5.7.1', 'No greetings', { reason: 'GREETING' })
            : pass()
        },
      }),
    })
    const entries = [entryOf(curious), entryOf(strict), entryOf(voucher)]
    const kept = await replayed(
      chain,
      { entries },
      'Received: by us\r\nSubject: test\r\n\r\nHello.\r\n',
    )
    expect(kept).toMatchObject([
      { outcome: 'changed', recipients: [{ is: { verdict: 'rejected', reason: 'GREETING' } }] },
      { outcome: 'same' },
    ])
    const [other] = await replayed(chain, { entries }, 'Subject: x\r\n\r\nsomething else\r\n')
    expect(other).toMatchObject({ outcome: 'not-replayable', entry: 'strict' })
  })

  test('takes a fault for the fact that it was, and what it leads to from the candidate', async () => {
    const faulty = definePlugin({
      name: 'faulty',
      setup: (_file, { net }) => ({
        async message({ message }, { signal }) {
          const address = { host: '192.0.2.9', port: message.sizeBytes }
          await net.connect({ address, timeoutMs: 1_000, signal })
          return pass()
        },
      }),
    })
    const chain = await recorded([entryOf(faulty)])
    const both = [{ outcome: 'same' }, { outcome: 'same' }]
    expect(await replayed(chain, { entries: [entryOf(faulty), entryOf(voucher)] })).toEqual(both)
    const open = entryOf(faulty, { onFault: 'pass' })
    const [first] = await replayed(chain, { entries: [open, entryOf(voucher)] })
    expect(first).toMatchObject({
      outcome: 'changed',
      recipients: [{ was: { verdict: 'deferred', reason: 'FAULT' }, is: { verdict: 'accepted' } }],
    })
  })

  test('does without answers of which nothing is kept where nothing is asked now', async () => {
    const caller = definePlugin({
      name: 'caller',
      options: { calls: option.boolean({ default: true }), remark: option.string({ default: '' }) },
      setup: (_file, { net }) => ({
        async mail(_event, { options: { calls }, signal }) {
          const address = { host: '192.0.2.9', port: 25 }
          if (calls) await net.connect({ address, timeoutMs: 1_000, signal }).catch(() => undefined)
          return pass()
        },
      }),
    })
    const chain = await recorded([entryOf(caller)])
    const candidate = (options: { readonly calls: boolean; readonly remark: string }) =>
      replayed(chain, { entries: [entryOf(caller, { options }), entryOf(voucher)] })
    const both = [{ outcome: 'same' }, { outcome: 'same' }]
    expect(await candidate({ calls: false, remark: '' })).toEqual(both)
    expect((await candidate({ calls: true, remark: 'x' }))[0]).toMatchObject({
      outcome: 'not-replayable',
      entry: 'caller',
      why: 'it asks net',
    })
  })

  test('keeps to what was heard in time: an answer that came too late is none', async () => {
    const hasty = definePlugin({
      name: 'hasty',
      options: { remark: option.string({ default: '' }) },
      setup: (_file, { clock, dns }) => ({
        async mail(_event, { signal }) {
          const late = Promise.withResolvers<'late'>()
          const timer = clock.after(10, () => late.resolve('late'))
          const heard = await Promise.race([dns.txt('slow.test', signal), late.promise])
          timer.cancel()
          return heard === 'late' ? pass({ reason: 'LATE' }) : reject('5.7.1', 'Heard')
        },
      }),
    })
    const dns = fakeDns({ 'slow.test': 'hangs' })
    const chain = chainUnderTest({ entries: [entryOf(hasty), entryOf(voucher)], doors: { dns } })
    const session = chain.dial()
    await session.connect()
    await session.hello()
    const mail = session.mail()
    chain.clock.advance(20)
    expect(await mail).toBe('250')
    await session.rcpt('bob@x.test')
    session.end()
    const again = entryOf(hasty, { options: { remark: 'x' } })
    expect(await replayed(chain, { entries: [again, entryOf(voucher)] })).toEqual([
      { outcome: 'same' },
    ])
  })
})

describe('a replay of a login', () => {
  const other = definePlugin({
    name: 'other-directory',
    setup: () => ({ verify: () => false }),
  })
  const loginsOnly = definePlugin({
    name: 'logins-only',
    vouches: 'relay',
    setup: () => ({
      rcpt: ({ transaction: { session } }) =>
        session.user === undefined ? reject('5.7.1', 'Log in', { reason: 'NO_LOGIN' }) : accept(),
    }),
  })
  const chainWith = (...backEnds: readonly EntryConfig[]) => [...backEnds, entryOf(loginsOnly)]

  async function recordedWith(...backEnds: readonly EntryConfig[]) {
    const chain = chainUnderTest({ entries: chainWith(...backEnds) })
    const session = chain.dial()
    await session.connect()
    await session.hello()
    // The first try fails; whoever goes on has logged in by the second.
    expect(await session.login('alice', 'guess')).toMatch(/^535/)
    expect(await session.login('alice')).toBe('235')
    await session.mail()
    expect(await session.rcpt('bob@far.test')).toBe('250')
    await session.message()
    session.end()
    return chain
  }

  test('takes for a fact what the back end said, wherever another one stands behind it', async () => {
    const chain = await recordedWith(entryOf(onePassword))
    const same = [{ outcome: 'same' }]
    expect(await replayed(chain, { entries: chainWith(entryOf(onePassword)) })).toEqual(same)
    const behind = chainWith(entryOf(onePassword), entryOf(other))
    expect(await replayed(chain, { entries: behind })).toEqual(same)
    expect(JSON.stringify(await recordsOf(chain))).not.toContain('secret')
  })

  test('says whom it would refuse without any back end that knows them', async () => {
    const chain = await recordedWith(entryOf(onePassword), entryOf(other))
    const refused = { verdict: 'rejected', stage: 'auth', status: '5.7.8' }
    expect(await replayed(chain, { entries: chainWith() })).toMatchObject([
      { outcome: 'changed', recipients: [{ was: { verdict: 'accepted' }, is: refused }] },
    ])
  })

  test('guesses of no other back end what it would say', async () => {
    const chain = await recordedWith(entryOf(onePassword))
    const unknown = (entry: string) => [
      { outcome: 'not-replayable', entry, why: expect.stringContaining('no password is kept') },
    ]
    const before = chainWith(entryOf(other), entryOf(onePassword))
    expect(await replayed(chain, { entries: before })).toMatchObject(unknown('other-directory'))
    const changed = chainWith(entryOf(onePassword, { options: { user: 'alice', broken: true } }))
    expect(await replayed(chain, { entries: changed })).toMatchObject(unknown('one-password'))
  })

  test('says what a rule about logins makes of them', async () => {
    const chain = await recordedWith(entryOf(onePassword))
    const closed = definePlugin({
      name: 'closed',
      setup: () => ({ auth: () => defer('4.7.0', 'Not now', { reason: 'NIGHT' }) }),
    })
    const entries = [entryOf(closed), ...chainWith(entryOf(onePassword))]
    expect(await replayed(chain, { entries })).toMatchObject([
      { outcome: 'changed', recipients: [{ is: { verdict: 'deferred', stage: 'auth' } }] },
    ])
  })
})

describe('a replay of signed mail', () => {
  const signerThat = (what: 'signs' | 'throws' | 'reads') =>
    definePlugin({
      name: 'signer',
      options: { remark: option.string({ default: '' }) },
      setup: () => ({
        async sign({ message }) {
          if (what === 'throws') throw new Error('the key is gone')
          if (what === 'reads')
            for await (const chunk of message.read()) if (chunk.length === 0) break
          return [{ name: 'X-Signed', value: message.header.first('subject') ?? '' }]
        },
      }),
    })
  const taken = [entryOf(voucher)]

  async function signedBy(signer: EntryConfig, text = 'Subject: test\r\n\r\nHello.\r\n') {
    const chain = chainUnderTest({ entries: [signer, ...taken] })
    const session = chain.dial()
    await session.connect()
    await session.hello()
    await session.mail()
    await session.rcpt('bob@x.test')
    await session.message(text)
    session.end()
    return chain
  }

  test('takes for a fact that it was signed, and that it could not be', async () => {
    for (const what of ['signs', 'throws', 'reads'] as const) {
      const entry = entryOf(signerThat(what))
      // oxlint-disable-next-line no-await-in-loop -- one kind after the other
      const same = await replayed(await signedBy(entry), { entries: [entry, ...taken] })
      expect(same).toEqual([{ outcome: 'same' }])
    }
  })

  test('says what comes of a failure now, and of a signer that works again', async () => {
    const chain = await signedBy(entryOf(signerThat('throws')))
    const open = entryOf(signerThat('throws'), { onFault: 'pass' })
    const accepted = { was: { verdict: 'deferred', reason: 'FAULT' }, is: { verdict: 'accepted' } }
    expect(await replayed(chain, { entries: [open, ...taken] })).toMatchObject([
      { outcome: 'changed', recipients: [accepted] },
    ])
    const mended = entryOf(signerThat('signs'), { options: { remark: 'a new key' } })
    expect(await replayed(chain, { entries: [mended, ...taken] })).toMatchObject([
      { outcome: 'changed', recipients: [accepted] },
    ])
  })

  test('guesses nothing of another signer that wants what is not kept', async () => {
    const reads = entryOf(signerThat('reads'), { options: { remark: 'x' } })
    const chain = await signedBy(entryOf(signerThat('reads')))
    const [withoutBody] = await replayed(chain, { entries: [reads, ...taken] })
    expect(withoutBody).toMatchObject({
      outcome: 'not-replayable',
      entry: 'signer',
      why: expect.stringContaining('it wants the body'),
    })
    const long = `Subject: ${'x'.repeat(9_000)}\r\n\r\nHello.\r\n`
    const withLongHeader = await signedBy(entryOf(signerThat('signs')), long)
    const [withoutHeader] = await replayed(withLongHeader, { entries: [reads, ...taken] })
    expect(withoutHeader).toMatchObject({ why: expect.stringContaining('it wants the header') })
    const same = await replayed(withLongHeader, {
      entries: [entryOf(signerThat('signs')), ...taken],
    })
    expect(same).toEqual([{ outcome: 'same' }])
  })
})

/** A spool that has this message under every id, with a field on top that was not received. */
function spoolWith(text: string): KeptCopies {
  return { find: async () => ({ message: memoryMessage(text) }) }
}

async function recordsOf(chain: ReturnType<typeof chainUnderTest>) {
  const all = []
  for await (const stored of tracesSince(chain.archive, 0)) all.push(stored)
  return all
}
