import { describe, expect, test } from 'vitest'
import { definePlugin } from '../plugin/plugin.ts'
import { pass, reject } from '../plugin/verdict.ts'
import { chainUnderTest, entryOf, type ChainUnderTest } from '../testkit/chain-under-test.ts'
import { recordingLog } from '../testkit/recording-log.ts'
import { memoryArchive } from '../testkit/memory-archive.ts'
import { faulty } from '../../test/fixtures/plugins/faulty/faulty.ts'
import { objector } from '../../test/fixtures/plugins/objector/objector.ts'
import { voucher } from '../../test/fixtures/plugins/voucher/voucher.ts'
import { AttemptRecorder } from './attempts.ts'
import type { EntryConfig } from './entry.ts'
import { redecide } from './redecide.ts'
import { wholeRecord } from './trace-reader.ts'
import { SessionJson } from './record-json.ts'
import type { TraceEnd, TraceRecord } from './trace-record.ts'
import { TraceWriter } from './trace-writer.ts'

async function sent(entries: readonly EntryConfig[], to = ['bob@x.test']): Promise<ChainUnderTest> {
  const chain = chainUnderTest({ entries: [...entries, entryOf(voucher)] })
  const session = chain.dial()
  await session.connect()
  await session.hello()
  await session.mail()
  for (const recipient of to) await session.rcpt(recipient)
  await session.message()
  session.end()
  return chain
}

const quiet = definePlugin({
  name: 'quiet',
  setup: () => ({ connect: () => pass(), mail: () => pass(), message: () => pass() }),
})

describe('the explanation of a transaction', () => {
  test('says who sent what to whom, and what came of it', async () => {
    const chain = await sent([entryOf(quiet)])
    expect(await chain.trace()).toMatchObject({
      id: 's1.1',
      session: 's1',
      listener: 'mx',
      remote: '192.0.2.1:40000',
      hello: 'client.test',
      reversePath: '<alice@client.test>',
      recipients: [{ address: 'bob@x.test', accepted: true }],
      stage: 'message',
      end: 'committed',
      reply: { code: 250, status: '2.0.0', text: 'queued' },
      queueIds: ['s1.1.q1'],
      sizeBytes: 25,
      lost: 0,
    })
  })

  test('has a step for each entry that was asked, in the order of asking', async () => {
    const trace = await (await sent([entryOf(quiet)])).trace()
    expect(trace?.steps.map(({ stage, entry, verdict }) => `${stage} ${entry} ${verdict}`)).toEqual(
      ['connect quiet pass', 'mail quiet pass', 'rcpt voucher accept', 'message quiet pass'],
    )
  })

  test('is found by transaction id, by queue id, and as the last one', async () => {
    const chain = await sent([])
    const last = await chain.trace('last')
    expect(last?.id).toBe('s1.1')
    expect(await chain.trace('s1.1')).toEqual(last)
    expect(await chain.trace('s1.1.q1')).toEqual(last)
    expect(await chain.trace('unheard-of')).toBeUndefined()
  })

  test('is found among thousands', async () => {
    const chain = await sent([])
    for (let i = 0; i < 1000; i++) {
      const session = chain.dial()
      await session.connect()
      await session.mail()
      await session.rcpt('ann@x.test')
      await session.message()
    }
    expect((await chain.trace('s2.1'))?.recipients).toEqual([
      { address: 'ann@x.test', accepted: true },
    ])
    // The bound of the store has pushed the oldest out.
    expect(await chain.trace('s1.1')).toBeUndefined()
  })

  test('shows faults with their kind, and the evidence of verdicts', async () => {
    const witness = definePlugin({
      name: 'witness',
      setup: () => ({ mail: () => pass({ reason: 'SEEN', evidence: { by: ['me'], sure: true } }) }),
    })
    const chain = await sent([
      entryOf(witness),
      entryOf(faulty, { onFault: 'pass', options: { stage: 'mail', how: 'throws' } }),
    ])
    expect((await chain.trace())?.steps.slice(0, 2)).toMatchObject([
      { entry: 'witness', details: { reason: 'SEEN', evidence: { by: ['me'], sure: true } } },
      {
        entry: 'faulty',
        verdict: 'pass',
        fault: { kind: 'threw', detail: expect.stringContaining('secret of the inside') },
      },
    ])
  })

  test('an entry with nothing to say is kept as two numbers', async () => {
    const chain = await sent([entryOf(quiet)])
    const [record] = chain.archive.records
    expect(record).toMatchObject({
      steps: [
        [0, expect.any(Number)],
        [1, expect.any(Number)],
        expect.anything(),
        expect.anything(),
      ],
    })
  })

  test.each(['connect', 'hello', 'mail'])('a refusal at %s has one too', async (stage) => {
    const chain = chainUnderTest({ entries: [entryOf(objector, { options: { stage } })] })
    const session = chain.dial()
    let reply = await session.connect()
    if (reply === '220') reply = await session.hello()
    if (reply === '250') reply = await session.mail()
    session.end()
    const trace = await chain.trace()
    expect(trace).toMatchObject({ end: 'refused', stage })
    expect(`${trace?.reply?.code} ${trace?.reply?.status} ${trace?.reply?.text}`).toBe(reply)
    expect(trace === undefined ? undefined : redecide(trace)?.last).toMatchObject({
      code: Number(reply.slice(0, 3)),
    })
  })

  test('a greeting that was refused and said again, well, leaves none', async () => {
    const picky = definePlugin({
      name: 'picky',
      setup: () => ({
        hello: ({ session }) =>
          session.hello?.name === 'bad.test' ? reject('5.7.1', 'Bad name') : pass(),
      }),
    })
    const chain = chainUnderTest({ entries: [entryOf(picky)] })
    const session = chain.dial()
    await session.connect()
    expect(await session.hello('bad.test')).toBe('550 5.7.1 Bad name')
    expect(await session.hello('good.test')).toBe('250')
    session.end()
    expect(await chain.trace()).toBeUndefined()
  })

  test('a session that was not refused and sent nothing leaves none', async () => {
    const chain = chainUnderTest({ entries: [entryOf(quiet)] })
    const session = chain.dial()
    await session.connect()
    await session.hello()
    session.end()
    expect(await chain.trace()).toBeUndefined()
  })

  test('is logged as one event that names the steps that told something', async () => {
    const chain = await sent([entryOf(objector, { mode: 'shadow', options: { stage: 'mail' } })])
    const logged = chain.log.events.filter(({ event }) => event.startsWith('transaction.'))
    expect(logged).toMatchObject([
      {
        event: 'transaction.committed',
        fields: {
          transaction: 's1.1',
          reversePath: '<alice@client.test>',
          recipients: 1,
          code: 250,
          steps: ['objector would reject OBJECTION', 'voucher accept VOUCHED'],
        },
      },
    ])
  })
})

describe('bounds', () => {
  test('evidence without end does not make a record without end', async () => {
    const circle: { self?: unknown; text: string } = { text: 'x'.repeat(100_000) }
    circle.self = circle
    const talker = definePlugin({
      name: 'talker',
      setup: () => ({ mail: () => JSON.parse('{"verdict":"pass"}') }),
    })
    const chatty = {
      ...talker,
      setup: () => ({
        mail: () => Object.assign(pass({ reason: 'TALK' }), { evidence: circle }),
      }),
    }
    const chain = await sent(
      Array.from({ length: 30 }, (_, index) => entryOf(chatty, { name: `talker-${index}` })),
    )
    const [record] = chain.archive.records
    expect(JSON.stringify(record).length).toBeLessThan(60_000)
    const trace = await chain.trace()
    expect(trace === undefined ? undefined : redecide(trace)?.last).toEqual({ ruling: 'pass' })
  })

  test('a client that tries recipients by the thousand does not fill the memory', async () => {
    const strict = definePlugin({
      name: 'strict',
      setup: () => ({ rcpt: () => reject('5.1.1', 'No') }),
    })
    const chain = chainUnderTest({ entries: [entryOf(strict)] })
    const session = chain.dial()
    await session.connect()
    await session.hello()
    await session.mail()
    for (let i = 0; i < 5000; i++) await session.rcpt(`nobody${i}@x.test`)
    session.end()
    const trace = await chain.trace()
    expect(trace?.recipients).toHaveLength(2000)
    expect(trace?.lost).toBeGreaterThan(0)
    expect(trace === undefined ? 'none' : redecide(trace)).toBeUndefined()
  })

  test('a message to a thousand recipients is explained whole, a hundred of them refused', async () => {
    const strict = definePlugin({
      name: 'strict',
      setup: () => ({
        rcpt: ({ recipient: { mailbox } }) =>
          mailbox.localPart.startsWith('x') ? reject('5.1.1', 'No such user') : pass(),
      }),
    })
    const chain = chainUnderTest({
      entries: [...['a', 'b'].map((name) => entryOf(voucher, { name })), entryOf(strict)],
    })
    const session = chain.dial()
    await session.connect()
    await session.hello()
    await session.mail()
    for (let i = 0; i < 1100; i++) await session.rcpt(`${i % 11 === 0 ? 'x' : 'u'}${i}@x.test`)
    await session.message()
    const trace = await chain.trace()
    expect(trace?.lost).toBe(0)
    const told = trace === undefined ? undefined : redecide(trace)?.recipients
    expect(told?.filter(({ ruling }) => ruling === 'reject')).toHaveLength(100)
    expect(told?.filter(({ ruling }) => ruling === 'pass')).toHaveLength(1000)
  })

  test('a client that greets over and over leaves the steps of its last greeting', async () => {
    const greeter = definePlugin({ name: 'greeter', setup: () => ({ hello: () => pass() }) })
    const chain = chainUnderTest({ entries: [entryOf(greeter), entryOf(voucher)] })
    const session = chain.dial()
    await session.connect()
    for (let i = 0; i < 1000; i++) await session.hello()
    await session.mail()
    await session.rcpt('bob@x.test')
    await session.message()
    expect((await chain.trace())?.steps).toHaveLength(2)
  })

  test('when the store falls behind, accepted mail loses its explanation first, and is counted', () => {
    const archive = memoryArchive(() => [], { maxRecords: 10_000 })
    const log = recordingLog()
    const writer = new TraceWriter(archive, log)
    const record = (id: string, end: TraceEnd): TraceRecord => ({
      head: {
        version: 1,
        id,
        session: 's',
        chain: 'c',
        listener: 'mx',
        remote: '',
        hostname: '',
        environment: '',
        recipients: [],
        stage: 'message',
        end,
      },
      times: { at: 0, endedAt: 0 },
      detail: { steps: '[]' },
    })
    writer.write(record('early', 'committed'), new SessionJson())
    archive.fallBehind(2000)
    for (let i = 0; i < 100; i++) writer.write(record(`late${i}`, 'committed'), new SessionJson())
    writer.write(record('no', 'refused'), new SessionJson())
    expect(writer.dropped).toBe(100)
    archive.fallBehind(0)
    writer.write(record('again', 'committed'), new SessionJson())
    expect(archive.records.map(({ id }) => id)).toEqual(['early', 'no', 'again'])
    expect(log.events.map(({ event }) => event)).toEqual(['traces.behind', 'traces.caught-up'])
  })
})

test('what the courier did since belongs to the explanation, in the order of the tries', async () => {
  const chain = await sent([])
  const recorder = new AttemptRecorder(chain.archive)
  const attempt = {
    queueId: 's1.1.q1',
    recipient: 'bob@x.test',
    route: 'x.test',
    status: '4.4.1',
    text: 'No answer',
    startedAt: 1_800_000_000_000,
    durationMs: 12,
  }
  recorder.record({ ...attempt, outcome: 'deferred' })
  recorder.record({ ...attempt, outcome: 'deferred', startedAt: 1_800_000_400_000 })
  recorder.record({
    ...attempt,
    outcome: 'delivered',
    startedAt: 1_800_001_600_000,
    status: '2.0.0',
  })
  recorder.record({ ...attempt, queueId: 's1.1.q10', outcome: 'failed' })
  const outcomes = (await chain.trace('s1.1.q1'))?.attempts.map(({ outcome }) => outcome)
  expect(outcomes).toEqual(['deferred', 'deferred', 'delivered'])
})

test('a record whose steps alone lie beside it, as earlier versions stored it, is read as a whole', () => {
  const head = { id: 't', facts: { verb: 'EHLO' } }
  const whole = { id: 't', facts: { verb: 'EHLO' }, steps: [[0, 2]] }
  expect(wholeRecord(head, [[0, 2]])).toEqual(whole)
  expect(wholeRecord({ id: 't' }, { steps: [[0, 2]], facts: { verb: 'EHLO' } })).toEqual(whole)
  expect(wholeRecord(head, undefined)).toEqual(head)
})
