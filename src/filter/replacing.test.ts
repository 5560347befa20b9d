import { describe, expect, test } from 'vitest'
import type { Replacement } from '../mail/replacement.ts'
import { definePlugin, type Plugin } from '../plugin/plugin.ts'
import {
  discard,
  pass,
  perRecipient,
  quarantine,
  reject,
  type Pass,
  type RecipientVerdict,
} from '../plugin/verdict.ts'
import {
  chainUnderTest,
  entryOf,
  type ChainTestOptions,
  type ChainUnderTest,
  type TestSession,
} from '../testkit/chain-under-test.ts'
import { memoryMessage } from '../testkit/memory-message.ts'
import { objector } from '../../test/fixtures/plugins/objector/objector.ts'
import { scorer } from '../../test/fixtures/plugins/scorer/scorer.ts'
import { voucher } from '../../test/fixtures/plugins/voucher/voucher.ts'

type Asked = readonly number[] | undefined

/** Puts the same message in the place of every other, and counts. */
function replacer(verdict: (replacement: Replacement) => Pass = replaced) {
  const asked: Asked[] = []
  let released = 0
  const plugin = definePlugin({
    name: 'replacer',
    replaces: true,
    setup: () => ({
      message({ passing }) {
        asked.push(passing)
        const message = memoryMessage('Subject: other\r\n\r\n')
        const release = (): void => void (released += 1)
        return verdict({ message, receivedDigest: 'a1', digest: 'b2', release })
      },
    }),
  })
  return { plugin, asked, released: () => released }
}

const replaced = (replacement: Replacement): Pass => pass({ replacement })

const recipients = ['bob@postern.test', 'carol@postern.test', 'dave@postern.test']

function chainOf(plugins: readonly Plugin[], more: Partial<ChainTestOptions> = {}): ChainUnderTest {
  return chainUnderTest({ entries: [voucher, ...plugins].map((each) => entryOf(each)), ...more })
}

async function opened(chain: ChainUnderTest): Promise<TestSession> {
  const session = chain.dial()
  await session.connect()
  await session.hello()
  await session.mail()
  for (const recipient of recipients) await session.rcpt(recipient)
  return session
}

/** Who gets which of the two messages. */
function placed({ placements }: TestSession): readonly (readonly string[])[] {
  return placements.map(({ envelope, disposition, asReceived }) => [
    envelope.recipients.map(({ mailbox }) => mailbox.localPart).join('+'),
    disposition,
    asReceived === true ? 'received' : 'replaced',
  ])
}

/** Answers each recipient on its own. */
function judge(verdicts: readonly RecipientVerdict[]): Plugin {
  return definePlugin({ name: 'judge', setup: () => ({ message: () => perRecipient(verdicts) }) })
}

describe('an entry that replaces the message', () => {
  test('has the last word wherever it stands, and the trace keeps both digests', async () => {
    const { plugin, asked, released } = replacer()
    const chain = chainOf([plugin, judge([pass(), pass(), pass()])])
    const session = await opened(chain)
    expect(await session.message()).toBe('250')
    expect(asked).toEqual([undefined])
    expect(released()).toBe(1)
    const steps = (await chain.trace())?.steps.filter(({ stage }) => stage === 'message')
    expect(steps?.map(({ entry }) => entry)).toEqual(['judge', 'replacer'])
    expect(steps?.at(-1)?.details).toMatchObject({
      replacement: { received: 'a1', handedBack: 'b2', sizeBytes: 18 },
    })
  })

  test('is asked about those only to whom the message would go', async () => {
    const { plugin, asked } = replacer()
    const session = await opened(
      chainOf([plugin, judge([quarantine(), pass(), reject('5.7.1', 'no')])]),
    )
    expect(await session.message()).toBe('250')
    expect(asked).toEqual([[1]])
  })

  test('says nothing of the others: what is held for them is what was received', async () => {
    const { plugin, released } = replacer()
    const session = await opened(chainOf([plugin, judge([quarantine(), pass(), discard()])]))
    expect(await session.message()).toBe('250')
    expect(placed(session)).toEqual([
      ['bob', 'hold', 'received'],
      ['carol', 'deliver', 'replaced'],
      ['dave', 'discard', 'replaced'],
    ])
    expect(released()).toBe(1)
  })

  test('is for the recipients of its condition: the others get what was received', async () => {
    const { plugin, asked } = replacer()
    const when = { recipient: ['carol@postern.test'] }
    const entries = [entryOf(voucher), entryOf(plugin, { when })]
    const session = await opened(chainUnderTest({ entries }))
    expect(await session.message()).toBe('250')
    expect(asked).toEqual([[1]])
    expect(placed(session)).toEqual([
      ['bob+dave', 'deliver', 'received'],
      ['carol', 'deliver', 'replaced'],
    ])
  })

  test('is not needed where those whom it was for have been taken out of the envelope', async () => {
    const remover = definePlugin({
      name: 'remover',
      setup: () => ({
        message: () =>
          perRecipient([quarantine(), pass(), quarantine()], {
            envelopeEdits: [
              { edit: 'removeRecipient', mailbox: { localPart: 'carol', domain: 'postern.test' } },
            ],
          }),
      }),
    })
    const session = await opened(chainOf([replacer().plugin, remover]))
    expect(await session.message()).toBe('250')
    expect(placed(session)).toEqual([
      ['bob', 'hold', 'received'],
      ['dave', 'hold', 'received'],
    ])
  })

  test('is not asked about mail that is refused, by whatever', async () => {
    const { plugin, asked } = replacer()
    const objecting = entryOf(objector, { options: { stage: 'message' } })
    const entries = [entryOf(voucher), entryOf(plugin), objecting]
    expect(await (await opened(chainUnderTest({ entries }))).message()).toMatch(/^550 /)
    const scored = [entryOf(voucher), entryOf(plugin), entryOf(scorer, { options: { score: 9 } })]
    const chain = chainUnderTest({ entries: scored, thresholds: { reject: 5 } })
    expect(await (await opened(chain)).message()).toMatch(/^550 /)
    expect(asked).toEqual([])
  })

  test('may refuse, and what it has brought is released', async () => {
    const { plugin, released } = replacer(
      (replacement) => reject('5.7.1', 'No', { replacement }) as never,
    )
    expect(await (await opened(chainOf([plugin]))).message()).toBe('550 5.7.1 No')
    expect(released()).toBe(1)
  })

  test('whose client is gone releases what it has brought', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    let released = 0
    const slow = definePlugin({
      name: 'slow-replacer',
      replaces: true,
      setup: () => ({
        async message() {
          await promise
          const message = memoryMessage('x')
          return pass({
            replacement: {
              message,
              receivedDigest: '',
              digest: '',
              release: () => (released += 1),
            },
          })
        },
      }),
    })
    const session = await opened(chainOf([slow]))
    const answer = session.message()
    resolve()
    expect(await answer).toBe('250')
    session.end('disconnect')
    expect(released).toBe(1)
  })

  test('has it before those who sign: they see what is committed', async () => {
    const seen: string[] = []
    const signer = definePlugin({
      name: 'signer',
      setup: () => ({
        sign({ message }) {
          seen.push(message.header.first('subject') ?? '')
          return [{ name: 'X-Signed', value: 'yes' }]
        },
      }),
    })
    const session = await opened(chainOf([signer, replacer().plugin]))
    expect(await session.message()).toBe('250')
    expect(seen).toEqual(['other'])
  })

  test('is the only one: from any other plugin a replacement is a fault', async () => {
    const { plugin } = replacer()
    const { replaces: _, ...usurper } = plugin
    expect(await (await opened(chainOf([usurper]))).message()).toMatch(/^451 4\.3\.0 /)
  })

  test.each([
    [{}, { name: 'another' }, /may replace the message already/],
    [{ mode: 'shadow' as const }, undefined, /cannot only pretend/],
    [{ first: true }, undefined, /is asked last/],
  ])('stands in a chain once, enforced and not first: %j', (config, other, problem) => {
    const { plugin } = replacer()
    const entries = [entryOf(voucher), entryOf(plugin, config)]
    const more = other === undefined ? [] : [entryOf(plugin, other)]
    expect(() => chainUnderTest({ entries: [...entries, ...more] })).toThrow(problem)
  })
})
