import { expect, test } from 'vitest'
import { parseRcpthosts, parseVirtualDomains } from '../formats/control-domains.ts'
import { fakeClock } from '../testkit/fake-clock.ts'
import { fakeDisk } from '../testkit/fake-disk.ts'
import { memoryAccounts } from '../testkit/memory-accounts.ts'
import { memoryMessage } from '../testkit/memory-message.ts'
import { recordingLog } from '../testkit/recording-log.ts'
import { seededRandom } from '../testkit/seeded-random.ts'
import { openRewriting } from './open-rewriting.ts'

async function stage() {
  const accounts = memoryAccounts()
  await accounts.putDomain({ name: 'shop.test', catchAll: 'bounce', overQuota: 'reject' })
  await accounts.putDomainAlias({ name: 'shop-alias.test', domain: 'shop.test' })
  return openRewriting({
    disk: fakeDisk({ '/etc/postern/control/srs.secret': 'secret\n' }),
    clock: fakeClock(),
    random: seededRandom(3),
    log: recordingLog(),
    accounts,
    current: () => ({
      folder: '/etc/postern',
      delivery: { srs: true },
      control: {
        me: 'mail.here.test',
        locals: new Set(['here.test']),
        rcptHosts: parseRcpthosts(Buffer.from('relayed.test\n')).value,
        virtualDomains: parseVirtualDomains(Buffer.from('virtual.test:joe\n')).value,
      },
    }),
  })
}

const bob = { mailbox: { localPart: 'bob', domain: 'elsewhere.test' } }

test.each([
  ['our own name', 'mail.here.test', true],
  ['a domain of control/locals', 'HERE.test', true],
  ['a domain of control/rcpthosts', 'relayed.test', true],
  ['a virtual domain', 'virtual.test', true],
  ['a mail domain', 'shop.test', true],
  ['another name of a mail domain', 'Shop-Alias.test', true],
  ['any other', 'far.test', false],
])('of %s, %s, mail is ours to send: %s', async (_what, domain, isOurs) => {
  const rewriting = await stage()
  const ann = { localPart: 'ann', domain }
  const [first] = await rewriting.shares({ reversePath: ann, recipients: [bob] })
  expect(first?.reversePath?.domain).toBe(isOurs ? domain : 'mail.here.test')
  // And what was delivered there was delivered here.
  const { header } = memoryMessage(`Delivered-To: amy@${domain}\r\n\r\n`)
  const eve = { localPart: 'eve', domain: 'stranger.test' }
  const [sent] = await rewriting.sharesOfHanded({ reversePath: eve, recipients: [bob] }, header)
  expect(sent?.reversePath?.domain).toBe(isOurs ? 'mail.here.test' : 'stranger.test')
})
