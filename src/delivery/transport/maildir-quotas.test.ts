import { describe, expect, test } from 'vitest'
import { fakeClock } from '../../testkit/fake-clock.ts'
import { fakeDisk } from '../../testkit/fake-disk.ts'
import { memoryMessage } from '../../testkit/memory-message.ts'
import { seededRandom } from '../../testkit/seeded-random.ts'
import { maildirTransport } from './maildir.ts'
import { MaildirQuotas } from './maildir-quotas.ts'

const path = '/srv/mail/here.test/bob'
const message = memoryMessage(`Subject: hi\r\n\r\n${'x'.repeat(200)}\r\n`)

function stage(files: Readonly<Record<string, string>> = {}) {
  const disk = fakeDisk({ '/srv/motd': '', ...files })
  const clock = fakeClock()
  const random = seededRandom(1)
  const transport = maildirTransport({ disk, clock, random, process: { pid: 1 }, hostname: 'mx' })
  const deliver = async (
    quota: { readonly bytes?: number; readonly messages?: number },
    overQuota: 'reject' | 'defer' = 'reject',
  ) => {
    const recipients = [{ mailbox: { localPart: 'bob', domain: 'here.test' } }]
    const envelope = {
      reversePath: null,
      recipients,
      bodyType: '7bit',
      smtputf8: false,
      requireTls: false,
    } as const
    const route = { transport: 'maildir', key: 'k', path, quota, overQuota } as const
    const delivery = { queueId: 'q', message, envelope, recipients, route }
    const [result] = await transport.deliver(delivery, new AbortController().signal)
    return result?.status
  }
  const kept = (): string => disk.bytes(`${path}/maildirsize`).toString()
  return { disk, clock, deliver, kept, quotas: new MaildirQuotas({ disk, clock, random }) }
}

describe('a Maildir with a quota', () => {
  test('takes so many messages and no more, and says so in maildirsize', async () => {
    const { deliver, kept, disk } = stage()
    expect(await deliver({ messages: 2 })).toBe('2.0.0')
    expect(await deliver({ messages: 2 })).toBe('2.0.0')
    expect(await deliver({ messages: 2 })).toBe('5.2.2')
    expect(await deliver({ messages: 2 }, 'defer')).toBe('4.2.2')
    const names = await disk.list(`${path}/new`)
    expect(names).toHaveLength(2)
    const sizes = names.map((name) => Number(/,S=(\d+)/.exec(name)?.[1]))
    expect(kept()).toBe(`2C\n${sizes[0]! + sizes[1]!} 2\n`)
  })

  test('takes so many bytes and no more', async () => {
    const { deliver } = stage()
    expect(await deliver({ bytes: 300 })).toBe('2.0.0')
    expect(await deliver({ bytes: 300 })).toBe('5.2.2')
    expect(await deliver({ bytes: 3000 })).toBe('2.0.0')
  })

  test('never takes more from deliveries that come at the same time', async () => {
    const { deliver } = stage()
    const done = await Promise.all(Array.from({ length: 8 }, () => deliver({ messages: 3 })))
    expect(done.filter((status) => status === '2.0.0')).toHaveLength(3)
  })

  test('without a limit is not counted', async () => {
    const { deliver, disk } = stage()
    expect(await deliver({})).toBe('2.0.0')
    expect(await deliver({})).toBe('2.0.0')
    expect(await disk.list(path)).toEqual(['cur', 'new', 'tmp'])
  })

  test('is counted with its folders, without what is thrown away', async () => {
    const { deliver, kept } = stage({
      [`${path}/tmp/x`]: '',
      [`${path}/new/1.a,S=50`]: 'not looked into',
      [`${path}/cur/2.a,S=70:2,S`]: '',
      [`${path}/cur/3.a,S=999:2,ST`]: '',
      [`${path}/cur/4.a:2,`]: '0123456789',
      [`${path}/.Archive/cur/5.a,S=20:2,S`]: '',
      [`${path}/.Trash/cur/6.a,S=999:2,S`]: '',
    })
    expect(await deliver({ bytes: 400 })).toBe('2.0.0')
    expect(kept()).toMatch(/^400S\n150 4\n\d+ 1\n$/)
  })

  test('what other programs wrote into maildirsize counts', async () => {
    const { deliver, kept } = stage({
      [`${path}/tmp/x`]: '',
      [`${path}/maildirsize`]: '9C\n50 5\n',
    })
    expect(await deliver({ messages: 9 })).toBe('2.0.0')
    expect(kept()).toMatch(/^9C\n50 5\n\d+ 1\n$/)
  })

  test('is counted again before anybody is turned away by an old sum, or a sum of many lines', async () => {
    const old = stage({ [`${path}/tmp/x`]: '', [`${path}/maildirsize`]: '1C\n50 1\n' })
    expect(await old.deliver({ messages: 1 })).toBe('2.0.0')
    const many = stage({ [`${path}/tmp/x`]: '', [`${path}/maildirsize`]: '2C\n50 1\n50 1\n' })
    expect(await many.deliver({ messages: 2 })).toBe('2.0.0')
  })

  test.each(['2C\n5 five\n', '', `2C\n${'1 1\n'.repeat(2000)}`, '2C\n-9 -9\n'])(
    'a maildirsize that is damaged is counted anew',
    async (text) => {
      const { deliver } = stage({ [`${path}/tmp/x`]: '', [`${path}/maildirsize`]: text })
      expect(await deliver({ messages: 2 })).toBe('2.0.0')
      expect(await deliver({ messages: 2 })).toBe('2.0.0')
      expect(await deliver({ messages: 2 })).toBe('5.2.2')
    },
  )

  test('a sum that cannot be kept does not undo what was delivered', async () => {
    const { disk, deliver } = stage({ [`${path}/tmp/x`]: '', [`${path}/maildirsize`]: '9C\n5 1\n' })
    disk.fault = ({ kind, path: file }) =>
      kind === 'write' && file.endsWith('/maildirsize') ? 'DISK_FULL' : undefined
    expect(await deliver({ messages: 9 })).toBe('2.0.0')
    disk.fault = () => undefined
    expect(await disk.list(`${path}/new`)).toHaveLength(1)
    expect(await disk.list(path)).not.toContain('maildirsize')
  })

  test('loses no line of maildirsize that another program writes at that moment', async () => {
    const { disk, deliver, kept } = stage({
      [`${path}/tmp/x`]: '',
      [`${path}/maildirsize`]: '9C\n50 1\n',
    })
    disk.fault = ({ kind, path: file }) => {
      if (kind === 'write' && file.endsWith('/maildirsize')) {
        disk.fault = () => undefined
        const before = Buffer.concat([disk.bytes(file), Buffer.from('-50 -1\n')])
        void disk.open(file, 'write').then((other) => other.writeNow([before], 0))
      }
      return undefined
    }
    expect(await deliver({ messages: 9 })).toBe('2.0.0')
    expect(kept()).toMatch(/^9C\n50 1\n-50 -1\n\d+ 1\n$/)
  })

  test('that is not there has room for what fits at all', async () => {
    const { quotas } = stage()
    expect(await quotas.isFull({ path, quota: { bytes: 10 }, sizeBytes: 10 })).toBe(false)
    expect(await quotas.isFull({ path, quota: { bytes: 10 }, sizeBytes: 11 })).toBe(true)
  })
})
