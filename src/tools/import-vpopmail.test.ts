import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { isPasswordOfHash } from '../formats/crypt-hash/crypt-hash.ts'
import { fakeDisk } from '../testkit/fake-disk.ts'
import { memoryAccounts } from '../testkit/memory-accounts.ts'
import { carryOut, planImport } from './import-vpopmail.ts'
import { domainLines } from './mail-domains.ts'
import { readVpopmail } from './read-vpopmail.ts'

/** All of `secret`, but for that of mallory. */
const md5 = '$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1'
const home = '/home/vpopmail'
const org = `${home}/domains/example.org`
const net = `${home}/domains/A/example.net`
const vdelivermail = `| ${home}/bin/vdelivermail ''`

const files = {
  [`${org}/vpasswd`]: `alice:${md5}:1:0:Alice:${org}/alice:NOQUOTA:secret
bob:${md5}:1:2066:Bob:${org}/B/bob:1048576S,100C:
carol:${md5}:1:0:Carol:${org}/carol::
mallory:plain:1:0:x:${org}/../../../etc::
`,
  [`${org}/.qmailadmin-limits`]: 'maxpopaccounts: 50\ndefault_quota: 2097152\n',
  [`${org}/.qmail-default`]: `${vdelivermail} ${org}/alice\n`,
  [`${org}/.qmail-sales`]: `&alice@example.org\n${org}/carol/Maildir/\n&dave@far.test\n`,
  [`${org}/.qmail-first:last`]: 'alice\n',
  [`${org}/.qmail-alice`]: `${org}/alice/Maildir/\n`,
  [`${org}/.qmail-holiday`]: '| /usr/bin/autorespond 10000 5 message dir\n&alice@example.org\n',
  [`${org}/B/bob/.qmail`]: './Maildir/\n&bob@far.test\n',
  [`${home}/etc/.qmail`]: '&evil@far.test\n',
  [`${net}/.qmail-default`]: `${vdelivermail} delete\n`,
}

const dump = `
CREATE TABLE \`vpopmail\` (\`pw_name\` char(32), \`pw_domain\` char(96), \`pw_passwd\` char(40), \`pw_uid\` int(11),
  \`pw_gid\` int(11), \`pw_gecos\` char(48), \`pw_dir\` char(160), \`pw_shell\` char(20), \`pw_clear_passwd\` char(16),
  PRIMARY KEY (\`pw_name\`,\`pw_domain\`));
INSERT INTO \`vpopmail\` VALUES ('amy','example.net','${md5}',0,2,'Amy','${net}/amy','5000000S','secret');
CREATE TABLE \`valias\` (\`alias\` char(32), \`domain\` char(96), \`valias_line\` text, KEY \`k\` (\`alias\`,\`domain\`));
INSERT INTO \`valias\` VALUES ('team','example.net','&amy@example.net'),('team','example.net','&x@far.test');
INSERT INTO limits (domain, maxpopaccounts, maxaliases, maxforwards, diskquota) VALUES ('example.net', 7, 2, 3, 100);
INSERT INTO dir_control (domain, cur_users) VALUES ('empty.example',0), ('dom_0',2);
`

async function imported(sources: Parameters<typeof readVpopmail>[1]) {
  const plan = planImport(await readVpopmail(fakeDisk({ ...files, '/dump.sql': dump }), sources))
  const accounts = memoryAccounts()
  await carryOut(accounts, plan)
  return { plan, accounts, lines: await Array.fromAsync(domainLines(accounts)) }
}

test('folders of vpopmail become domains, users and aliases', async () => {
  const { accounts, lines, plan } = await imported({ home })
  expect(lines).toEqual([
    'domain example.net catch-all=delete over-quota=reject',
    'domain example.org catch-all=alice@example.org over-quota=reject max-users=50 default-quota=2097152S',
    'alias bob@example.org bob@example.org bob@far.test',
    'alias first.last@example.org alice@example.org',
    'alias holiday@example.org alice@example.org',
    'alias sales@example.org alice@example.org carol@example.org dave@far.test',
  ])
  const alice = await accounts.find('alice@example.org')
  expect(isPasswordOfHash(Buffer.from('secret'), alice?.passwordHash ?? '')).toBe(true)
  expect(await accounts.find('bob@example.org')).toMatchObject({
    quota: { bytes: 1_048_576, messages: 100 },
    flags: new Set(['no-pop', 'no-mail', 'no-smtp']),
  })
  expect(await accounts.find('carol@example.org')).not.toHaveProperty('quota')
  expect(plan.doubts).toEqual([
    expect.stringContaining('mallory@example.org: nobody can log in'),
    'holiday@example.org: the line "| /usr/bin/autorespond 10000 5 message dir" has no counterpart here',
  ])
})

test('what the limits of a domain disable is disabled for its users, but for those whom they do not bind', async () => {
  const com = `${home}/domains/example.com`
  const line = (name: string, gid: number): string => `${name}:${md5}:1:${gid}:x:${com}/${name}::\n`
  const folders = {
    [`${com}/vpasswd`]: line('eve', 0) + line('zoe', 0x2000),
    [`${com}/.qmailadmin-limits`]: 'disable_pop\ndisable_smtp\n',
  }
  const { users } = planImport(await readVpopmail(fakeDisk(folders), { home }))
  expect(users.map(({ user, flags }) => [user, [...(flags ?? [])]])).toEqual([
    ['eve@example.com', ['no-pop', 'no-smtp']],
    ['zoe@example.com', []],
  ])
})

test('what vpopmail forbids and no account here knows is told: for a domain once, for a user where it is the own', async () => {
  const com = `${home}/domains/example.com`
  const line = (name: string, gid: number): string => `${name}:${md5}:1:${gid}:x:${com}/${name}::\n`
  const folders = {
    [`${com}/vpasswd`]: line('eve', 0x0c) + line('kim', 0) + line('zoe', 0x2020),
    [`${com}/.qmailadmin-limits`]: 'disable_imap\n',
  }
  const { doubts } = planImport(await readVpopmail(fakeDisk(folders), { home }))
  expect(doubts).toEqual([
    'example.com: nobody may use IMAP there; here the IMAP server decides: forbid it there',
    'eve@example.com: may not use webmail there; here the webmail decides: forbid it there',
    'zoe@example.com: may not relay there; here every login may',
  ])
})

test('a quota of a domain that some of its users have no part in is told', async () => {
  const folders = {
    [`${org}/vpasswd`]: `al:${md5}:1:0:x:${org}/al:5S:\nbo:${md5}:1:0:x:${org}/bo:NOQUOTA:\n`,
    [`${org}/.qmailadmin-limits`]: 'quota: 100\n',
  }
  const { doubts } = planImport(await readVpopmail(fakeDisk(folders), { home }))
  expect(doubts).toEqual([expect.stringContaining('such as bo@example.org')])
})

test('names that vaddaliasdomain gave a domain are its other names, and no domains', async () => {
  const assign = `+example.org-:example.org:89:89:${org}:-::
+Alias.example-:example.org:89:89:${org}:-::
+stray.example-:gone.example:89:89:${home}/domains/gone.example:-::
=root:alias:7790:2108:/var/qmail/alias:-:root:
.
+late.example-:example.org:89:89:${org}:-::
`
  const linked = { ...files, [`${home}/domains/alias.example/vpasswd`]: 'alice:x:1:0:::\n' }
  const disk = fakeDisk({ ...linked, '/var/qmail/users/assign': assign })
  const plan = planImport(await readVpopmail(disk, { home, assign: '/var/qmail/users/assign' }))
  expect(plan.domainAliases).toEqual([{ name: 'alias.example', domain: 'example.org' }])
  expect(plan.domains.map(({ name }) => name)).not.toContain('alias.example')
  expect(plan.doubts).toContain('stray.example: means gone.example, which is no domain there')
  const accounts = memoryAccounts()
  await carryOut(accounts, plan)
  expect(await accounts.findDomainAlias('alias.example')).toMatchObject({ domain: 'example.org' })
})

test('so do the tables of its dump, and what the folders of the same domains add', async () => {
  const { accounts, lines } = await imported({ dump: '/dump.sql' })
  expect(lines).toEqual([
    'domain empty.example catch-all=bounce over-quota=reject',
    'domain example.net catch-all=bounce over-quota=reject max-users=7 max-aliases=5 quota=104857600S',
    'alias team@example.net amy@example.net x@far.test',
  ])
  expect(await accounts.find('amy@example.net')).toMatchObject({
    passwordHash: md5,
    quota: { bytes: 5_000_000 },
    flags: new Set(['no-pop']),
  })
  const both = await imported({ dump: '/dump.sql', home })
  expect(both.lines).toContain(
    'domain example.net catch-all=delete over-quota=reject max-users=7 max-aliases=5 quota=104857600S',
  )
})

test('a dump may have a table of users for each domain, and catch-alls among its aliases', async () => {
  const columns = 'pw_name, pw_passwd, pw_uid, pw_gid, pw_gecos, pw_dir, pw_shell'
  const text = `INSERT INTO dir_control (domain) VALUES ('my-own.example');
INSERT INTO example_org (${columns}) VALUES ('alice','${md5}',0,0,'','${org}/alice','');
INSERT INTO my_own_example (${columns}) VALUES ('zoe','${md5}',0,0,'','','');
INSERT INTO users (${columns}) VALUES ('nobody','${md5}',0,0,'','/home/vpopmail/users/nobody','');
INSERT INTO valias (alias, domain, valias_line) VALUES ('default','example.org','&zoe@my-own.example'),
  ('list-default','example.org','&alice@example.org');
`
  const disk = fakeDisk({
    '/dump.sql': text,
    [`${org}/.qmail-default`]: `${vdelivermail} delete\n`,
  })
  const read = await readVpopmail(disk, { dump: '/dump.sql', home })
  const { domains, users, doubts } = planImport(read)
  expect(users.map(({ user }) => user)).toEqual(['zoe@my-own.example', 'alice@example.org'])
  expect(domains[1]).toMatchObject({ name: 'example.org', catchAll: { to: 'zoe@my-own.example' } })
  expect(doubts).toEqual([
    '/dump.sql: rows of users that name no domain: 1',
    'list-default@example.org: is for list-ANYTHING there, here for that one address',
  ])
})

/**
 * Of MariaDB 10.11's mysqldump --routines, --databases; the second with --compatible=ansi, --default-character-set=latin1
 * and --skip-extended-insert too. In them are a trigger, a view and a procedure that names these tables, and bytes of pictures.
 */
test.each([
  ['vpopmail-dump.sql', '\u30e1\u30fc\u30eb@far.test'],
  ['vpopmail-dump-latin1.sql', '???@far.test'],
])('what the real mysqldump wrote is what the tables had: %s', async (name, japanese) => {
  const at = new URL(`../../test/fixtures/formats/${name}`, import.meta.url)
  const read = await readVpopmail(fakeDisk({ '/dump.sql': readFileSync(at) }), {
    dump: '/dump.sql',
  })
  const { users, doubts } = planImport(read)
  const accounts = memoryAccounts()
  await carryOut(accounts, planImport(read))
  expect(users.map(({ user, passwordHash }) => [user, passwordHash])).toEqual([
    ['amy@example.org', '*'],
    ["o'neil@example.org", md5],
  ])
  expect(await Array.fromAsync(domainLines(accounts))).toEqual([
    'domain example.org catch-all=bounce over-quota=reject',
    'domain-alias example.net example.org',
    `alias büro@example.org amy@example.org ${japanese}`,
    'alias last@example.org amy@example.org',
    'alias team@example.org amy@example.org zoë@far.test',
  ])
  expect(doubts).toEqual([
    expect.stringContaining('without the home'),
    `team@example.org: the line "|/bin/x '; \\\\" has no counterpart here`,
  ])
})

test('addresses in .qmail files may be UTF-8, or Latin-1', async () => {
  const disk = fakeDisk({
    [`${org}/.qmail-one`]: '&zoë@far.test\n',
    [`${org}/.qmail-two`]: Buffer.from('&zoë@far.test\n', 'latin1'),
  })
  const { aliases } = planImport(await readVpopmail(disk, { home }))
  expect(aliases.map(({ targets }) => targets)).toEqual([['zoë@far.test'], ['zoë@far.test']])
})

test('a line of valias by which Dovecot keeps a copy of what is forwarded is the mailbox', async () => {
  const lda = '|/var/qmail/bin/preline -f /usr/local/dovecot/libexec/dovecot/deliver -d $EXT@$USER'
  const text = `INSERT INTO valias (valias_type, alias, domain, valias_line, copy) VALUES
    (1,'alice','example.org','bob@far.test',1),(0,'alice','example.org','${lda}',0),
    (0,'carol','example.org','${lda}; rm x',0),(0,'carol','example.org','&dave@far.test',0);`
  const read = await readVpopmail(fakeDisk({ '/dump.sql': text }), { dump: '/dump.sql' })
  const { aliases, doubts } = planImport(read)
  expect(aliases).toEqual([
    { address: 'alice@example.org', targets: ['bob@far.test', 'alice@example.org'] },
    { address: 'carol@example.org', targets: ['dave@far.test'] },
  ])
  expect(doubts.slice(1)).toEqual([
    'alice@example.org: Dovecot stores it there, and may run Sieve; here nothing runs it',
    `carol@example.org: the line "${lda}; rm x" has no counterpart here`,
  ])
})

test('once more it changes what has changed, and keeps what was made here', async () => {
  const { plan } = await imported({ home })
  const accounts = memoryAccounts()
  const variables = new Map([['DATABYTES', '0']])
  await accounts.add({ user: 'alice@example.org', passwordHash: md5, scram: 'keys', variables })
  await accounts.add({ user: 'bob@example.org', passwordHash: '*', scram: 'keys', variables })
  await carryOut(accounts, plan)
  await carryOut(accounts, plan)
  const alice = { passwordHash: md5, scram: 'keys', variables, quota: {} }
  expect(await accounts.find('alice@example.org')).toMatchObject(alice)
  expect(await accounts.find('bob@example.org')).not.toHaveProperty('scram')
  expect(await accounts.find('bob@example.org')).toMatchObject({ passwordHash: md5, variables })
})

test('a catch-all that is a program bounces, and is told', async () => {
  const disk = fakeDisk({ [`${net}/.qmail-default`]: '| /usr/bin/procmail\n' })
  const plan = planImport(await readVpopmail(disk, { home }))
  expect(plan.domains).toMatchObject([{ name: 'example.net', catchAll: 'bounce' }])
  expect(plan.doubts).toEqual([expect.stringContaining('unknown addresses bounce')])
})

test('who throws mail away by a comment is told, a whole domain does so here too; an empty file says nothing', async () => {
  const disk = fakeDisk({
    [`${org}/vpasswd`]: `alice:${md5}:1:0:Alice:${org}/alice::\nbob:${md5}:1:0:Bob:${org}/bob::\n`,
    [`${org}/.qmail-default`]: '# delete\n',
    [`${org}/.qmail-gone`]: '#\n',
    [`${org}/alice/.qmail`]: '# delete\n',
    [`${org}/bob/.qmail`]: '',
  })
  const plan = planImport(await readVpopmail(disk, { home }))
  expect(plan.domains).toMatchObject([{ catchAll: 'delete' }])
  expect(plan.doubts).toEqual([
    'gone@example.org: its mail is thrown away there; nothing here does that',
    'alice@example.org: its mail is thrown away there; nothing here does that',
  ])
})

test('a home that is not there is said', async () => {
  await expect(readVpopmail(fakeDisk({}), { home })).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('a dump of something else is said, and makes no domain without a name', async () => {
  const text = "INSERT INTO limits (id, hits) VALUES (1, 2);\nINSERT INTO wp_posts VALUES ('x');\n"
  const disk = fakeDisk({ '/other.sql': text, '/empty.sql': '-- nothing\n' })
  const other = await readVpopmail(disk, { dump: '/other.sql' })
  expect([...other.domains.keys()]).toEqual([])
  expect(other.doubts).toEqual(['/other.sql: rows of limits that name no domain: 1'])
  const { doubts } = await readVpopmail(disk, { dump: '/empty.sql' })
  expect(doubts).toEqual([
    '/empty.sql: holds no rows of vpopmail, valias, limits, dir_control, aliasdomains',
  ])
})
