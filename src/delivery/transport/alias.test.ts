import { describe, expect, test } from 'vitest'
import type { DeliveryResult } from '../../mail/delivery-result.ts'
import { PosternError } from '../../mail/errors.ts'
import type { AliasRoute } from '../../mail/route.ts'
import { fakeClock } from '../../testkit/fake-clock.ts'
import { memoryMessage } from '../../testkit/memory-message.ts'
import { memoryQueue } from '../../testkit/memory-queue.ts'
import { deliveredToField } from '../../mail/trace-fields.ts'
import { aliasTransport, type AliasOptions } from './alias.ts'
import { comesBack } from './maildir.ts'

const at = (localPart: string, domain = 'here.test') => ({ localPart, domain })
const to = [at('amy'), at('bob', 'there.test')]
const keep = { transport: 'maildir', key: 'k', path: '/mail/here.test/team' } as const
const stored: DeliveryResult = { outcome: 'delivered', status: '2.0.0', text: 'kept' }

interface Scene extends Partial<AliasRoute> {
  readonly header?: string
  readonly kept?: DeliveryResult
  readonly broken?: boolean
  readonly rewriting?: AliasOptions['rewriting']
}

async function run({ header = '', kept = stored, broken = false, rewriting, ...rest }: Scene = {}) {
  const queue = memoryQueue(fakeClock())
  const copies: string[] = []
  const transport = aliasTransport({
    ...(rewriting && { rewriting }),
    queue: broken
      ? {
          begin: () => ({
            ...queue.begin(),
            write: () => Promise.reject(new PosternError('DISK_FULL', 'spool')),
          }),
        }
      : queue,
    maildir: {
      async deliver({ route, yields }) {
        copies.push(route.path)
        yields?.()
        return [kept]
      },
    },
  })
  const recipients = [{ mailbox: at('team'), notify: ['failure'] as const }]
  const envelope = {
    reversePath: at('ann', 'far.test'),
    recipients,
    bodyType: '8bitmime',
    smtputf8: false,
    requireTls: false,
    envelopeId: 'e1',
  } as const
  const message = memoryMessage(`${header}Subject: hi\r\n\r\nhello\r\n`)
  const route = { transport: 'alias', key: 'alias:team@here.test', to, ...rest } as const
  let slots = 1
  const yields = (): void => void (slots -= 1)
  const delivery = { queueId: 'q', message, envelope, recipients, route, yields }
  const [result] = await transport.deliver(delivery, new AbortController().signal)
  const entries = await Array.fromAsync(queue.entries())
  return {
    result,
    copies,
    slots,
    entries: entries.flatMap((entry) => ('damaged' in entry ? [] : [entry])),
  }
}

describe('mail for an alias', () => {
  test('goes on to all of its addresses in one message, with its reverse-path and what was asked', async () => {
    const { result, entries, copies } = await run()
    expect(result).toMatchObject({ outcome: 'delivered', relayed: 'with-dsn' })
    expect(copies).toEqual([])
    expect(entries).toHaveLength(1)
    expect(result).toMatchObject({ ledTo: [entries[0]?.id] })
    const asked = { notify: ['failure'], originalRecipient: 'rfc822;team@here.test' }
    expect(entries[0]?.envelope).toEqual({
      reversePath: at('ann', 'far.test'),
      recipients: to.map((mailbox) => ({ mailbox, ...asked })),
      bodyType: '8bitmime',
      smtputf8: false,
      requireTls: false,
      envelopeId: 'e1',
    })
    const chunks = await Array.fromAsync(entries[0]?.message.read() ?? [])
    expect(Buffer.concat(chunks).toString()).toBe(
      'Delivered-To: team@here.test\r\nSubject: hi\r\n\r\nhello\r\n',
    )
  })

  test('goes to strangers under a reverse-path of ours, where there is one', async () => {
    const srs = at('SRS0=x', 'here.test')
    const { result, entries } = await run({
      rewriting: {
        shares: async ({ reversePath, recipients: [amy, bob] }) => [
          { reversePath: srs, recipients: bob === undefined ? [] : [bob] },
          { reversePath, recipients: amy === undefined ? [] : [amy] },
        ],
      },
    })
    expect(result?.outcome).toBe('delivered')
    expect(entries.map(({ envelope }) => envelope)).toMatchObject([
      { reversePath: srs, recipients: [{ mailbox: to[1], notify: ['failure'] }], envelopeId: 'e1' },
      { reversePath: at('ann', 'far.test'), recipients: [{ mailbox: to[0] }] },
    ])
  })

  test('that came by before fails, and so does what has come by too many', async () => {
    const looped = await run({ header: 'Delivered-To: team@here.test\r\n' })
    expect(looped).toMatchObject({ result: { status: '5.4.6' }, entries: [] })
    const many = Array.from({ length: 50 }, (_, n) => `Delivered-To: u${n}@here.test\r\n`)
    expect(await run({ header: many.join('') })).toMatchObject({ result: { status: '5.4.6' } })
  })

  test('is kept too, where the alias says so', async () => {
    const { result, copies, entries, slots } = await run({ keep })
    // What is sent on comes after the copy.
    expect(slots).toBe(1)
    expect(result?.outcome).toBe('delivered')
    expect(copies).toEqual([keep.path])
    expect(entries).toHaveLength(1)
  })

  test('waits for its own mailbox, so that nothing is sent on twice', async () => {
    const kept: DeliveryResult = { outcome: 'deferred', status: '4.2.2', text: 'full' }
    expect(await run({ keep, kept })).toMatchObject({ result: kept, entries: [] })
  })

  test('goes on although its own mailbox is full, and the sender hears of that', async () => {
    const kept: DeliveryResult = { outcome: 'failed', status: '5.2.2', text: 'full' }
    const { result, entries } = await run({ keep, kept })
    expect(result).toEqual(kept)
    expect(entries).toHaveLength(1)
  })

  test('that nobody wants is thrown away', async () => {
    expect(await run({ to: [] })).toMatchObject({ result: { outcome: 'delivered' }, entries: [] })
    expect(await run({ to: [], keep })).toMatchObject({ result: stored, entries: [] })
  })

  test('is deferred while the queue cannot take it', async () => {
    expect(await run({ broken: true })).toMatchObject({
      result: { outcome: 'deferred', status: '4.3.1' },
      entries: [],
    })
  })
})

test.each([
  ['a b', 'here.test'],
  ['team', 'münchen.test'],
])('what was delivered to %s at %s is known when it comes back', (localPart, domain) => {
  const mailbox = { localPart, domain }
  const message = memoryMessage(`${deliveredToField(mailbox)}\r\nhello\r\n`)
  expect(comesBack({ message, recipient: { mailbox } })).toBe(true)
  expect(comesBack({ message, recipient: { mailbox: { localPart, domain: 'else.test' } } })).toBe(
    false,
  )
})
