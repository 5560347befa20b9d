import { beforeEach, expect, test } from 'vitest'
import type { AdminRecords, AuditEntry } from '../admin-records.ts'
import { memoryAdminRecords } from './admin-records.ts'

let records: AdminRecords
beforeEach(() => {
  records = memoryAdminRecords()
})

const entry = { at: 1, who: 'root', from: '192.0.2.1', what: 'queue.hold', target: '', done: true }
const audit = (more: Partial<AuditEntry>) => records.audit({ ...entry, ...more })

test('the same that is refused again is counted, what is done never is', () => {
  audit({})
  audit({})
  audit({ done: false, what: 'session.begin', who: '' })
  audit({ done: false, what: 'session.begin', who: 'eve' })
  for (let at = 2; at < 50; at++) audit({ at, done: false, what: 'session.begin', who: '' })
  const found = records.audited({ limit: 10 })
  expect(found.map(({ who, times, lastAt }) => [who, times, lastAt])).toEqual([
    ['eve', 1, undefined],
    ['', 49, 49],
    ['root', 1, undefined],
    ['root', 1, undefined],
  ])
  audit({ at: 16 * 60_000, done: false, what: 'session.begin', who: '' })
  expect(records.audited({ limit: 1 })[0]).toMatchObject({ who: '', times: 1 })
})

test('refusals push out each other, and no record of what was done', () => {
  const limited = memoryAdminRecords({ done: 2, refused: 20, pruneEvery: 5 })
  for (const target of ['a', 'b']) limited.audit({ ...entry, target })
  for (let n = 0; n < 100; n++) limited.audit({ ...entry, done: false, target: `${n}` })
  const all = limited.audited({ limit: 1_000 })
  expect(all.slice(-2).map(({ target }) => target)).toEqual(['b', 'a'])
  expect(all[0]).toMatchObject({ target: '99' })
  expect(all.length).toBeGreaterThanOrEqual(22)
  expect(all.length).toBeLessThan(30)
})

test('of a user the places of last time are known, those from long ago are forgotten', () => {
  for (let at = 0; at < 60; at++) records.putKnownPlace({ user: 'root', network: `${at}` }, at)
  records.putKnownPlace({ user: 'root', network: '10' }, 100)
  const known = (network: string, user = 'root') => records.isKnownPlace({ user, network })
  expect([known('59'), known('10'), known('9'), known('59', 'eve')]).toEqual([
    true,
    true,
    false,
    false,
  ])
  records.removeUser('root')
  expect(known('59')).toBe(false)
})
