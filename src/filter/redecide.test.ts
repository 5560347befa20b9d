import fc from 'fast-check'
import { expect, test } from 'vitest'
import { allowed, finding } from '../plugin/finding.ts'
import { definePlugin, type Plugin } from '../plugin/plugin.ts'
import {
  accept,
  defer,
  discard,
  pass,
  perRecipient,
  quarantine,
  reject,
  type RecipientVerdict,
} from '../plugin/verdict.ts'
import { chainUnderTest, entryOf, type TestSession } from '../testkit/chain-under-test.ts'
import { onePassword } from '../../test/fixtures/plugins/one-password/one-password.ts'
import { voucher } from '../../test/fixtures/plugins/voucher/voucher.ts'
import type { EntryConfig } from './entry.ts'
import { redecide, type Redecided } from './redecide.ts'

type Said =
  | 'pass'
  | 'reject'
  | 'defer'
  | 'score'
  | 'throw'
  | 'hold'
  | 'discard'
  | 'mixed'
  | 'accept'

/** What a made-up plugin does at each stage. */
interface Script {
  readonly connect: Said
  readonly hello: Said
  readonly mail: Said
  readonly rcpt: Said
  readonly data: Said
  readonly message: Said
  readonly score: number
}

const say = (what: Said, score: number): RecipientVerdict => {
  switch (what) {
    case 'reject':
      return reject('5.7.1', `Rejected with ${score}`, { score })
    case 'defer':
      return defer('4.7.1', `Deferred with ${score}`)
    case 'score':
      return pass({ score, reason: 'SCORE_IT' })
    case 'hold':
      return quarantine({ score })
    case 'discard':
      return discard()
    case 'throw':
      throw new Error('by script')
    case 'pass':
    case 'mixed':
    case 'accept':
      return pass()
  }
}

const objection = (what: Said, score: number) => {
  const verdict = say(what, score)
  return verdict.verdict === 'quarantine' || verdict.verdict === 'discard' ? pass() : verdict
}

const scripted = (script: Script): Plugin =>
  definePlugin({
    name: 'scripted',
    vouches: 'local',
    setup: () => ({
      connect: () => objection(script.connect, script.score),
      hello: () => objection(script.hello, script.score),
      mail: () => objection(script.mail, script.score),
      rcpt: () => (script.rcpt === 'accept' ? accept() : objection(script.rcpt, script.score)),
      data: async () => objection(script.data, script.score),
      message: async ({ transaction: { recipients } }) =>
        script.message === 'mixed'
          ? perRecipient(
              recipients.map(({ mailbox }) =>
                say(mailbox.localPart === 'bob' ? 'reject' : 'score', script.score),
              ),
            )
          : say(script.message, script.score),
    }),
  })

const early = fc.oneof(
  { weight: 8, arbitrary: fc.constant('pass' as const) },
  { weight: 3, arbitrary: fc.constantFrom<Said>('score', 'reject', 'defer', 'throw') },
)
const scripts: fc.Arbitrary<Script> = fc.record({
  connect: early,
  hello: early,
  mail: early,
  rcpt: fc.oneof(early, fc.constant('accept' as const)),
  data: early,
  message: fc.constantFrom<Said>(
    'pass',
    'pass',
    'score',
    'reject',
    'defer',
    'hold',
    'discard',
    'mixed',
    'throw',
  ),
  score: fc.integer({ min: 0, max: 8 }),
})
const conditions = fc.constantFrom<EntryConfig['unless']>(
  undefined,
  { authenticated: true },
  { recipient: ['bob@x.test'] },
  { allowed: true },
  [{ authenticated: true }, { allowed: true }],
)
/** Says whom nothing should be held against: bob, at once or only when asked once more. */
const friends = (holds: 'yes' | 'no' | 'unproven'): Plugin =>
  definePlugin({
    name: 'friends',
    provides: [allowed],
    setup: () => ({
      rcpt({ recipient }, { findings }) {
        if (recipient.mailbox.localPart !== 'bob') return pass()
        const again = findings.get(allowed)?.holds === 'unproven'
        return pass({
          findings: [finding(allowed, { holds: again ? 'yes' : holds, because: 'so' })],
        })
      },
    }),
  })

const entryPlans = fc.record({
  script: scripts,
  mode: fc.constantFrom('enforce' as const, 'enforce' as const, 'shadow' as const),
  refuseAt: fc.constantFrom('now' as const, 'rcpt' as const),
  onFault: fc.constantFrom('defer' as const, 'pass' as const, 'reject' as const),
  unless: conditions,
  first: fc.boolean(),
})
const plans = fc.record({
  entries: fc.array(entryPlans, { minLength: 1, maxLength: 4 }),
  thresholds: fc.constantFrom({}, { quarantine: 4, reject: 9 }, { reject: 5, discard: 12 }),
  thresholdRules: fc.constantFrom(
    new Map(),
    new Map([['bob@x.test', { quarantine: 1, reject: null }]]),
    new Map([['.test', { reject: 2, discard: null }]]),
  ),
  login: fc.boolean(),
  friends: fc.constantFrom('yes' as const, 'no' as const, 'unproven' as const),
  answers: fc.constantFrom('one' as const, 'each' as const),
  split: fc.constantFrom('off', 'off', 'first'),
  recipients: fc.subarray(['ann@x.test', 'bob@x.test', 'cy@x.test'], { minLength: 1 }),
})

/** Plays a dialogue as far as it goes. @returns what the client read to each RCPT, and last of all. */
async function play(
  session: TestSession,
  login: boolean,
  recipients: readonly string[],
): Promise<{ readonly rcpts: readonly string[]; readonly last: string }> {
  const rcpts: string[] = []
  const refused = (reply: string): boolean => /^[45]/.test(reply)
  const connect = await session.connect()
  if (refused(connect)) return { rcpts, last: connect }
  const hello = await session.hello()
  if (refused(hello)) return { rcpts, last: hello }
  if (login) await session.login('alice')
  const mail = await session.mail()
  if (refused(mail)) return { rcpts, last: mail }
  for (const recipient of recipients) rcpts.push(await session.rcpt(recipient))
  if (rcpts.every(refused)) {
    session.reset()
    return { rcpts, last: rcpts.at(-1) ?? '' }
  }
  return { rcpts, last: await session.message() }
}

const inWords = (decided: Redecided, passed: string): string =>
  decided.ruling === 'pass' ? passed : `${decided.code} ${decided.status} ${decided.text}`

test('deciding again from the stored steps alone gives the replies that were sent', async () => {
  const ends = new Set<string>()
  await fc.assert(
    fc.asyncProperty(plans, async ({ friends: holds, ...plan }) => {
      const { entries, thresholds, thresholdRules, login, answers, split, recipients } = plan
      const chain = chainUnderTest({
        entries: [
          ...entries.map(({ script, mode, refuseAt, onFault, unless, first }, index) =>
            entryOf(scripted(script), {
              name: `entry-${index}`,
              mode,
              refuseAt,
              onFault,
              first,
              ...(unless === undefined ? {} : { unless }),
            }),
          ),
          entryOf(friends(holds)),
          entryOf(onePassword),
          entryOf(voucher),
        ],
        thresholds,
        thresholdRules,
        receiver: { split },
      })
      const session = chain.dial({}, answers)
      const said = await play(session, login, recipients)
      const { placements, replies } = session
      session.end()
      const trace = await chain.trace()
      expect(trace).toBeDefined()
      if (trace === undefined) return
      const decided = redecide(trace)
      expect(decided?.recipients.map((each) => inWords(each, '250'))).toEqual(said.rcpts)
      expect(decided === undefined ? '' : inWords(decided.last, '250')).toBe(said.last)
      expect(decided?.each.map((each) => inWords(each, '250 2.0.0 queued'))).toEqual(replies)
      expect(trace.replies.map(({ code, status, text }) => `${code} ${status} ${text}`)).toEqual(
        replies,
      )
      expect(new Set(decided?.outcomes.map(({ disposition }) => disposition))).toEqual(
        new Set(placements.map(({ disposition }) => disposition)),
      )
      ends.add(`${trace.stage} ${said.last.slice(0, 1)}`)
      if (said.rcpts.some((reply) => reply.startsWith('452'))) ends.add('split')
      if (replies.length > 0) ends.add(`each ${said.last.slice(0, 1)}`)
    }),
    { numRuns: 400 },
  )
  // The dialogues went everywhere, or the test says nothing.
  expect([...ends].toSorted()).toEqual(
    expect.arrayContaining(
      'connect 5|each 2|hello 5|mail 5|message 2|message 5|rcpt 5|split'.split('|'),
    ),
  )
})
