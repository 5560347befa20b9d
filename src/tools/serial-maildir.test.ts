import { expect, test, vi } from 'vitest'
import type { DeliveryResult } from '../mail/delivery-result.ts'
import { formatPath } from '../mail/address.ts'
import { fakeDisk } from '../testkit/fake-disk.ts'
import { sendMaildir, type SerialMail } from './serial-maildir.ts'

const mail = (to: string) =>
  `Return-Path: <a@b.test>\nDelivered-To: turn-${to}@dial.test\nSubject: ${to}\n\nhello\n`

const delivered: DeliveryResult = { outcome: 'delivered', status: '2.0.0', text: 'thanks' }
const failed: DeliveryResult = { outcome: 'failed', status: '5.1.1', text: 'nobody' }
const deferred: DeliveryResult = { outcome: 'deferred', status: '4.2.1', text: 'not\nnow' }
const away: DeliveryResult = { outcome: 'deferred', status: '4.4.1', text: 'no session' }

interface Scene {
  readonly files: Readonly<Record<string, string>>
  readonly says: (to: string) => DeliveryResult
  readonly lifetimeMs?: number
  readonly promised?: boolean
  readonly signal?: AbortSignal
}

async function sent({ files, says, lifetimeMs = Infinity, promised = true, signal }: Scene) {
  const folders = { '/m/new/.k': '', '/m/cur/.k': '', '/m/tmp/1': 'half' }
  const paths = Object.entries(files).map(([name, text]) => [`/m/${name}`, text] as const)
  const disk = fakeDisk({ ...folders, ...Object.fromEntries(paths) })
  const reading = vi.spyOn(disk, 'open')
  const tried: string[] = []
  const bounced: string[] = []
  const told: string[] = []
  const toOf = ({ envelope }: SerialMail) =>
    envelope.recipients.map(({ mailbox }) => mailbox.localPart).join()
  await sendMaildir({
    disk,
    folder: '/m',
    prefix: 'turn-',
    now: () => Number.MAX_SAFE_INTEGER,
    lifetimeMs,
    ...(signal === undefined ? {} : { signal }),
    async deliver(each) {
      const text = Buffer.concat(await Array.fromAsync(each.message.read())).toString()
      expect(text).toBe(`Subject: ${toOf(each)}\r\n\r\nhello\r\n`)
      expect(formatPath(each.envelope.reversePath)).toBe('<a@b.test>')
      tried.push(toOf(each))
      return says(toOf(each))
    },
    async bounce(each, { status }) {
      bounced.push(`${toOf(each)} ${status}`)
      return promised
    },
    told: (name, outcome, text) => void told.push(`${name} ${outcome}: ${text}`),
  })
  const left = [...(await disk.list('/m/cur')), ...(await disk.list('/m/new'))]
  const read = reading.mock.calls.map(([path]) => path)
  return { tried, read, bounced, told, left: left.filter((name) => name !== '.k') }
}

test('what the host takes is removed, in the order of its arrival', async () => {
  const files = { 'new/2.h': mail('two'), 'new/1.h': mail('one'), 'cur/0.h:2,S': mail('zero') }
  const { tried, told, left } = await sent({ files, says: () => delivered })
  expect(tried).toEqual(['zero', 'one', 'two'])
  expect(left).toEqual([])
  expect(told[0]).toBe('cur/0.h:2,S succeeded: thanks')
})

test('what it refuses is bounced and removed, what it defers stays', async () => {
  const files = { 'new/1.h': mail('no'), 'new/2.h': mail('later'), 'new/3.h': mail('yes') }
  const says = (to: string) => (to === 'no' ? failed : to === 'later' ? deferred : delivered)
  expect(await sent({ files, says })).toMatchObject({
    tried: ['no', 'later', 'yes'],
    bounced: ['no 5.1.1'],
    told: [
      'new/1.h failed permanently: nobody',
      'new/2.h failed temporarily: not now',
      'new/3.h succeeded: thanks',
    ],
    left: ['2.h'],
  })
})

test('what has waited too long is given up, and stays where nobody promises its bounce', async () => {
  const files = { 'new/1.h': mail('later') }
  const old = { files, says: () => deferred, lifetimeMs: 1_000 }
  expect(await sent(old)).toMatchObject({ bounced: ['later 5.4.7'], left: [] })
  expect(await sent({ ...old, promised: false })).toMatchObject({
    bounced: ['later 5.4.7'],
    left: ['1.h'],
  })
})

test('a host that cannot be reached is asked once, and what is not its mail stays', async () => {
  const files = {
    'new/0.h': 'Subject: mine\n\nx\n',
    'new/1.h': mail('one'),
    'new/2.h': mail('two'),
  }
  const { tried, told, left, read } = await sent({ files, says: () => away })
  expect(tried).toEqual(['one'])
  expect(told[0]).toBe('new/0.h failed temporarily: it does not begin with Return-Path')
  expect(told.slice(1)).toEqual([
    'new/1.h failed temporarily: no session',
    'new/2.h failed temporarily: no session',
  ])
  expect(read).toEqual(['/m/new/0.h', '/m/new/1.h'])
  expect(left).toEqual(['0.h', '1.h', '2.h'])
})

test('what is called off ends nothing that has waited too long, and begins nothing else', async () => {
  const files = { 'new/1.h': mail('one'), 'new/2.h': mail('two') }
  const stop = new AbortController()
  const says = (): DeliveryResult => {
    stop.abort()
    return deferred
  }
  const { tried, bounced, left } = await sent({ files, says, lifetimeMs: 1, signal: stop.signal })
  expect(tried).toEqual(['one'])
  expect(bounced).toEqual([])
  expect(left).toHaveLength(2)
})
