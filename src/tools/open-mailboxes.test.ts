import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { Deliverer } from '../runtime/deliverer.ts'
import { fakePrograms } from '../testkit/fake-programs.ts'
import { memoryAccounts } from '../testkit/memory-accounts.ts'
import { recordingLog } from '../testkit/recording-log.ts'
import { openMailboxes } from './open-mailboxes.ts'
import { readOffline } from './read-offline.ts'

/** control/locals and control/me of the sample: postern.test. */
const sample = readOffline(fileURLToPath(new URL('../../config', import.meta.url)))
const { maildirs } = sample.delivery

const programs = fakePrograms()

function mailboxes(
  uid?: number,
  accounts = memoryAccounts(),
  { self = 1000, deliverer }: { self?: number; deliverer?: Pick<Deliverer, 'maildrop'> } = {},
) {
  const bob = { user: 'bob', gid: 7, home: '/home/bob', dash: '', extension: '' }
  const log = recordingLog()
  const directory = uid === undefined ? undefined : { find: async () => ({ ...bob, uid }) }
  return {
    log,
    ...openMailboxes({
      current: () => sample,
      users: { directory },
      accounts,
      process: { uid: self },
      programs,
      ...(deliverer === undefined ? {} : { deliverer }),
      log,
    }),
  }
}

test.each(['bob@postern.test', 'Bob@POSTERN.test', 'bob%postern.test', 'bob'])(
  'the login %s has the Maildir that mail to the address goes to',
  async (user) => {
    const place = { path: `${maildirs}/postern.test/bob`, comesWithMail: true }
    expect(await mailboxes().find(user)).toEqual(place)
  },
)

test.each(['bob@elsewhere.test', '../../etc@elsewhere.test', '@postern.test', ''])(
  'the login %j has none',
  async (user) => {
    expect(await mailboxes().find(user)).toBeUndefined()
  },
)

test('no login leads out of the folder of all mailboxes', async () => {
  for (const user of ['..', '../x', '/etc', '.', 'a/../../b']) {
    const place = await mailboxes().find(user)
    const path = place !== undefined && 'path' in place ? place.path : maildirs
    expect(path).toMatch(/\/mail(?:$|\/postern\.test\/[^/]*$)/)
    expect(path.split('/')).not.toContain('..')
  }
})

test('a user of this host has the Maildir at home, if the gateway is that user', async () => {
  const place = { path: '/home/bob/Maildir', comesWithMail: false }
  expect(await mailboxes(1000).find('bob')).toEqual(place)
  for (const uid of [1001, 0]) {
    const others = mailboxes(uid)
    expect(await others.find('bob')).toBeUndefined()
    expect(others.log.events).toMatchObject([{ event: 'pop3.mailbox-of-another', fields: { uid } }])
  }
})

test('a user of this host is served by a process of that user where root keeps us, or where we are root', async () => {
  const asked: string[] = []
  const deliverer: Pick<Deliverer, 'maildrop'> = {
    maildrop(user) {
      asked.push(user)
      throw new Error('enough')
    },
  }
  const place = await mailboxes(1001, memoryAccounts(), { deliverer }).find('bob@postern.test')
  const { signal } = new AbortController()
  expect(() => place !== undefined && 'talk' in place && place.talk(signal)).toThrow('enough')
  // As the program knows the login: the deliverer remembers it by that name.
  expect(asked).toEqual(['bob@postern.test'])
  expect(await mailboxes(1001, memoryAccounts(), { self: 0 }).find('bob')).toHaveProperty('talk')
  expect(await mailboxes(0, memoryAccounts(), { self: 0 }).find('bob')).toBeUndefined()
})

test('a user of a domain of ours has the Maildir that it has, and none where POP3 is taken away', async () => {
  const ann = { user: 'ann@virtual.test', passwordHash: '*', variables: new Map() }
  const accounts = memoryAccounts([
    ann,
    { ...ann, user: 'eve@virtual.test', flags: new Set(['no-pop'] as const) },
  ])
  await accounts.putDomain({ name: 'virtual.test', catchAll: 'bounce', overQuota: 'reject' })
  const ours = mailboxes(undefined, accounts)
  expect(await ours.find('Ann@virtual.test')).toEqual({
    path: `${maildirs}/virtual.test/ann`,
    comesWithMail: true,
  })
  await accounts.putDomainAlias({ name: 'other.test', domain: 'virtual.test' })
  expect(await ours.find('ann@other.test')).toMatchObject({ path: `${maildirs}/virtual.test/ann` })
  expect(await ours.find('eve@virtual.test')).toBeUndefined()
  expect(await ours.find('eve@other.test')).toBeUndefined()
  const told = { event: 'pop3.not-for-this-account', fields: { user: 'eve@virtual.test' } }
  expect(ours.log.events).toMatchObject([told, told])
})

test('what is in a mailbox can still be fetched where its mail goes on to others, or is no longer taken', async () => {
  const ann = { user: 'ann@virtual.test', passwordHash: '*', variables: new Map() }
  const flags = new Set(['no-mail'] as const)
  const accounts = memoryAccounts([ann, { ...ann, user: 'kim@virtual.test', flags }])
  await accounts.putDomain({ name: 'virtual.test', catchAll: 'bounce', overQuota: 'reject' })
  await accounts.putAlias({ address: 'ann@virtual.test', targets: ['ann@far.test'] })
  for (const name of ['ann', 'kim']) {
    const path = `${maildirs}/virtual.test/${name}`
    const place = { path, comesWithMail: true }
    // oxlint-disable-next-line no-await-in-loop -- two
    expect(await mailboxes(undefined, accounts).find(`${name}@virtual.test`)).toEqual(place)
  }
})

test('a login without a domain has the copies that an alias of the default host keeps', async () => {
  const bob = { user: 'bob@postern.test', passwordHash: '*', variables: new Map() }
  const accounts = memoryAccounts([bob])
  await accounts.putDomain({ name: 'postern.test', catchAll: 'bounce', overQuota: 'reject' })
  await accounts.putAlias({ address: bob.user, targets: ['bob@far.test', bob.user] })
  const place = { path: `${maildirs}/postern.test/bob`, comesWithMail: true }
  expect(await mailboxes(undefined, accounts).find('bob')).toEqual(place)
})

test('a login without a domain, whoever knew it, opens no mailbox of the default host that POP3 is taken away from', async () => {
  const flags = new Set(['no-pop'] as const)
  const eve = { user: 'eve@postern.test', passwordHash: '*', variables: new Map(), flags }
  const accounts = memoryAccounts([eve])
  await accounts.putDomain({ name: 'postern.test', catchAll: 'bounce', overQuota: 'reject' })
  const ours = mailboxes(undefined, accounts)
  expect(await ours.find('eve')).toBeUndefined()
  expect(await ours.find('Eve')).toBeUndefined()
  const told = { event: 'pop3.not-for-this-account', fields: { user: eve.user } }
  expect(ours.log.events).toMatchObject([told, told])
})
