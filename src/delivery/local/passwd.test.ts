import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { otherSources } from './host-accounts.ts'
import { candidates, parsePasswd, receivesMail } from './passwd.ts'

const named = (local: string): readonly string[] => [...candidates(local)].map(({ name }) => name)

describe('the accounts of this host', () => {
  test('are read line by line, and lines that are none are passed over', () => {
    const text =
      'joe:x:1001:1002:Joe:/home/joe:/bin/sh\nshort:x\n+::::::\njoe:x:1:1::/other:/bin/sh\n'
    expect([...parsePasswd(Buffer.from(text)).values()]).toEqual([
      { name: 'joe', uid: 1001, gid: 1002, home: '/home/joe' },
    ])
  })

  test('are looked for by the whole local part, then before each hyphen, the longest first', () => {
    expect([...candidates('Joe-Smith-x')]).toEqual([
      { name: 'joe-smith-x', dash: '', extension: '' },
      { name: 'joe-smith', dash: '-', extension: 'x' },
      { name: 'joe', dash: '-', extension: 'Smith-x' },
    ])
  })

  test('have names of at most 31 bytes', () => {
    expect(named(`${'a'.repeat(32)}-b`)).toEqual([])
    expect(named(`${'a'.repeat(31)}-${'b'.repeat(200)}`)).toEqual(['a'.repeat(31)])
  })

  test('receive mail where they are somebody’s, with a home of their own', () => {
    const joe = { name: 'joe', uid: 1001, gid: 1001, home: '/home/joe' }
    expect(receivesMail(joe, 1001)).toBe(true)
    expect(receivesMail(joe, 1002)).toBe(false)
    expect(receivesMail(joe, undefined)).toBe(false)
    expect(receivesMail({ ...joe, uid: 0 }, 0)).toBe(false)
    expect(receivesMail({ ...joe, name: 'Joe' }, 1001)).toBe(false)
  })

  test('of any local part are parts of it, and no more than it has hyphens', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z-]{0,80}$/), (local) => {
        const found = [...candidates(local)]
        expect(found.length).toBeLessThanOrEqual(local.split('-').length)
        for (const { name, dash, extension } of found) {
          expect(name + dash + extension).toBe(local)
        }
      }),
    )
  })

  test.each([
    ['passwd: files systemd', false],
    ['passwd:\tfiles [SUCCESS=merge] sss', true],
    ['# passwd: ldap\npasswd: compat # ldap', false],
    ['', false],
  ])('may be elsewhere too: %j', (nsswitch, others) => {
    expect(otherSources(nsswitch)).toBe(others)
  })
})
