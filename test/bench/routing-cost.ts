/**
 * CPU time of finding a recipient's route: 10,000 users in users/cdb, 1,000 domains in control/virtualdomains, and as
 * many of `postern domain`, with everything that a gateway asks in between; read before, as a gateway has it that works.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { buildCdb } from '../../src/formats/cdb-writer.ts'
import type { Envelope } from '../../src/mail/envelope.ts'
import type { Mailbox } from '../../src/mail/address.ts'
import { nodeAccounts } from '../../src/runtime/node/accounts.ts'
import { systemClock } from '../../src/runtime/node/clock.ts'
import { systemDisk } from '../../src/runtime/node/disk.ts'
import { hostProcess } from '../../src/runtime/node/process.ts'
import { nodePrograms } from '../../src/runtime/node/programs.ts'
import { recordingLog } from '../../src/testkit/recording-log.ts'
import { LocalUsers } from '../../src/tools/local-users.ts'
import { openRouter } from '../../src/tools/open-courier.ts'
import { readOffline } from '../../src/tools/read-offline.ts'

const users = 10_000
const domains = 1_000
const routed = Number(process.env['POSTERN_BENCH_ROUTED'] ?? 40_000)
const aimMicros = 50

type Kind = readonly [name: string, mailbox: (at: number) => Mailbox, transport: string]

const kinds: readonly Kind[] = [
  ['a user of users/cdb', (at) => here(`user${at % users}`), 'local'],
  ['a user with an extension', (at) => here(`user${at % users}-lists-${at}`), 'local'],
  ['nobody’s name: alias', (at) => here(`stranger${at}`), 'local'],
  [
    'an address in a virtual domain',
    (at) => ({ localPart: `info${at}`, domain: `v${at % domains}.test` }),
    'local',
  ],
  [
    'a mailbox of `postern domain`',
    (at) => ({ localPart: `m${at % users}`, domain: domainNamed(at % domains) }),
    'maildir',
  ],
  ['somewhere else', (at) => ({ localPart: 'x', domain: `far${at % 5_000}.example` }), 'smtp'],
]

function here(localPart: string): Mailbox {
  return { localPart, domain: 'here.test' }
}

/** @returns lines to print */
export async function routingFigures(): Promise<readonly string[]> {
  const root = mkdtempSync(join(tmpdir(), 'postern-routing-'))
  const path = join(root, 'accounts.db')
  const accounts = nodeAccounts({ path, clock: systemClock })
  const doors = {
    accounts,
    clock: systemClock,
    disk: systemDisk,
    log: recordingLog(),
    process: hostProcess,
    programs: nodePrograms(systemClock),
  }
  writeFolder(root)
  const configuration = readOffline(root)
  const localUsers = new LocalUsers({ doors, current: () => configuration })
  try {
    await accounts.putDomain({ name: domainNamed(0), catchAll: 'bounce', overQuota: 'defer' })
    await accounts.add({ user: `m0@${domainNamed(0)}`, passwordHash: '*', variables: new Map() })
    copyRows(path)
    const router = openRouter({
      doors,
      current: () => configuration,
      generation: () => ({ entries: [] }),
      users: localUsers,
    })
    const rows: string[] = []
    for (const [name, mailboxOf, transport] of kinds) {
      const measure = async (count: number): Promise<number> => {
        const before = process.cpuUsage()
        for (let at = 0; at < count; at++) {
          const recipient = { mailbox: mailboxOf(at) }
          const route = await router.route(recipient, envelope)
          if (route.transport !== transport) throw new Error(`${name}: ${route.transport}`)
        }
        const { user, system } = process.cpuUsage(before)
        return (user + system) / count
      }
      await measure(routed / 4)
      rows.push(`| ${name} | ${(await measure(routed)).toFixed(1)} |`)
    }
    return [
      `### finding the route of a recipient, CPU µs; aim: below ${aimMicros}`,
      '',
      `| of ${users} users, ${domains} virtual domains, ${domains} mail domains | |`,
      '|---|---|',
      ...rows,
      '',
    ]
  } finally {
    localUsers.close()
    await accounts.close()
    rmSync(root, { recursive: true })
  }
}

const envelope: Envelope = {
  reversePath: null,
  recipients: [],
  bodyType: '7bit',
  smtputf8: false,
  requireTls: false,
}

function domainNamed(at: number): string {
  return `d${at}.test`
}

/** Each by its own door would be a sync each: the first of them is copied, as often as there are to be others. */
function copyRows(path: string): void {
  const database = new DatabaseSync(path)
  database.exec(`
    BEGIN;
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${domains - 1})
      INSERT INTO domains (name, catch_all, over_quota)
      SELECT 'd' || n || '.test', catch_all, over_quota FROM numbers, domains WHERE name = 'd0.test';
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${users - 1})
      INSERT INTO accounts (user, password_hash, variables, created_at, changed_at, domain)
      SELECT 'm' || n || '@d' || (n % ${domains}) || '.test', password_hash, variables, created_at, changed_at,
        'd' || (n % ${domains}) || '.test'
      FROM numbers, accounts WHERE user = 'm0@d0.test';
    COMMIT`)
  database.close()
}

function writeFolder(root: string): void {
  for (const folder of ['control', 'users', 'alias']) mkdirSync(join(root, folder))
  const virtual = Array.from({ length: domains }, (_, at) => `v${at}.test:alias-v${at}\n`)
  const files = {
    'postern.yaml': `
listeners: [{ name: mx, listen: '127.0.0.1:0' }]
delivery: { local: users, alias: alias }
chain: []
`,
    'control/me': 'here.test\n',
    'control/locals': 'here.test\n',
    'control/rcpthosts': 'here.test\n',
    'control/virtualdomains': virtual.join(''),
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text)
  writeFileSync(join(root, 'users/cdb'), buildCdb(assigned()))
}

/** As qmail-newu makes it of a line for each user, one for each user's extensions, and one for alias. */
function* assigned(): Generator<readonly [Uint8Array, Uint8Array]> {
  const value = (user: string, rest: string): Buffer =>
    Buffer.from(`${user}\0${1000}\0${1000}\0/home/${user}\0${rest}\0\0`)
  yield [Buffer.from(''), Buffer.from('-')]
  yield [Buffer.from('!'), value('alias', '-')]
  for (let at = 0; at < users; at++) {
    const user = `user${at}`
    yield [Buffer.from(`!${user}\0`), value(user, '')]
    yield [Buffer.from(`!${user}-`), value(user, '-')]
  }
}
