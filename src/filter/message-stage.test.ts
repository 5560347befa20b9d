import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { finding, findingKey, type FindingKey } from '../plugin/finding.ts'
import { definePlugin, type Plugin } from '../plugin/plugin.ts'
import { discard, pass, perRecipient, quarantine, reject, type Pass } from '../plugin/verdict.ts'
import {
  chainUnderTest,
  entryOf,
  type ChainTestOptions,
  type ChainUnderTest,
  type TestSession,
} from '../testkit/chain-under-test.ts'
import { chooser } from '../../test/fixtures/plugins/chooser/chooser.ts'
import { objector } from '../../test/fixtures/plugins/objector/objector.ts'
import { slow } from '../../test/fixtures/plugins/slow/slow.ts'
import { voucher } from '../../test/fixtures/plugins/voucher/voucher.ts'

type Ending = Partial<ChainTestOptions> & { readonly answers?: 'one' | 'each' }

interface Ready {
  readonly chain: ChainUnderTest
  readonly session: TestSession
}

/** A session with its recipients accepted, about to send. */
async function ready(
  entries: ChainTestOptions['entries'],
  recipients: readonly string[] = ['bob@postern.test'],
  { answers = 'one', ...options }: Ending = {},
): Promise<Ready> {
  const chain = chainUnderTest({ ...options, entries: [...entries, entryOf(voucher)] })
  const session = chain.dial({}, answers)
  await session.connect()
  await session.hello()
  await session.mail()
  for (const recipient of recipients) expect(await session.rcpt(recipient)).toBe('250')
  await session.data()
  return { chain, session }
}

/** A plugin that logs when it starts, and answers when its turn in `order` has come. */
const named = (name: string, verdict: () => Pass = pass): Plugin =>
  definePlugin({
    name,
    setup: (_options, { log }) => ({
      message() {
        log.info('started', { name })
        return verdict()
      },
    }),
  })

const started = ({ chain }: Ready) =>
  chain.log.events.filter(({ event }) => event === 'started').map(({ fields }) => fields['name'])

const waits = (delay: string, name: string, config: object = {}) =>
  entryOf(slow, { name, options: { delay }, ...config })

describe('the order at message', () => {
  test('entries marked first run alone before the others', async () => {
    const one = await ready([
      entryOf(named('ordinary')),
      waits('1s', 'slow-first', { first: true }),
      entryOf(named('late-first'), { first: true }),
    ])
    const reply = one.session.dot()
    expect(started(one)).toEqual([])
    one.chain.clock.advance(1000)
    expect(await reply).toBe('250')
    expect(started(one)).toEqual(['late-first', 'ordinary'])
  })

  test('an enforced entry waits for no shadow entry, not even one that is marked first', async () => {
    const one = await ready([
      waits('1s', 'shadowed', { first: true, mode: 'shadow' }),
      entryOf(named('enforced')),
    ])
    const reply = one.session.dot()
    expect(started(one)).toEqual(['enforced'])
    one.chain.clock.advance(1000)
    expect(await reply).toBe('250')
  })

  test('the rest run at once', async () => {
    const { chain, session } = await ready([waits('1s', 'a'), waits('1s', 'b'), waits('1s', 'c')])
    const reply = session.dot()
    chain.clock.advance(1000)
    expect(await reply).toBe('250')
  })

  test('no more run at once than the limit allows', async () => {
    const entries = [waits('1s', 'a'), waits('1s', 'b'), entryOf(named('third'))]
    const one = await ready(entries, undefined, { parallel: 2 })
    const reply = one.session.dot()
    expect(started(one)).toEqual([])
    one.chain.clock.advance(1000)
    await reply
    expect(started(one)).toEqual(['third'])
  })

  test('an entry waits for those that provide what it needs, and for nobody else', async () => {
    const fact = findingKey<number, 'fact'>('fact')
    const provider = definePlugin({
      name: 'provider',
      provides: [fact],
      setup: (_options, { clock }) => ({
        message() {
          const { promise, resolve } = Promise.withResolvers<Pass<'fact'>>()
          clock.after(500, () => resolve(pass({ findings: [finding(fact, 42)] })))
          return promise
        },
      }),
    })
    const reader = definePlugin({
      name: 'reader',
      needs: [fact],
      setup: (_options, { log }) => ({
        message(_event, { findings }) {
          log.info('started', { name: `reader saw ${findings.get(fact)}` })
          return pass()
        },
      }),
    })
    const one = await ready([entryOf(provider), entryOf(reader), entryOf(named('independent'))])
    const reply = one.session.dot()
    expect(started(one)).toEqual(['independent'])
    one.chain.clock.advance(500)
    expect(await reply).toBe('250')
    expect(started(one)).toEqual(['independent', 'reader saw 42'])
  })

  test('an entry that reads what it neither needs nor wants is at fault: results must not depend on luck', async () => {
    const fact = findingKey<number, 'fact'>('fact')
    const finder = definePlugin({
      name: 'finder',
      provides: [fact],
      setup: () => ({ message: () => pass({ findings: [finding(fact, 1)] }) }),
    })
    const peeker = definePlugin({
      name: 'peeker',
      setup: () => ({
        message(_event, { findings }) {
          // As in a plugin that no compiler has seen.
          findings.get(fact as FindingKey<number, never>)
          return pass()
        },
      }),
    })
    const { chain, session } = await ready([entryOf(finder), entryOf(peeker)])
    expect(await session.dot()).toMatch(/^451 4\.3\.0 /)
    expect(chain.log.events[0]?.fields).toMatchObject({
      entry: 'peeker',
      detail: expect.stringContaining(
        'it reads the finding fact, and declares it neither in needs',
      ),
    })
  })
})

describe('an objection to the message', () => {
  const objecting = (text: string, name: string) =>
    entryOf(objector, { name, options: { stage: 'message', text } })

  test('calls off those that come after it, and waits for those before it', async () => {
    const { chain, session } = await ready([
      waits('1s', 'before'),
      objecting('Refused', 'middle'),
      waits('1h', 'after'),
    ])
    const reply = session.dot()
    await Promise.resolve()
    chain.clock.advance(1000)
    expect(await reply).toBe('550 5.7.1 Refused')
    expect(chain.clock.pending).toBe(0)
  })

  test('the earliest entry that objects is heard, however slow it is', async () => {
    const { chain, session } = await ready([
      entryOf(slow, { name: 'first', options: { delay: '2s', object: true } }),
      objecting('Quickly refused', 'second'),
    ])
    const reply = session.dot()
    chain.clock.advance(2000)
    expect(await reply).toBe('550 5.7.1 Slowly refused')
  })

  test('shadow entries are not asked about refused mail', async () => {
    const one = await ready([
      objecting('Refused', 'objector'),
      entryOf(named('shadowed'), { mode: 'shadow' }),
    ])
    expect(await one.session.dot()).toBe('550 5.7.1 Refused')
    expect(started(one)).toEqual([])
  })

  test('a slow shadow entry does not hold up a refusal', async () => {
    const { session } = await ready([
      waits('1h', 'shadowed', { mode: 'shadow' }),
      objecting('Refused', 'objector'),
    ])
    expect(await session.dot()).toBe('550 5.7.1 Refused')
  })

  test('what runs is told by its signal when the client is gone', async () => {
    const { chain, session } = await ready([waits('1h', 'waiting')])
    const reply = session.dot()
    session.end('disconnect')
    expect(await reply).toMatch(/^451 4\.4\.2 /)
    expect(chain.log.events.map(({ event }) => event)).toContain('slow.called-off')
  })
})

test('a sender of VERP, judged by its base, is queued with its mark', async () => {
  const session = chainUnderTest({ entries: [entryOf(voucher)] }).dial()
  await session.connect()
  await session.hello()
  await session.mail('list-@client.test', { verp: true })
  await session.rcpt('bob@postern.test')
  await session.data()
  await session.dot()
  const [{ envelope } = expect.fail()] = session.placements
  expect(envelope.reversePath).toEqual({ localPart: 'list-@client.test-', domain: '[]' })
})

describe('verdicts that differ by recipient', () => {
  const dispositions = (session: TestSession) =>
    session.placements.map(({ disposition, reason, envelope }) => [
      disposition,
      reason,
      envelope.recipients.map(({ mailbox }) => mailbox.localPart),
    ])

  test('any defer defers all', async () => {
    const { session } = await ready([entryOf(chooser)], ['ann@x.test', 'defer@x.test'])
    expect(await session.dot()).toBe('451 4.2.0 Deferred by choice')
    expect(session.placements).toEqual([])
  })

  test('all rejected is a refusal', async () => {
    const { session } = await ready([entryOf(chooser)], ['reject1@x.test', 'reject2@x.test'])
    expect(await session.dot()).toBe('550 5.2.0 Rejected by choice')
  })

  test('where some pass, a rejected recipient is held, never bounced', async () => {
    const recipients = [
      'ann@x.test',
      'reject@x.test',
      'hold@x.test',
      'bea@x.test',
      'discard@x.test',
    ]
    const { session } = await ready([entryOf(chooser)], recipients)
    expect(await session.dot()).toBe('250')
    expect(dispositions(session)).toEqual([
      ['deliver', undefined, ['ann', 'bea']],
      ['hold', '5.2.0 Rejected by choice', ['reject']],
      ['hold', 'CHOSEN', ['hold']],
      ['discard', 'CHOSEN', ['discard']],
    ])
  })

  test('an entry with a recipient condition speaks of those it applies to', async () => {
    const strict = entryOf(objector, {
      options: { stage: 'message' },
      when: { recipient_domain: ['strict.test'] },
    })
    const { session } = await ready([strict], ['ann@x.test', 'bob@strict.test'])
    expect(await session.dot()).toBe('250')
    expect(dispositions(session)).toEqual([
      ['deliver', undefined, ['ann']],
      ['hold', 'OBJECTION', ['bob']],
    ])
  })

  test('the first of quarantine and discard counts', async () => {
    const hold = entryOf(
      definePlugin({ name: 'hold', setup: () => ({ message: () => quarantine() }) }),
    )
    const drop = entryOf(
      definePlugin({ name: 'drop', setup: () => ({ message: () => discard() }) }),
    )
    const holdFirst = await ready([hold, drop])
    await holdFirst.session.dot()
    expect(dispositions(holdFirst.session)).toMatchObject([['hold', 'QUARANTINE', ['bob']]])
    const dropFirst = await ready([drop, hold])
    await dropFirst.session.dot()
    expect(dispositions(dropFirst.session)).toMatchObject([['discard', 'DISCARD', ['bob']]])
  })

  test('a list of another length than there are recipients is a fault', async () => {
    const short = definePlugin({
      name: 'short',
      setup: () => ({ message: () => perRecipient([]) }),
    })
    const { chain, session } = await ready([entryOf(short)])
    expect(await session.dot()).toMatch(/^451 4\.3\.0 /)
    expect(chain.log.events[0]?.fields).toMatchObject({ kind: 'not-a-verdict' })
  })
})

describe('split: first', () => {
  const strict = entryOf(objector, {
    options: { stage: 'message' },
    when: { recipient_domain: ['strict.test'] },
  })
  const play = async (options: Partial<ChainTestOptions>, ...recipients: readonly string[]) => {
    const entries = [...(options.entries ?? [strict]), entryOf(voucher)]
    const chain = chainUnderTest({ receiver: { split: 'first' }, ...options, entries })
    const session = chain.dial()
    await session.connect()
    await session.hello()
    await session.mail()
    const said: string[] = []
    for (const recipient of recipients) said.push(await session.rcpt(recipient))
    return { chain, session, said }
  }
  const another = '452 4.5.3 Please send to this recipient in a transaction of its own'

  test('asks for another transaction for a recipient about whom other entries decide', async () => {
    const recipients = ['ann@x.test', 'bob@strict.test', 'cy@x.test']
    const { chain, session, said } = await play({}, ...recipients)
    expect(said).toEqual(['250', another, '250'])
    expect(await session.message()).toBe('250')
    expect(session.placements).toMatchObject([
      { disposition: 'deliver', envelope: { recipients: { length: 2 } } },
    ])
    expect((await chain.trace())?.recipients[1]).toEqual({
      address: 'bob@strict.test',
      accepted: false,
      ruled: 'SPLIT',
    })
    await session.mail()
    expect(await session.rcpt('bob@strict.test')).toBe('250')
    expect(await session.message()).toBe('550 5.7.1 Objection')
  })

  test('asks for another transaction where an entry judges otherwise for a recipient', async () => {
    const judge = definePlugin({
      name: 'judge',
      setup: () => ({
        message: () => pass(),
        classOf: ({ mailbox }, { reversePath }) => `${mailbox.domain} ${reversePath?.domain}`,
      }),
    })
    const { said } = await play({ entries: [entryOf(judge)] }, 'a@x.test', 'b@y.test', 'c@x.test')
    expect(said).toEqual(['250', another, '250'])
    const unsure = definePlugin({
      name: 'unsure',
      setup: () => ({
        message: () => pass(),
        classOf() {
          throw new Error('no idea')
        },
      }),
    })
    const { said: heard } = await play({ entries: [entryOf(unsure)] }, 'a@x.test', 'b@y.test')
    expect(heard).toEqual(['250', '250'])
  })

  test('says first what an entry has to say of the recipient', async () => {
    const nobody = entryOf(objector, {
      name: 'nobody',
      options: { stage: 'rcpt', text: 'No such user' },
      when: { recipient: ['bob@strict.test'] },
    })
    const { said } = await play({ entries: [strict, nobody] }, 'ann@x.test', 'bob@strict.test')
    expect(said[1]).toBe('550 5.7.1 No such user')
  })

  test('makes no difference for conditions that do not speak of recipients, for shadow entries, or where it is off', async () => {
    const recipients = ['ann@x.test', 'bob@strict.test']
    const elsewhere = entryOf(objector, {
      name: 'elsewhere',
      options: { stage: 'message' },
      unless: { network: ['192.0.2.0/24'] },
    })
    const shadow = { ...strict, mode: 'shadow' as const }
    expect((await play({ entries: [elsewhere, shadow] }, ...recipients)).said).toEqual([
      '250',
      '250',
    ])
    expect((await play({ receiver: {} }, ...recipients)).said).toEqual(['250', '250'])
  })
})

describe('verdicts that differ by recipient, where each recipient is answered', () => {
  const each = { answers: 'each' } as const
  const recipientsOf = (session: TestSession) =>
    session.placements.map(({ disposition, envelope }) => [
      disposition,
      envelope.recipients.map(({ mailbox }) => mailbox.localPart),
    ])

  test('who is deferred or rejected hears it and gets nothing, the others get the message', async () => {
    const recipients = ['ann@x.test', 'reject@x.test', 'defer@x.test', 'hold@x.test', 'bea@x.test']
    const { chain, session } = await ready([entryOf(chooser)], recipients, each)
    expect(await session.dot()).toBe('250')
    expect(session.replies).toEqual([
      '250 2.0.0 queued',
      '550 5.2.0 Rejected by choice',
      '451 4.2.0 Deferred by choice',
      '250 2.0.0 queued',
      '250 2.0.0 queued',
    ])
    expect(recipientsOf(session)).toEqual([
      ['deliver', ['ann', 'bea']],
      ['hold', ['hold']],
    ])
    expect(await chain.trace()).toMatchObject({
      each: true,
      replies: [{ code: 250 }, { code: 550 }, { code: 451 }, { code: 250 }, { code: 250 }],
      placements: [{ recipients: ['ann@x.test', 'bea@x.test'] }, { recipients: ['hold@x.test'] }],
    })
  })

  test('of those that nobody takes the whole is deferred before it is rejected', async () => {
    const { session } = await ready([entryOf(chooser)], ['reject@x.test', 'defer@x.test'], each)
    expect(await session.dot()).toBe('451 4.2.0 Deferred by choice')
    expect(session.replies).toEqual([
      '550 5.2.0 Rejected by choice',
      '451 4.2.0 Deferred by choice',
    ])
    expect(session.placements).toEqual([])
  })

  test('what is said to all alike is said once', async () => {
    const { session } = await ready([entryOf(chooser)], ['reject1@x.test', 'reject2@x.test'], each)
    expect(await session.dot()).toBe('550 5.2.0 Rejected by choice')
    expect(session.replies).toEqual([])
  })

  test('an objection to the whole does not silence an earlier one to a recipient', async () => {
    const entries = [
      entryOf(chooser),
      entryOf(objector, { options: { stage: 'message', text: 'Not this message' } }),
    ]
    const { session } = await ready(entries, ['ann@x.test', 'reject@x.test'], each)
    expect(await session.dot()).toBe('550 5.7.1 Not this message')
    expect(session.replies).toEqual(['550 5.7.1 Not this message', '550 5.2.0 Rejected by choice'])
  })

  test('a refused recipient is in no placement, whatever edits the envelope', async () => {
    const adding = definePlugin({
      name: 'adding',
      setup: () => ({
        message: () =>
          pass({
            envelopeEdits: [
              {
                edit: 'addRecipient',
                recipient: { mailbox: { localPart: 'copy', domain: 'x.test' } },
              },
            ],
          }),
      }),
    })
    const { session } = await ready(
      [entryOf(chooser), entryOf(adding)],
      ['ann@x.test', 'reject@x.test'],
      each,
    )
    expect(await session.dot()).toBe('250')
    expect(recipientsOf(session)).toEqual([['deliver', ['ann', 'copy']]])
  })
})

test('the reply does not depend on who is faster', async () => {
  const kinds = fc.constantFrom('pass', 'reject', 'hold')
  const plan = fc.array(fc.tuple(kinds, fc.integer({ min: 0, max: 5 })), {
    minLength: 1,
    maxLength: 6,
  })
  const play = async (steps: readonly (readonly [string, number])[], quick: boolean) => {
    const entries = steps.map(([kind, delay], index) => {
      const verdict = () =>
        kind === 'reject'
          ? reject('5.7.1', `By ${index}`)
          : kind === 'hold'
            ? quarantine({ reason: `By ${index}` })
            : pass()
      return entryOf(
        definePlugin({
          name: `entry-${index}`,
          setup: (_options, { clock }) => ({
            message() {
              if (quick) return verdict()
              const { promise, resolve } = Promise.withResolvers<ReturnType<typeof verdict>>()
              clock.after(delay, () => resolve(verdict()))
              return promise
            },
          }),
        }),
      )
    })
    const { chain, session } = await ready(entries, ['a@x.test'], { parallel: 3 })
    const reply = session.dot()
    for (let i = 0; i < 60; i++) {
      chain.clock.advance(1)
      await Promise.resolve()
    }
    return [await reply, session.placements.map(({ disposition, reason }) => [disposition, reason])]
  }
  await fc.assert(
    fc.asyncProperty(plan, async (steps) => {
      expect(await play(steps, false)).toEqual(await play(steps, true))
    }),
    { numRuns: 40 },
  )
})
