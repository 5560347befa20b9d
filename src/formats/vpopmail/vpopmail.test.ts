import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseDotQmail } from '../dot-qmail.ts'
import { disabledBitsOf, limitsOf, limitWords } from './limits.ts'
import { parseVdelivermail, targetOf } from './vdelivermail.ts'
import { parseVpasswd, vpopmailBits } from './vpasswd.ts'

describe('vpasswd', () => {
  test('has users with their hashes, bits and quotas', () => {
    const text = `# old
Postmaster:$1$abc$def:1:0:Postmaster:/home/vpopmail/domains/example.org/postmaster:NOQUOTA:secret
bob:xyDESxxxxxxxx:1:2066:Bob, the one:/home/vpopmail/domains/example.org/bob:10485760S,1000C:\r
carol::1:zero:x::12 apples

:$6$x:1:0:x::
dave:$6$x:1
BOB:$6$x:1:0:x::
`
    const folder = '/home/vpopmail/domains/example.org'
    const { users, doubts } = parseVpasswd(text)
    expect(users).toEqual([
      {
        name: 'postmaster',
        hash: '$1$abc$def',
        bits: 0,
        folder: `${folder}/postmaster`,
        quota: {},
      },
      {
        name: 'bob',
        hash: 'xyDESxxxxxxxx',
        bits: 0x812,
        folder: `${folder}/bob`,
        quota: { bytes: 10_485_760, messages: 1000 },
      },
      { name: 'carol', hash: '*', bits: 0, folder: '' },
    ])
    expect(doubts).toEqual([
      'line 4: carol: "zero" is no pw_gid; nothing is forbidden to this user',
      'line 4: carol: "12 apples" is no quota; that of the domain counts',
      'line 6: has no name; it is left out',
      'line 7: has 3 fields, where vpasswd has 7 or 8; it is left out',
      'line 8: bob is there already; it is left out',
    ])
  })

  test('gives back what was written, whatever stands around it', () => {
    const word = fc.stringMatching(/^[a-z0-9._-]{1,12}$/)
    const hash = fc.stringMatching(/^\$[156]\$[A-Za-z0-9./]{1,8}\$[A-Za-z0-9./]{5,30}$/)
    const users = fc.uniqueArray(fc.tuple(word, hash, fc.nat({ max: 0x7ffff })), {
      selector: ([name]) => name,
    })
    fc.assert(
      fc.property(users, (all) => {
        const lines = all.map(
          ([name, secret, gid]) => `${name}:${secret}:1:${gid}:x:/d/${name}:9S:`,
        )
        const read = parseVpasswd(`${lines.join('\n')}\n`)
        expect(read.users.map(({ name, hash, bits }) => [name, hash, bits])).toEqual(all)
      }),
    )
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseVpasswd(text)))
  })
})

test('what the limits of a domain disable is known by a word in the file, by a number in the table', () => {
  const { noPop, noWebmail, noSmtp, noRelay } = vpopmailBits
  expect(disabledBitsOf(limitWords('disable_pop\ndisable_smtp: 1\ndisable_webmail\n'))).toBe(
    noPop | noSmtp | noWebmail,
  )
  const row = new Map([
    ['disable_pop', '0'],
    ['disable_relay', '1'],
  ])
  expect(disabledBitsOf(row)).toBe(noRelay)
})

test('limits count accounts, aliases with forwards, megabytes of a domain and bytes of a user', () => {
  const text = `maxpopaccounts: 50
maxaliases: 10
maxforwards: 5
maxautoresponders: -1
quota: 100
default_quota: 1048576
default_maxmsgcount: 500
disable_webmail
perm_account: 0
`
  expect(limitsOf(limitWords(text))).toEqual({
    maxUsers: 50,
    maxAliases: 15,
    quota: { bytes: 104_857_600 },
    defaultQuota: { bytes: 1_048_576, messages: 500 },
  })
  expect(limitsOf(limitWords('maxpopaccounts: -1\nmaxaliases: 3\nquota: 0\n'))).toEqual({})
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (any) => void limitsOf(limitWords(any))))
})

test.each([
  ["/home/vpopmail/bin/vdelivermail '' bounce-no-mailbox", 'bounce'],
  [" /home/vpopmail/bin/vdelivermail '' delete", 'delete'],
  ["vdelivermail '' bob@example.net", { to: 'bob@example.net' }],
  ["vdelivermail '' &bob@example.net", { to: 'bob@example.net' }],
  ["/usr/bin/vdelivermail '' /home/vpopmail/domains/example.org/bob", { to: 'bob@example.org' }],
  [
    "vdelivermail '' /home/vpopmail/domains/3/example.org/A/bob/Maildir/",
    { to: 'bob@example.org' },
  ],
  ["vdelivermail ''", 'bounce'],
  ["vdelivermail '' /var/mail/everything", undefined],
  ['/usr/bin/procmail', undefined],
  ['', undefined],
])('the program line %j is a catch-all: %j', (command, catchAll) => {
  expect(parseVdelivermail(command)).toEqual(catchAll)
})

test.each([
  ['&bob@example.net', 'bob@example.net'],
  ['bob', 'bob@example.org'],
  ['/home/vpopmail/domains/example.org/carol/Maildir/', 'carol@example.org'],
  ['/home/vpopmail/domains/example.org/x/Maildir/', 'x@example.org'],
  ['/home/vpopmail/domains/3/example.org/A/x/Maildir/', 'x@example.org'],
  ['/home/vpopmail/domains/example.org/carol/Maildir/.Spam/', undefined],
  ['./carol/Maildir/', 'carol@example.org'],
  ['./Maildir/', 'own@example.org'],
  ["| /home/vpopmail/bin/vdelivermail '' bounce-no-mailbox", 'own@example.org'],
  ['| /usr/bin/autorespond 10000 5 msg dir', undefined],
  ['|/usr/lib/dovecot/dovecot-lda -f "$SENDER" -d "${EXT}@${USER}"', 'own@example.org'],
  ['|preline -f /usr/libexec/dovecot/deliver -d $EXT@$USER', 'own@example.org'],
  ['|preline deliver -d somebody', undefined],
  ['|spamc | deliver -d $EXT@$USER', undefined],
  ['./mbox', undefined],
  ['/etc/passwd/', undefined],
])('the line %j leads to %s', (line, target) => {
  const [instruction] = parseDotQmail(Buffer.from(`${line}\n`)).instructions
  expect(targetOf(instruction!, 'own@example.org')).toBe(target)
})
