/** Whether it is true: chains of all kinds are asked, and asked again without one of their entries. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { definePlugin } from '../plugin/plugin.ts'
import { pass, reject } from '../plugin/verdict.ts'
import { chainUnderTest, entryOf } from '../testkit/chain-under-test.ts'
import type { EntryConfig } from '../filter/entry.ts'
import type { Thresholds } from '../filter/decision.ts'
import { objector } from '../../test/fixtures/plugins/objector/objector.ts'
import { voucher } from '../../test/fixtures/plugins/voucher/voucher.ts'
import type { Story } from './story.ts'

const broken = definePlugin({
  name: 'broken',
  setup: () => ({
    mail: () => {
      throw new Error('no such thing')
    },
  }),
})
/** Objects to one of two recipients alone. */
const refuser = (localPart: string) =>
  definePlugin({
    name: 'refuser',
    setup: () => ({
      rcpt: ({ recipient }) =>
        recipient.mailbox.localPart === localPart ? reject('5.7.1', localPart) : pass(),
    }),
  })
const scorer = (score: number) =>
  definePlugin({ name: 'scorer', setup: () => ({ message: () => pass({ score }) }) })

const entries: fc.Arbitrary<Partial<EntryConfig> & Pick<EntryConfig, 'plugin'>> = fc.oneof(
  fc.constant({ plugin: voucher }),
  fc
    .record({
      stage: fc.constantFrom('connect', 'hello', 'mail', 'rcpt', 'data', 'message'),
      verdict: fc.constantFrom('reject', 'defer'),
      at: fc.constantFrom('now', 'unsaid'),
    })
    .chain((options) =>
      fc.constantFrom(...(['now', 'rcpt', undefined] as const)).map((refuseAt) => ({
        plugin: objector,
        options,
        ...(refuseAt === undefined ? {} : { refuseAt }),
      })),
    ),
  fc.constantFrom('quarantine', 'discard').map((verdict) => ({
    plugin: objector,
    options: { stage: 'message', verdict },
  })),
  fc.constantFrom('bob', 'cid').map((localPart) => ({ plugin: refuser(localPart) })),
  fc.constantFrom(-2, 1, 2, 4).map((score) => ({ plugin: scorer(score) })),
  fc
    .constantFrom('defer', 'reject', 'pass')
    .map((onFault) => ({ plugin: broken, onFault: onFault as 'defer' })),
)
const modes = fc.constantFrom('enforce', 'enforce', 'enforce', 'shadow')

async function played(
  chain: readonly EntryConfig[],
  thresholds: Thresholds,
  recipients: readonly string[],
): Promise<Story | undefined> {
  const under = chainUnderTest({ entries: chain, thresholds })
  const client = under.dial()
  const refused = (reply: string): boolean => /^[45]/.test(reply)
  if (!refused(await client.connect()) && !refused(await client.hello())) {
    if (!refused(await client.mail())) {
      let accepted = 0
      for (const recipient of recipients) {
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        if (!refused(await client.rcpt(recipient))) accepted += 1
      }
      if (accepted > 0) await client.message()
    }
  }
  client.end()
  return under.trace()
}

test('what is said to be known comes true without that entry', async () => {
  let known = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(entries, modes), { minLength: 1, maxLength: 6 }),
      fc.constantFrom<Thresholds>({}, { quarantine: 2 }, { quarantine: 2, reject: 4 }),
      fc.constantFrom(['bob@x.test'], ['bob@x.test', 'cid@x.test']),
      async (made, thresholds, recipients) => {
        const chain = made.map(([config, mode], index) =>
          entryOf(config.plugin, { ...config, mode, name: `e${index}` }),
        )
        const story = await played(chain, thresholds, recipients)
        for (const said of story?.counterfactuals ?? []) {
          if (said.outcome === 'not known') continue
          known += 1
          // oxlint-disable-next-line no-await-in-loop -- one after the other
          const truth = await played(
            chain.filter(({ name }) => name !== said.without),
            thresholds,
            recipients,
          )
          expect([said.without, truth?.summary.outcome]).toEqual([said.without, said.outcome])
        }
      },
    ),
    { numRuns: 300 },
  )
  // About one for every four chains; chance decides how many.
  expect(known).toBeGreaterThan(0)
})
