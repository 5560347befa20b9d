import { expect, test } from 'vitest'
import { fakeClock } from '../../testkit/fake-clock.ts'
import { fakeDisk } from '../../testkit/fake-disk.ts'
import { fakePrograms } from '../../testkit/fake-programs.ts'
import { memoryMessage } from '../../testkit/memory-message.ts'
import { seededRandom } from '../../testkit/seeded-random.ts'
import { MaildirQuotas } from '../transport/maildir-quotas.ts'
import { MaildirWriter } from '../transport/maildir-writer.ts'
import { localTransport } from './local-transport.ts'

/** What a program of joe's sees beside the variables of qmail-command. */
async function programSees(requireTls: boolean): Promise<Readonly<Record<string, string>>> {
  const basics = { disk: fakeDisk(), clock: fakeClock(), random: seededRandom(1) }
  const seen: (readonly [string, string])[] = []
  const transport = localTransport({
    doors: {
      ...basics,
      programs: fakePrograms(),
      locks: { takeMbox: async () => ({ release: async () => undefined }) },
      maildirs: new MaildirWriter({ ...basics, process: { pid: 1 }, hostname: 'h' }),
      quotas: new MaildirQuotas(basics),
      forward: async () => ({ queued: 'q' }),
    },
    uid: 0,
    settings: () => ({
      defaultDelivery: '',
      environment: new Map([['PATH', '/bin']]),
      timeoutMs: 1000,
    }),
    becoming: async ({ environment }) => {
      seen.push(...environment)
      return { outcome: 'delivered', status: '2.0.0', text: '' }
    },
  })
  const joe = { localPart: 'joe', domain: 'h.test' }
  const owner = { user: 'joe', uid: 1000, gid: 1000, home: '/home/joe', dash: '', extension: '' }
  const delivery = {
    queueId: 'q',
    message: memoryMessage('Subject: x\r\n\r\n'),
    envelope: {
      reversePath: null,
      recipients: [{ mailbox: joe }],
      bodyType: '7bit',
      smtputf8: false,
      requireTls,
    },
    recipients: [{ mailbox: joe }],
    route: { transport: 'local', key: 'joe', local: 'joe', domain: 'h.test', ...owner },
  } as const
  await transport.deliver(delivery, new AbortController().signal)
  return Object.fromEntries(seen)
}

test('a program is told that what it sends on must go by TLS, where that is so', async () => {
  expect(await programSees(true)).toEqual({ PATH: '/bin', POSTERN_REQUIRETLS: '1' })
  expect(await programSees(false)).toEqual({ PATH: '/bin' })
})
