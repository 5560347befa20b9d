import { expect, test } from 'vitest'
import type { Mailbox } from '../mail/address.ts'
import { fakeClock } from '../testkit/fake-clock.ts'
import { fakeDisk } from '../testkit/fake-disk.ts'
import { memoryMessage } from '../testkit/memory-message.ts'
import { recordingLog } from '../testkit/recording-log.ts'
import { seededRandom } from '../testkit/seeded-random.ts'
import { SenderRewriting, type RewritingSettings } from './sender-rewriting.ts'

const alice = { localPart: 'alice', domain: 'client.test' }
const own = { localPart: 'joe', domain: 'here.test' }
const away = { mailbox: { localPart: 'carol', domain: 'far.test' } }
const here = { mailbox: { localPart: 'bob', domain: 'here.test' } }

function stage(settings: Partial<RewritingSettings> = {}, files: Record<string, string> = {}) {
  const disk = fakeDisk({ '/control/me': 'mail.here.test\n', ...files })
  const log = recordingLog()
  const rewriting = new SenderRewriting({
    disk,
    log,
    clock: fakeClock(),
    random: seededRandom(7),
    settings: () => ({
      enabled: true,
      folder: '/control',
      hostname: 'mail.here.test',
      isOurs: (domain) => domain === 'here.test',
      ...settings,
    }),
  })
  return { disk, log, rewriting }
}

test("a stranger's sender is rewritten for strangers, and stays for our own people", async () => {
  const { rewriting } = stage()
  const shares = await rewriting.shares({ reversePath: alice, recipients: [here, away] })
  expect(shares).toMatchObject([
    { reversePath: { domain: 'mail.here.test' }, recipients: [away] },
    { reversePath: alice, recipients: [here] },
  ])
  const [{ reversePath } = { reversePath: null }] = shares
  expect(await rewriting.senderBehind(reversePath ?? alice)).toEqual(alice)
})

test.each([
  ['a bounce', null, away],
  ['a sender of ours', own, away],
  ['a list with a reverse-path for each recipient', { localPart: 'l-@x-', domain: '[]' }, away],
  ['a stranger who writes to us', alice, here],
])('%s keeps its reverse-path, and needs no key', async (_what, reversePath, recipient) => {
  const { disk, rewriting } = stage()
  const share = { reversePath, recipients: [recipient] }
  expect(await rewriting.shares(share)).toEqual([share])
  expect(await disk.list('/control')).toEqual(['me'])
})

test.each([
  ['was delivered here', ['joe@HERE.test'], true],
  ['was delivered here, to a list', ['x@far.test', 'mailing list l@here.test '], true],
  ['was delivered elsewhere', ['joe@far.test', '', 'here.test.far.test'], false],
  ['was delivered nowhere', [], false],
])('what a program hands over that %s is sent on: %j, %s', async (_what, values, isSentOn) => {
  const { rewriting } = stage({ isOurs: async (domain) => domain.toLowerCase() === 'here.test' })
  const text = values.map((value) => `Delivered-To: ${value}\r\n`).join('')
  const { header } = memoryMessage(`Received: x\r\n${text}\r\nDelivered-To: a@here.test\r\n`)
  const share = { reversePath: alice, recipients: [away] }
  const [{ reversePath } = share] = await rewriting.sharesOfHanded(share, header)
  expect(reversePath?.domain).toBe(isSentOn ? 'mail.here.test' : 'client.test')
})

test('where it is off, a sender stays; bounces of earlier mail still find back', async () => {
  const files = { '/control/srs.secret': 'secret\n', '/control/srs_domain': 'srs.here.test\n' }
  const share = { reversePath: alice, recipients: [away] }
  const [{ reversePath } = share] = await stage({}, files).rewriting.shares(share)
  expect(reversePath).toMatchObject({ domain: 'srs.here.test' })
  const { rewriting } = stage({ enabled: false }, files)
  expect(await rewriting.shares(share)).toEqual([share])
  expect(await rewriting.senderBehind(reversePath as Mailbox)).toEqual(alice)
})

test('the key is made once', async () => {
  const { disk, rewriting } = stage()
  const share = { reversePath: alice, recipients: [away] }
  const first = await rewriting.shares(share)
  const key = await disk.readFile('/control/srs.secret')
  expect(await rewriting.shares(share)).toEqual(first)
  expect(await disk.readFile('/control/srs.secret')).toEqual(key)
  expect((await disk.list('/control')).toSorted()).toEqual(['me', 'srs.secret'])
})

test('where no key can be made a sender stays, and the log says why; a full disk has to wait', async () => {
  const { disk, log, rewriting } = stage()
  const share = { reversePath: alice, recipients: [away] }
  disk.fault = ({ kind }) => (kind === 'create' ? 'DISK_FAILED' : undefined)
  expect(await rewriting.shares(share)).toEqual([share])
  expect(log.events).toMatchObject([
    { event: 'srs.no-key', fields: { path: '/control/srs.secret' } },
  ])
  expect(await stage({ folder: '/nowhere' }).rewriting.shares(share)).toEqual([share])
  disk.fault = ({ kind }) => (kind === 'write' ? 'DISK_FULL' : undefined)
  await expect(rewriting.shares(share)).rejects.toMatchObject({ code: 'DISK_FULL' })
})

test('an address that somebody made up is told nothing else', async () => {
  const { rewriting } = stage({}, { '/control/srs.secret': 'secret\n' })
  const forged = { localPart: 'SRS0=AAAA=AA=client.test=alice', domain: 'mail.here.test' }
  expect(await rewriting.senderBehind(forged)).toBe(forged)
})
