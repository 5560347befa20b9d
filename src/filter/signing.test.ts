import { describe, expect, test } from 'vitest'
import { applyHeaderEdits } from '../mail/header-edits.ts'
import type { Message } from '../mail/message.ts'
import { definePlugin, type Plugin, type SignatureField } from '../plugin/plugin.ts'
import { pass, perRecipient, quarantine, reject } from '../plugin/verdict.ts'
import {
  chainUnderTest,
  entryOf,
  type ChainTestOptions,
  type TestSession,
} from '../testkit/chain-under-test.ts'
import { redecide } from './redecide.ts'
import { voucher } from '../../test/fixtures/plugins/voucher/voucher.ts'

async function ready(
  entries: ChainTestOptions['entries'],
  recipients: readonly string[] = ['bob@postern.test'],
): Promise<{ chain: ReturnType<typeof chainUnderTest>; session: TestSession }> {
  const chain = chainUnderTest({ entries: [...entries, entryOf(voucher)] })
  const session = chain.dial()
  await session.connect()
  await session.hello()
  await session.mail()
  for (const recipient of recipients) await session.rcpt(recipient)
  return { chain, session }
}

const textOf = async (message: Message): Promise<string> =>
  Buffer.concat(await Array.fromAsync(message.read())).toString('latin1')

/** Signs with what it saw, so that a test can tell. */
function signer(name: string, seen: string[] = []): Plugin {
  return definePlugin({
    name,
    setup: () => ({
      async sign({ message }) {
        const text = await textOf(message)
        seen.push(text)
        return [{ name: 'X-Signed', value: `${name} ${text.length}` }]
      },
    }),
  })
}

const editor = definePlugin({
  name: 'editor',
  setup: () => ({
    message: () =>
      pass({ headerEdits: [{ edit: 'replace', name: 'Subject', value: 'edited' }], score: 1 }),
  }),
})

const sent = 'Subject: test\r\nTo: bob\r\n\r\nHello.\r\n'

/** What the queue would hold of a placement. */
function committed(edits: Parameters<typeof applyHeaderEdits>[1] = []): string {
  const end = sent.indexOf('\r\n\r\n') + 4
  return Buffer.concat([
    applyHeaderEdits(Buffer.from(sent.slice(0, end)), edits),
    Buffer.from(sent.slice(end)),
  ]).toString('latin1')
}

describe('who signs a message', () => {
  test('sees it as it is committed, wherever he stands in the chain', async () => {
    const seen: string[] = []
    const { session } = await ready([entryOf(signer('signer', seen)), entryOf(editor)])
    expect(await session.message(sent)).toBe('250')
    expect(seen).toEqual(['Subject: edited\r\nTo: bob\r\n\r\nHello.\r\n'])
    expect(committed(session.placements?.[0]?.headerEdits)).toBe(
      `X-Signed: signer ${seen[0]?.length}\r\n${seen[0]}`,
    )
  })

  test('sees what those before him have signed', async () => {
    const seen: string[] = []
    const { session } = await ready([entryOf(signer('first')), entryOf(signer('second', seen))])
    expect(await session.message(sent)).toBe('250')
    expect(seen[0]).toMatch(/^X-Signed: first \d+\r\nSubject: test/)
    expect(committed(session.placements?.[0]?.headerEdits)).toMatch(
      /^X-Signed: second \d+\r\nX-Signed: first \d+\r\nSubject/,
    )
  })

  test('signs each copy for itself, where recipients get different ones', async () => {
    const seen: string[] = []
    const differs = definePlugin({
      name: 'differs',
      setup: () => ({
        message: () =>
          perRecipient([
            pass({ headerEdits: [{ edit: 'prepend', name: 'X-For', value: 'ann' }] }),
            quarantine({ reason: 'HELD' }),
          ]),
      }),
    })
    const { session } = await ready(
      [entryOf(signer('signer', seen)), entryOf(differs)],
      ['ann@postern.test', 'bob@postern.test'],
    )
    expect(await session.message(sent)).toBe('250')
    const copies = session.placements ?? []
    expect(copies.map(({ disposition }) => disposition)).toEqual(['deliver', 'hold'])
    expect(copies.map(({ headerEdits }) => committed(headerEdits))).toEqual(
      seen.map((text) => `X-Signed: signer ${text.length}\r\n${text}`),
    )
    expect(seen[0]).toContain('X-For')
    expect(seen[1]).not.toContain('X-For')
  })

  test('is not asked about what is refused, nor where the entry does not apply', async () => {
    const seen: string[] = []
    const refuser = definePlugin({
      name: 'refuser',
      setup: () => ({ message: () => reject('5.7.1', 'no') }),
    })
    const one = await ready([entryOf(signer('signer', seen)), entryOf(refuser)])
    expect(await one.session.message(sent)).toBe('550 5.7.1 no')
    const other = await ready([
      entryOf(signer('signer', seen), { when: { recipient_domain: ['else.test'] } }),
    ])
    expect(await other.session.message(sent)).toBe('250')
    expect(seen).toEqual([])
  })

  test.each([
    ['defer', '451 4.3.0', undefined],
    ['reject', '550 5.3.0', undefined],
    ['pass', '250', 'deliver'],
    ['quarantine', '250', 'hold'],
  ] as const)(
    'that fails is a fault, and on_fault %s is what happens',
    async (onFault, reply, disposition) => {
      const failing = definePlugin({
        name: 'failing',
        setup: () => ({
          sign: () => {
            throw new Error('no key')
          },
        }),
      })
      const { chain, session } = await ready([entryOf(failing, { onFault })])
      expect(await session.message(sent)).toMatch(reply)
      expect(session.placements?.[0]?.disposition).toBe(disposition)
      session.end()
      const trace = await chain.trace()
      const again = trace === undefined ? undefined : redecide(trace)
      expect(again?.last.ruling).toBe(
        onFault === 'pass' || onFault === 'quarantine' ? 'pass' : onFault,
      )
    },
  )

  test('in shadow is asked, and adds nothing', async () => {
    const seen: string[] = []
    const { session } = await ready([entryOf(signer('signer', seen), { mode: 'shadow' })])
    expect(await session.message(sent)).toBe('250')
    expect(seen).toHaveLength(1)
    expect(session.placements?.[0]?.headerEdits).toEqual([])
  })

  test('and answers what is no field, has failed', async () => {
    const broken = definePlugin({
      name: 'broken',
      setup: () => ({
        sign: (): readonly SignatureField[] => [{ name: 'X', value: 'a\r\n\r\nbody' }],
      }),
    })
    const { session } = await ready([entryOf(broken)])
    expect(await session.message(sent)).toMatch('451 4.3.0')
  })
})
