import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chainUnderTest, entryOf } from '../testkit/chain-under-test.ts'
import { onePassword } from '../../test/fixtures/plugins/one-password/one-password.ts'
import { voucher } from '../../test/fixtures/plugins/voucher/voucher.ts'
import { friends, plans, play, scripted } from '../../test/fixtures/scripted-chains.ts'
import { redecide, type Redecided } from './redecide.ts'

const inWords = (decided: Redecided, passed: string): string =>
  decided.ruling === 'pass' ? passed : `${decided.code} ${decided.status} ${decided.text}`

/** What a run of dialogues must have met at least once, or the property below says nothing. */
const places = ['connect 5', 'each 2', 'hello 5', 'mail 5', 'message 2', 'message 5', 'rcpt 5']

test('deciding again from the stored steps alone gives the replies that were sent', async () => {
  const ends = new Set<string>()
  const roundOfDialogues = (): Promise<void> =>
    fc.assert(
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
  // Some places are rare, and random dialogues may miss one in a round: ten rounds do not.
  const unseen = (): readonly string[] => [...places, 'split'].filter((place) => !ends.has(place))
  for (let round = 0; round === 0 || (round < 10 && unseen().length > 0); round++) {
    await roundOfDialogues()
  }
  expect(unseen()).toEqual([])
})
