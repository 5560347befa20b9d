import { expect, test } from 'vitest'
import { formatPath } from '../mail/address.ts'
import type { Route } from '../mail/route.ts'
import { memoryMessage } from '../testkit/memory-message.ts'
import { withOwnSenders } from './own-senders.ts'

const ways = {
  maildir: { transport: 'maildir', key: 'k', path: '/mail' },
  local: {
    transport: 'local',
    key: 'k',
    user: 'joe',
    uid: 500,
    gid: 500,
    home: '/home/joe',
    dash: '-',
    extension: 'virt-bob',
    local: 'joe-virt-bob',
    domain: 'here.test',
  },
} as const satisfies Readonly<Record<string, Route>>

async function senders(reversePath: string, route: Route) {
  const asked: string[] = []
  const transport = withOwnSenders({
    async deliver({ envelope, recipients, yields }) {
      yields?.()
      const names = recipients.map(({ mailbox }) => mailbox.localPart)
      asked.push(`${formatPath(envelope.reversePath)} ${names.join(' ')}`)
      return recipients.map(() => ({ outcome: 'delivered', status: '2.0.0', text: names[0] ?? '' }))
    },
  })
  const at = reversePath.lastIndexOf('@')
  const recipients = ['bob', 'amy'].map((localPart) => ({
    mailbox: { localPart, domain: 'here.test' },
  }))
  const envelope = {
    reversePath: { localPart: reversePath.slice(0, at), domain: reversePath.slice(at + 1) },
    recipients,
    bodyType: '7bit',
    smtputf8: false,
    requireTls: false,
  } as const
  const message = memoryMessage('\r\n')
  const yielded: number[] = []
  const yields = (): void => void yielded.push(asked.length)
  const delivery = { queueId: 'q', message, envelope, recipients, route, yields }
  const results = await transport.deliver(delivery, new AbortController().signal)
  return { asked, told: results.map(({ text }) => text), yielded }
}

test('each recipient has a copy from a sender of his own, and an answer of his own', async () => {
  expect(await senders('list-@far.test-@[]', ways.maildir)).toEqual({
    asked: ['<list-bob=here.test@far.test> bob', '<list-amy=here.test@far.test> amy'],
    told: ['bob', 'amy'],
    yielded: [1],
  })
})

test('a user who has a virtual domain is named in it, as by qmail', async () => {
  const { asked } = await senders('list-@far.test-@[]', ways.local)
  expect(asked[0]).toBe('<list-joe-virt-bob=here.test@far.test> bob')
})

test('all others go as they came', async () => {
  const { asked } = await senders('list-@far.test', ways.maildir)
  expect(asked).toEqual(['<list-@far.test> bob amy'])
})
