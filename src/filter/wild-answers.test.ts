/** What a plugin without types may hand back: whatever it is, it is a fault of that entry, and nothing but a fault. */
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../mail/json.ts'
import { definePlugin } from '../plugin/plugin.ts'
import { option } from '../plugin/option-makers.ts'
import type { Stages } from '../plugin/stage.ts'
import { pass } from '../plugin/verdict.ts'
import { chainUnderTest, entryOf } from '../testkit/chain-under-test.ts'
import { voucher } from '../../test/fixtures/plugins/voucher/voucher.ts'

type Answer = Stages<never>['rcpt']['verdict']

/** What the compiler would refuse. */
function sneaked(answer: () => unknown): Answer {
  const told: { readonly answer: Answer } = Object.assign(Object.create(null), { answer: answer() })
  return told.answer
}

async function rcptWith(hook: Parameters<typeof wild>[0]) {
  const chain = chainUnderTest({ entries: [entryOf(voucher), entryOf(wild(hook))] })
  const session = chain.dial()
  await session.connect()
  await session.hello()
  await session.mail()
  return { chain, session, said: await session.rcpt('bob@postern.test') }
}

function wild(rcpt: (event: object, context: { readonly options: object }) => Answer) {
  return definePlugin({
    name: 'wild',
    options: { words: option.strings({ default: ['one'] }) },
    setup: () => ({ rcpt }),
  })
}

const failing = (): never => {
  throw new Error('from within')
}

describe('is a fault, and the session goes on', () => {
  test.each<[string, () => unknown]>([
    [
      'an error that cannot be read',
      () => thrown(Object.assign(new Error('x'), { toString: failing })),
    ],
    [
      'an error without a stack to read',
      () => thrown(Object.defineProperty(new Error('x'), 'stack', { get: failing })),
    ],
    ['a string that is thrown', () => thrown('nothing to see')],
    ['null that is thrown', () => thrown(null)],
    [
      'a rejection that cannot be read',
      () => Promise.reject(Object.assign(new Error('x'), { toString: failing })),
    ],
    ['a promise of its own that throws', () => withMethod('then')],
    ['a promise that cannot be read', () => unreadable('then')],
    ['a verdict that cannot be read', () => unreadable('verdict')],
    ['a reason of a book', () => pass({ reason: 'R'.repeat(501) })],
    ['more findings than anybody reads', () => pass({ findings: many({ name: 'x', value: 1 }) })],
    [
      'more fields than a header has',
      () => pass({ headerEdits: many({ edit: 'remove', name: 'X' }) }),
    ],
    [
      'a text of a book',
      () => ({ verdict: 'reject', status: '5.1.1', close: false, text: 'x'.repeat(5001) }),
    ],
  ])('%s', async (_, answer) => {
    const { chain, session, said } = await rcptWith(() => sneaked(answer))
    expect(said).toMatch(/^451 4\.3\.0 Temporary local problem/)
    expect(chain.log.events.filter(({ level }) => level === 'error')).toMatchObject([
      { event: 'entry.fault', fields: { entry: 'wild' } },
    ])
    expect(await session.rcpt('eve@postern.test')).toMatch(/^451 4\.3\.0 Temporary local problem/)
  })

  test.each<[string, unknown]>([
    ['no mailbox', { edit: 'setReversePath', reversePath: {} }],
    ['a list', { edit: 'setReversePath', reversePath: ['bob', 'postern.test'] }],
    [
      'a line end',
      {
        edit: 'addRecipient',
        recipient: { mailbox: { localPart: 'a\r\nDATA', domain: 'b.test' } },
      },
    ],
    [
      'the end of a path',
      { edit: 'addRecipient', recipient: { mailbox: { localPart: 'a', domain: 'b.test> X' } } },
    ],
    ['a domain of a number', { edit: 'removeRecipient', mailbox: { localPart: 'a', domain: 7 } }],
    [
      'a notification that nobody knows',
      {
        edit: 'addRecipient',
        recipient: { mailbox: { localPart: 'a', domain: 'b.test' }, notify: ['often'] },
      },
    ],
    [
      'no recipient',
      { edit: 'replaceRecipient', mailbox: { localPart: 'a', domain: 'b.test' }, by: 'c@b.test' },
    ],
  ])('an envelope edit with %s', async (_, edit) => {
    const { said } = await rcptWith(() =>
      sneaked(() => ({ verdict: 'pass', envelopeEdits: [edit] })),
    )
    expect(said).toMatch(/^451 4\.3\.0 /)
  })
})

test('evidence that cannot be read costs nobody the explanation', async () => {
  const evidence: JsonObject = Object.assign({}, { seen: true })
  Object.defineProperty(evidence, 'bad', { get: failing, enumerable: true })
  const { chain, session, said } = await rcptWith(() => pass({ reason: 'SEEN', evidence }))
  expect(said).toBe('250')
  await session.message()
  expect((await chain.trace())?.steps).toContainEqual(
    expect.objectContaining({ entry: 'wild', verdict: 'pass' }),
  )
})

describe('a plugin cannot change', () => {
  test.each<[string, (event: object, context: { readonly options: object }) => void]>([
    ['whom it is asked about', (event) => set(event, ['recipient'], 'mailbox')],
    [
      'the mailbox of whom it is asked about',
      (event) => set(event, ['recipient', 'mailbox'], 'domain'),
    ],
    ['its event', (event) => set(event, [], 'transaction')],
    ['who has sent it', (event) => set(event, ['transaction', 'reversePath'], 'localPart')],
    ['its options', (_, { options }) => set(options, [], 'words')],
    ['a list of its options', (_, { options }) => set(options, ['words'], '0')],
  ])('%s', async (_, change) => {
    const { chain, said } = await rcptWith((event, context) => {
      change(event, context)
      return pass()
    })
    expect(said).toMatch(/^451 4\.3\.0 /)
    expect(chain.log.events.filter(({ level }) => level === 'error')).toMatchObject([
      { event: 'entry.fault', fields: { detail: expect.stringContaining('read only property') } },
    ])
  })
})

function thrown(what: unknown): never {
  throw what
}

function withMethod(name: string): object {
  return { [name]: failing }
}

function unreadable(key: string): object {
  return Object.defineProperty({}, key, { get: failing, enumerable: true })
}

function many<T>(item: T): T[] {
  return Array.from({ length: 1001 }, () => item)
}

/** What an assignment does, where the compiler does not look. */
function set(within: object, path: readonly string[], key: string): void {
  const target: object = path.reduce((at: object, step): object => Reflect.get(at, step), within)
  Object.assign(target, { [key]: 'elsewhere.test' })
}
