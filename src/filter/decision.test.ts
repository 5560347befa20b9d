import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../mail/json.ts'
import { defer, pass, quarantine, reject, type AnyVerdict } from '../plugin/verdict.ts'
import {
  chainUnderTest,
  entryOf,
  type ChainTestOptions,
  type TestSession,
} from '../testkit/chain-under-test.ts'
import { chooser } from '../../test/fixtures/plugins/chooser/chooser.ts'
import { objector } from '../../test/fixtures/plugins/objector/objector.ts'
import { onePassword } from '../../test/fixtures/plugins/one-password/one-password.ts'
import { redirector } from '../../test/fixtures/plugins/redirector/redirector.ts'
import { scorer } from '../../test/fixtures/plugins/scorer/scorer.ts'
import { stamper } from '../../test/fixtures/plugins/stamper/stamper.ts'
import { voucher } from '../../test/fixtures/plugins/voucher/voucher.ts'
import { decideMessage, type Opinion, type Thresholds } from './decision.ts'
import type { EntryConfig } from './entry.ts'
import { definePlugin } from '../plugin/plugin.ts'

interface Sent {
  readonly entries: readonly EntryConfig[]
  readonly thresholds?: Thresholds
  readonly more?: Pick<ChainTestOptions, 'thresholdRules' | 'tagging' | 'receiver'>
  readonly text?: string
  readonly to?: readonly string[]
  readonly user?: string
}

/** Sends one message. @returns the reply, and the session with what was committed. */
async function send({
  entries,
  thresholds,
  more,
  text,
  to,
  user,
}: Sent): Promise<[string, TestSession]> {
  const chain = chainUnderTest({
    entries: [...entries, entryOf(onePassword), entryOf(voucher)],
    thresholds: thresholds ?? {},
    ...more,
  })
  const session = chain.dial()
  await session.connect()
  await session.hello()
  if (user !== undefined) await session.login(user)
  await session.mail()
  for (const recipient of to ?? ['bob@x.test']) expect(await session.rcpt(recipient)).toBe('250')
  return [await session.message(text), session]
}

const scoring = (options: JsonObject, config: Partial<EntryConfig> = {}) =>
  entryOf(scorer, { ...config, options })
const told = (session: TestSession) =>
  session.placements.map(({ disposition, reason, envelope }) => ({
    disposition,
    reason,
    to: envelope.recipients.map(({ mailbox }) => mailbox.localPart),
  }))

describe('scores', () => {
  const thresholds = { tag: 2, quarantine: 5, reject: 10, discard: 20 }

  test.each([
    [1, '250', [{ disposition: 'deliver' }]],
    [5, '250', [{ disposition: 'hold', reason: 'SCORE' }]],
    [10, '550 5.7.1 Message refused by policy', []],
    [20, '250', [{ disposition: 'discard', reason: 'SCORE' }]],
  ])('a score of %s', async (score, reply, placements) => {
    const [said, session] = await send({ entries: [scoring({ score })], thresholds })
    expect(said).toBe(reply)
    expect(session.placements).toMatchObject(placements)
  })

  test.each<readonly [string, Thresholds, readonly (string | undefined)[]]>([
    ['a rejection below the quarantine', { reject: 6 }, ['deliver', '550', '550']],
    ['a discard below it', { discard: 6 }, ['deliver', 'discard', 'discard']],
    ['a rejection at the same score', { reject: 8 }, ['deliver', 'deliver', '550']],
    ['a discard above a rejection', { reject: 6, discard: 8 }, ['deliver', '550', 'discard']],
    ['a rejection above a discard', { discard: 6, reject: 8 }, ['deliver', 'discard', '550']],
    ['both at one score', { discard: 8, reject: 8 }, ['deliver', 'deliver', '550']],
  ])('a milder threshold for all undoes no severer one for some: %s', async (_, own, expected) => {
    const outcomes: (string | undefined)[] = []
    for (const score of [5, 7, 8]) {
      const [said, session] = await send({
        entries: [scoring({ score })],
        thresholds: { quarantine: 8 },
        more: { thresholdRules: new Map([['x.test', own]]) },
        to: ['bob@x.test'],
      })
      outcomes.push(said.startsWith('550') ? '550' : session.placements[0]?.disposition)
    }
    expect(outcomes).toEqual(expected)
  })

  test('without thresholds a score changes nothing', async () => {
    const [said, session] = await send({ entries: [scoring({ score: 1000 })] })
    expect(said).toBe('250')
    expect(told(session)).toEqual([{ disposition: 'deliver', reason: undefined, to: ['bob'] }])
  })

  test('scores are summed over the entries, and shadow scores are not', async () => {
    const entries = [
      scoring({ score: 3 }, { name: 'a' }),
      scoring({ score: 2.5 }, { name: 'b' }),
      scoring({ score: 100 }, { name: 'c', mode: 'shadow' }),
    ]
    const [said, session] = await send({ entries, thresholds })
    expect(said).toBe('250')
    expect(told(session)).toEqual([{ disposition: 'hold', reason: 'SCORE', to: ['bob'] }])
  })

  test('a score of one recipient decides about that one', async () => {
    const [said, session] = await send({
      entries: [scoring({ by_recipient: true })],
      thresholds: { quarantine: 5, reject: 10, discard: 20 },
      to: ['ann@x.test', 'spam7@x.test', 'spam12@x.test', 'spam30@x.test'],
    })
    expect(said).toBe('250')
    expect(told(session)).toEqual([
      { disposition: 'deliver', reason: undefined, to: ['ann'] },
      { disposition: 'hold', reason: 'SCORE', to: ['spam7'] },
      { disposition: 'hold', reason: 'SCORE', to: ['spam12'] },
      { disposition: 'discard', reason: 'SCORE', to: ['spam30'] },
    ])
  })

  test('a tagged message says its score in the header, and what it said of itself goes', async () => {
    const [, session] = await send({ entries: [scoring({ score: 2.25 })], thresholds })
    expect(session.placements[0]?.headerEdits).toEqual([
      { edit: 'remove', name: 'X-Postern-Score' },
      { edit: 'prepend', name: 'X-Postern-Score', value: '2.25 (tagged from 2)' },
    ])
    const [, clean] = await send({ entries: [], thresholds })
    expect(clean.placements[0]?.headerEdits).toEqual([{ edit: 'remove', name: 'X-Postern-Score' }])
  })

  test('thresholds of a domain and of an address change the general ones, the nearest word counting', async () => {
    const thresholdRules = new Map([
      ['.test', { quarantine: 1 }],
      ['strict.test', { reject: 4 }],
      ['abuse@strict.test', { quarantine: null, reject: null }],
    ])
    const [said, session] = await send({
      entries: [scoring({ score: 4 })],
      thresholds: { quarantine: 5, reject: 10 },
      more: { thresholdRules },
      to: ['ann@else.where', 'bob@lax.test', 'cid@Strict.TEST', 'abuse@strict.test'],
    })
    expect(said).toBe('250')
    expect(told(session)).toEqual([
      { disposition: 'deliver', reason: undefined, to: ['ann', 'abuse'] },
      { disposition: 'hold', reason: 'SCORE', to: ['bob'] },
      { disposition: 'hold', reason: 'SCORE', to: ['cid'] },
    ])
  })

  test('with split: first, a recipient whom other thresholds judge needs a transaction of their own', async () => {
    const thresholdRules = new Map([['strict.test', { reject: 4 }]])
    const chain = chainUnderTest({
      entries: [entryOf(voucher)],
      thresholds: { reject: 10 },
      thresholdRules,
      receiver: { split: 'first' },
    })
    const session = chain.dial()
    await session.connect()
    await session.hello()
    await session.mail()
    expect(await session.rcpt('ann@x.test')).toBe('250')
    expect(await session.rcpt('cid@strict.test')).toMatch(/^452 4\.5\.3 /)
    expect(await session.rcpt('bob@y.test')).toBe('250')
  })

  test('what a tagged message is marked with is configuration, and only tagged copies are marked', async () => {
    const [, session] = await send({
      entries: [scoring({ score: 3 })],
      thresholds: { tag: 2 },
      more: {
        thresholdRules: new Map([['ann@x.test', { tag: null }]]),
        tagging: { fields: [['X-Spam-Level', '{stars}']], subjectPrefix: '[SPAM] ' },
      },
      to: ['ann@x.test', 'bob@x.test'],
      text: 'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nbody\r\n',
    })
    expect(session.placements.map(({ headerEdits }) => headerEdits)).toEqual([
      [],
      [
        { edit: 'remove', name: 'X-Postern-Score' },
        { edit: 'remove', name: 'X-Spam-Level' },
        { edit: 'prepend', name: 'X-Postern-Score', value: '3 (tagged from 2)' },
        { edit: 'prepend', name: 'X-Spam-Level', value: '***' },
        { edit: 'replace', name: 'Subject', value: '[SPAM] =?utf-8?q?Gr=C3=BC=C3=9Fe?=' },
      ],
    ])
  })

  test('what is held knows why: the entry with its evidence, or what scored', async () => {
    const picky = definePlugin({
      name: 'picky',
      setup: () => ({
        message: () => quarantine({ reason: 'VIRUS', evidence: { signature: 'Eicar' } }),
      }),
    })
    const [, held] = await send({ entries: [entryOf(picky)] })
    expect(held.placements[0]?.grounds).toEqual({
      transaction: expect.any(String),
      entry: 'picky',
      score: 0,
      evidence: { signature: 'Eicar' },
    })
    const [, scored] = await send({ entries: [scoring({ score: 6 })], thresholds })
    expect(scored.placements[0]?.grounds).toMatchObject({
      score: 6,
      evidence: { scores: [['scorer', 6]] },
    })
  })

  test('a score from an early stage counts only where the entry applies in the end', async () => {
    const early = definePlugin({
      name: 'early',
      setup: () => ({ connect: () => pass({ score: 10 }) }),
    })
    const entries = [entryOf(early, { unless: { authenticated: true } })]
    expect((await send({ entries, thresholds }))[0]).toMatch(/^550 /)
    expect((await send({ entries, thresholds, user: 'alice' }))[0]).toBe('250')
    const exempt = [entryOf(early, { unless: { recipient: ['ann@x.test'] } })]
    const [said, session] = await send({
      entries: exempt,
      thresholds,
      to: ['ann@x.test', 'b@x.test'],
    })
    expect(said).toBe('250')
    expect(told(session)).toMatchObject([
      { disposition: 'deliver', to: ['ann'] },
      { disposition: 'hold', to: ['b'] },
    ])
  })

  test('a score from RCPT belongs to its recipient', async () => {
    const perRcpt = definePlugin({
      name: 'per-rcpt',
      setup: () => ({
        rcpt: ({ recipient }) => pass({ score: recipient.mailbox.localPart === 'bad' ? 6 : 0 }),
      }),
    })
    const [, session] = await send({
      entries: [entryOf(perRcpt)],
      thresholds,
      to: ['good@x.test', 'bad@x.test'],
    })
    expect(told(session)).toMatchObject([
      { disposition: 'deliver', to: ['good'] },
      { disposition: 'hold', to: ['bad'] },
    ])
  })

  test('a quarantine by verdict stands where the score would discard, an objection stands above both', async () => {
    const holding = entryOf(objector, { options: { stage: 'message', verdict: 'quarantine' } })
    const [, session] = await send({ entries: [holding, scoring({ score: 30 })], thresholds })
    expect(told(session)).toMatchObject([{ disposition: 'hold', reason: 'OBJECTION' }])
    const [said] = await send({ entries: [holding, scoring({ score: 12 })], thresholds })
    expect(said).toBe('550 5.7.1 Message refused by policy')
  })
})

describe('edits', () => {
  test('header edits are handed on in the order of the entries', async () => {
    const entries = [
      entryOf(stamper, { name: 'one', options: { value: 'one' } }),
      entryOf(stamper, { name: 'two', options: { value: 'two' } }),
      entryOf(stamper, { name: 'three', options: { value: 'three' }, mode: 'shadow' }),
    ]
    const [, session] = await send({ entries })
    expect(session.placements.map(({ headerEdits }) => headerEdits)).toEqual([
      [
        { edit: 'remove', name: 'X-Stamp' },
        { edit: 'prepend', name: 'X-Stamp', value: 'one' },
        { edit: 'remove', name: 'X-Stamp' },
        { edit: 'prepend', name: 'X-Stamp', value: 'two' },
      ],
    ])
  })

  test('recipients whose header differs get a placement of their own', async () => {
    const stamping = entryOf(stamper, { when: { recipient: ['ann@x.test'] } })
    const [, session] = await send({ entries: [stamping], to: ['ann@x.test', 'bob@x.test'] })
    expect(
      session.placements.map(({ envelope, headerEdits }) => [
        envelope.recipients[0]?.mailbox.localPart,
        headerEdits.length,
      ]),
    ).toEqual([
      ['ann', 2],
      ['bob', 0],
    ])
  })

  test('a recipient is replaced, removed, added, and the reverse-path set', async () => {
    const options = {
      from: 'ann@x.test',
      to: 'anna@x.test',
      add: 'archive@x.test',
      remove: 'bob@x.test',
      sender: 'list@x.test',
    }
    const [, session] = await send({
      entries: [entryOf(redirector, { options })],
      to: ['ann@x.test', 'bob@x.test'],
    })
    expect(session.placements).toMatchObject([
      {
        envelope: {
          reversePath: { localPart: 'list' },
          recipients: [{ mailbox: { localPart: 'anna' } }, { mailbox: { localPart: 'archive' } }],
        },
      },
    ])
  })

  test('an added recipient gets its copy even where all others are held', async () => {
    const entries = [entryOf(chooser), entryOf(redirector, { options: { add: 'archive@x.test' } })]
    const [, session] = await send({ entries, to: ['hold@x.test'] })
    expect(told(session)).toEqual([
      { disposition: 'hold', reason: 'CHOSEN', to: ['hold'] },
      { disposition: 'deliver', reason: undefined, to: ['archive'] },
    ])
  })

  test('a copy goes where the message goes to anybody, and is held where it is held for all', async () => {
    const journal = definePlugin({
      name: 'journal',
      setup: () => ({
        message: () =>
          pass({
            score: 6,
            envelopeEdits: [
              {
                edit: 'addCopy',
                recipient: { mailbox: { localPart: 'journal', domain: 'x.test' } },
                reversePath: null,
                headerEdits: [],
              },
            ],
          }),
      }),
    })
    const dispositions = async (to: readonly string[]) => {
      const [, session] = await send({
        entries: [entryOf(chooser), entryOf(journal)],
        thresholds: { quarantine: 5 },
        more: { thresholdRules: new Map([['lax@x.test', { quarantine: null }]]) },
        to,
      })
      return told(session).map((each) => [each.disposition, each.to])
    }
    expect(await dispositions(['ann@x.test', 'lax@x.test'])).toEqual([
      ['hold', ['ann']],
      ['deliver', ['lax']],
      ['deliver', ['journal']],
    ])
    expect(await dispositions(['ann@x.test', 'hold@x.test'])).toEqual([
      ['hold', ['ann']],
      ['hold', ['hold']],
      ['hold', ['journal']],
    ])
  })

  test('a message without a recipient left is discarded, so that its 250 has a receipt', async () => {
    const entries = [entryOf(redirector, { options: { remove: 'bob@x.test' } })]
    const [said, session] = await send({ entries })
    expect(said).toBe('250')
    expect(told(session)).toEqual([
      { disposition: 'discard', reason: 'NO_RECIPIENT_LEFT', to: ['bob'] },
    ])
  })

  test('an edit that would smuggle a line into the header is a fault', async () => {
    const entries = [entryOf(stamper, { options: { value: 'seen\r\nBcc: eve@evil.test' } })]
    expect((await send({ entries }))[0]).toMatch(/^451 4\.3\.0 /)
  })
})

describe('decideMessage', () => {
  const question = { recipients: 2, thresholds: {}, answers: 'one' } as const
  const opinion = (
    number: number,
    verdict: AnyVerdict,
    recipients?: readonly number[],
  ): Opinion => ({
    kind: 'asked',
    number,
    question: 'message',
    entry: 'test',
    shadow: false,
    verdict,
    ...(recipients === undefined ? {} : { recipients }),
  })

  test('the order in which opinions came does not count', () => {
    const opinions = [
      opinion(1, pass({ score: 0.1 })),
      opinion(2, reject('5.7.1', 'Two')),
      opinion(3, defer('4.7.1', 'Three')),
      opinion(4, pass({ score: 0.2 })),
    ]
    fc.assert(
      fc.property(fc.shuffledSubarray(opinions, { minLength: 4 }), (shuffled) => {
        expect(decideMessage(shuffled, question)).toEqual(decideMessage(opinions, question))
      }),
    )
  })

  test('a deferral of a recipient that is rejected already defers nobody', () => {
    const opinions = [
      opinion(1, reject('5.7.1', 'One'), [0]),
      opinion(2, defer('4.7.1', 'Two'), [0]),
    ]
    expect(decideMessage(opinions, question)).toMatchObject({
      decision: 'commit',
      outcomes: [{ disposition: 'hold' }, { disposition: 'deliver' }],
    })
  })

  test('rejections by different entries that leave nobody are a refusal', () => {
    const opinions = [
      opinion(1, reject('5.7.1', 'One'), [0]),
      opinion(2, reject('5.7.2', 'Two'), [1]),
    ]
    expect(decideMessage(opinions, question)).toMatchObject({
      decision: 'refuse',
      objection: { text: 'One' },
    })
  })
})
