import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { assignCdb, parseAssign } from './assign.ts'
import { openCdb } from './cdb-reader.ts'
import { buildCdb } from './cdb-writer.ts'
import { readAtBytes } from './cdb.ts'

/** The observed example of users/assign, and what qmail-newu makes of it. */
const text = `=joe.shmoe:joe:3001:3001:/home/joe:-:shmoe:
+team-:dave:3002:3002:/home/dave:-:t-:
=Mixed:joe:3001:3001:/home/joe:::
+:alias:7790:2108:/var/qmail/alias:-::
.
`
const records = [
  ['!joe.shmoe\0', 'joe\x003001\x003001\0/home/joe\0-\0shmoe'],
  ['!team-', 'dave\x003002\x003002\0/home/dave\0-\0t-'],
  ['!mixed\0', 'joe\x003001\x003001\0/home/joe\0\0'],
  ['!', 'alias\x007790\x002108\0/var/qmail/alias\0-\0'],
  ['', '-'],
] as const
const cdb = buildCdb(
  records.map(([key, value]) => [Buffer.from(key, 'latin1'), Buffer.from(value)] as const),
)

describe.each([
  ['users/assign', parseAssign(Buffer.from(text)).value],
  ['users/cdb', assignCdb(openCdb(readAtBytes(cdb)))],
])('%s', (_name, assignments) => {
  test.each([
    ['Joe.Shmoe', { user: 'joe', uid: 3001, home: '/home/joe', dash: '-', extension: 'shmoe' }],
    ['mixed', { user: 'joe', dash: '', extension: '' }],
    ['team-a', { user: 'dave', extension: 't-', prefix: 'team-' }],
    ['team-', { user: 'dave', prefix: 'team-' }],
    ['team', { user: 'alias', prefix: '' }],
    ['anybody', { user: 'alias', gid: 2108, prefix: '' }],
  ])('knows %s', (local, assignment) => {
    expect(assignments.find(local)).toMatchObject(assignment)
  })
})

test('the longest prefix wins, and an exact line beats it', () => {
  const { value } = parseAssign(
    Buffer.from('+a:x:1:1:/:-::\n+ab:y:1:1:/:-::\n=abc:z:1:1:/:-::\n.\n'),
  )
  const users = ['ac', 'abx', 'abc', 'b'].map((local) => value.find(local)?.user)
  expect(users).toEqual(['x', 'y', 'z', undefined])
})

test('lines that qmail-newu would not take are named', () => {
  const { mistakes } = parseAssign(Buffer.from('=a:b:c\n-x:a:1:1:/:::\n=ok:u:1:1:/:::\n'))
  expect(mistakes.map(({ line }) => line)).toEqual([1, 2, 4])
  expect(parseAssign(undefined).mistakes).toEqual([])
})

test('whatever the bytes are, reading and asking end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.string({ maxLength: 20 }), (bytes, local) => {
      const { value, mistakes } = parseAssign(bytes)
      expect([value.find(local)?.user === '', mistakes.length < 400]).toEqual([false, true])
    }),
  )
})
