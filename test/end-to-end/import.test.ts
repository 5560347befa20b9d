/**
 * An installation as guides to qmail end in it (test/fixtures/qmail-guide: control files, a long run script, rules, aliases,
 * a vpopmail, cron jobs) taken over, and walked through client by client: what each hears is what qmail-smtpd, rblsmtpd,
 * jgreylist and tcpserver told it.
 */
import { chmod, cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildCdb } from '../../src/formats/cdb-writer.ts'
import { compileTcpRules, parseTcpRules } from '../../src/formats/tcprules.ts'
import { arrive, session } from './front-door-client.ts'
import { nameServer, type NameServer } from './name-server.ts'
import {
  checkout,
  delivered,
  eventually,
  runPostern,
  startGateway,
  type GatewayFolder,
  type Run,
  type StartedGateway,
} from './started-gateway.ts'

const testEntry = { A: ['127.0.0.2'], TXT: ['test entry'] }
const zones = {
  'partner.example': { MX: ['10 mx.partner.example'], TXT: ['v=spf1 ip4:203.0.113.0/24 -all'] },
  'strict.example': { A: ['203.0.113.80'], TXT: ['v=spf1 ip4:203.0.113.80 -all'] },
  'lame.example': 'fails',
  '2.0.0.127.zen.spamhaus.org': testEntry,
  '2.0.0.127.bl.spamcop.net': testEntry,
  '99.100.51.198.zen.spamhaus.org': { A: ['127.0.0.4'], TXT: ['Listed, see http://zen.test/'] },
  '77.2.0.192.zen.spamhaus.org': { A: ['127.0.0.4'] },
} as const

let root: string
let tree: string
let dns: NameServer

beforeAll(async () => {
  dns = await nameServer(zones)
  root = await mkdtemp(join(tmpdir(), 'postern-guide-'))
  await cp(join(checkout, 'test/fixtures/qmail-guide'), root, { recursive: true })
  tree = join(root, 'var/qmail')
  const rules = parseTcpRules(await readFile(join(root, 'etc/tcp.smtp')))
  await writeFile(join(root, 'etc/tcp.smtp.cdb'), compileTcpRules(rules))
  const valid = ['bob@example.com', 'postmaster@example.com', 'list-default@example.com']
  const none = new Uint8Array()
  const control = join(tree, 'control')
  await writeFile(
    join(control, 'validrcptto.cdb'),
    buildCdb(valid.map((each) => [Buffer.from(each), none] as const)),
  )
  const [, hash = ''] =
    /^bob:([^:]*):/.exec(
      await readFile(join(root, 'home/vpopmail/domains/example.com/vpasswd'), 'utf8'),
    ) ?? []
  const logins = buildCdb([[Buffer.from('bob@example.com'), Buffer.from(hash)]])
  await writeFile(join(control, 'auth.cdb'), logins, { mode: 0o640 })
})

afterAll(async () => {
  dns.close()
  await rm(root, { recursive: true, force: true })
})

/** Clients come with any address, DNS is ours, and no clamd or spamd runs here. */
async function forTest(config: string): Promise<void> {
  const path = join(config, 'postern.yaml')
  const yaml = (await readFile(path, 'utf8'))
    .replace(
      /^( +)listen: .*$/m,
      '$1listen: 127.0.0.1:0\n$1proxy_protocol: { networks: [127.0.0.1] }',
    )
    .replace('max_load: 1.5', 'max_load: 1000')
    .replace(
      'client_names: confirmed',
      `client_names: confirmed\n  servers: ['127.0.0.1:${dns.port}']`,
    )
    .replaceAll(/ {2}- plugin: (clamav|spamassassin) /g, '  - plugin: $1\n    mode: off ')
  await writeFile(path, yaml)
}

function folderAt(config: string): GatewayFolder {
  return {
    root: join(config, '..'),
    config,
    write: (path, text) => writeFile(join(config, path), text),
    read: (path) => readFile(join(config, path), 'utf8'),
    remove: () => rm(join(config, '..'), { recursive: true, force: true }),
  }
}

/** Every file of a folder, with its bytes and its times. */
async function stateOf(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder, { recursive: true })
  const states = names.toSorted().map(async (name) => {
    const { mtimeMs, mode, size } = await stat(join(folder, name))
    return `${name} ${mtimeMs} ${mode} ${size}`
  })
  return Promise.all(states)
}

interface Fact {
  readonly outcome: string
  readonly what: string
  readonly source: string
}

describe('postern import', () => {
  let config: string
  let run: Run
  let gateway: StartedGateway
  let before: readonly string[]

  beforeAll(async () => {
    config = join(root, 'new/config')
    before = await stateOf(tree)
    run = await runPostern(['import', tree, '--to', config, '--shift-ports', '12000', '--json'])
  })

  afterAll(async () => {
    await gateway.stop()
  })

  const facts = (outcome: string): readonly string[] => {
    const { facts: all } = JSON.parse(run.stdout) as { readonly facts: readonly Fact[] }
    return all.filter((fact) => fact.outcome === outcome).map(({ what }) => what)
  }

  test('reads the whole of it, finds nothing dangerous, and nothing that it does not know', () => {
    expect(run.code).toBe(0)
    expect(facts('dangerous')).toEqual([])
    expect(facts('unsupported')).toEqual(['NOP0FCHECK=1'])
    expect(facts('mapped').length).toBeGreaterThan(25)
  })

  test('says what becomes of each cron job', () => {
    expect(facts('difference').filter((what) => what.startsWith('cron job'))).toHaveLength(5)
  })

  test('makes a configuration that check finds right', async () => {
    const check = await runPostern(['check', '--config', config])
    expect(`${check.stdout}${check.stderr}`).toContain('The configuration is right')
    expect(check.code).toBe(0)
  })

  test('never writes over a folder, unless it is told to', async () => {
    const again = await runPostern(['import', tree, '--to', config])
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('is not empty') })
    expect(await runPostern(['import', tree, '--to', join(tree, 'new')])).toMatchObject({ code: 1 })
    const forced = await runPostern([
      'import',
      tree,
      '--to',
      config,
      '--force',
      '--shift-ports',
      '12000',
    ])
    expect(forced.code).toBe(0)
    expect(forced.stdout).toContain('Not supported: 1 fact')
  })

  test('leaves the installation as it was', async () => {
    expect(await stateOf(tree)).toEqual(before)
  })

  test('and the gateway starts with it', async () => {
    await forTest(config)
    gateway = await startGateway(folderAt(config))
    expect(gateway.stdout()).toContain('greylist')
  })

  walk(() => gateway)

  test('no password is taken in the clear, and a user of the vpopmail gets mail', async () => {
    const login = `AUTH PLAIN ${Buffer.from('\0bob@example.com\0secret').toString('base64')}`
    const [, ehlo, refused] = await session(gateway.port, '198.18.0.1', ['EHLO c.test', login])
    expect(ehlo).not.toContain('AUTH')
    expect(refused).toMatch(/^5/)
    const text = 'Subject: hello\r\n\r\ntext\r\n.'
    const commands = ['MAIL FROM:<root@partner.example>', 'RCPT TO:<bob@example.com>', 'DATA', text]
    const replies = await session(gateway.port, '192.0.2.1', ['EHLO c.test', ...commands])
    expect(replies.at(-1)).toMatch(/^250 2\.0\.0 /)
    const mail = await delivered(gateway.folder, ['bob', 'example.com'])
    expect(mail).toHaveLength(1)
  })
})

describe('postern serve-tree', () => {
  let config: string
  let gateway: StartedGateway
  let before: readonly string[]

  test('makes a configuration beside the tree that check finds right, and starts', async () => {
    before = await stateOf(tree)
    const state = join(root, 'state')
    config = join(state, 'config')
    const args = ['serve-tree', tree, '--state', state, '--shift-ports', '13000', '--prepare']
    expect(await runPostern(args)).toMatchObject({ code: 0, stdout: `${config}\n` })
    expect(await runPostern(['check', '--config', config])).toMatchObject({ code: 0 })
    await forTest(config)
    gateway = await startGateway(folderAt(config))
    expect(gateway.port).toBeGreaterThan(0)
  })

  afterAll(async () => {
    await gateway.stop()
  })

  walk(() => gateway)

  test('sees what changes in the tree, and writes nothing there', async () => {
    expect(await stateOf(tree)).toEqual(before)
    await writeFile(join(tree, 'control/badrcptto'), 'bob@\n')
    const ask = ['EHLO c.test', 'MAIL FROM:<a@partner.example>', 'RCPT TO:<bob@example.com>']
    await eventually(async () => {
      const replies = await session(gateway.port, '10.9.9.9', ask)
      return replies.at(-1)?.startsWith('550') === true ? true : undefined
    }, 'a refusal by the new file')
    await rm(join(tree, 'control/badrcptto'))
  })

  test('refuses rules that make an open relay', async () => {
    const rules = ':allow,RELAYCLIENT=""\n'
    const other = join(root, 'open')
    await cp(join(checkout, 'test/fixtures/qmail-guide'), other, { recursive: true })
    await writeFile(
      join(other, 'etc/tcp.smtp.cdb'),
      compileTcpRules(parseTcpRules(Buffer.from(rules))),
    )
    for (const name of ['auth.cdb', 'validrcptto.cdb']) {
      await writeFile(join(other, 'var/qmail/control', name), buildCdb([]))
    }
    await chmod(join(other, 'etc/tcp.smtp.cdb'), 0o644)
    const args = ['serve-tree', join(other, 'var/qmail'), '--state', join(root, 'open-state')]
    const run = await runPostern(args)
    expect(run.code).toBe(1)
    expect(run.stderr).toContain('let everybody relay')
  })
})

/** The clients of the guide; each has a network of its own, so that the greylist meets it anew. */
function walk(gatewayOf: () => StartedGateway): void {
  const talk = (address: string, ...commands: readonly string[]): Promise<readonly string[]> =>
    session(gatewayOf().port, address, ['EHLO client.test', ...commands])
  const ask = async (address: string, sender: string, recipient: string): Promise<string> =>
    (await talk(address, `MAIL FROM:<${sender}>`, `RCPT TO:<${recipient}>`)).at(-1) ?? ''

  test('a client hears the greeting of the run script', async () => {
    const [greeting, ehlo] = await talk('203.0.113.10')
    expect(greeting).toBe('220 qmail.example.com NO UCE ESMTP')
    expect(ehlo).toContain('STARTTLS')
    expect(ehlo).not.toContain('AUTH')
  })

  test('one that a rule denies is told to go, and is gone', async () => {
    const client = arrive(gatewayOf().port, '203.0.113.66')
    expect(await client.reply()).toMatch(/^(?:421 4|554 5)\.7\.1 /)
    expect(await client.reply()).toBe('')
  })

  test('an early talker is refused at once (DROP_PRE_GREET)', async () => {
    const client = arrive(gatewayOf().port, '203.0.113.5', 'EHLO spam.example\r\n')
    expect(await client.reply()).toBe('554 5.5.1 SMTP protocol violation')
  })

  test('a listed client sees one line in place of a greeting (rblsmtpd -t0), for now', async () => {
    const client = arrive(gatewayOf().port, '198.51.100.99')
    expect(await client.reply()).toMatch(/^4[25]1 4\.7\.1 Listed, see http:\/\/zen\.test\//)
    expect(await client.reply()).toBe('')
  })

  test('a listed client whose rule has RBLSMTPD="" is not asked about', async () => {
    expect(await ask('192.0.2.77', 'a@partner.example', 'any@elsewhere.example')).toMatch(/^250 /)
  })

  test('the third connection from one address is told so (MAXCONNIP=2)', async () => {
    const clients = [1, 2, 3].map(() => arrive(gatewayOf().port, '192.0.2.9'))
    const greetings = await Promise.all(clients.map((client) => client.reply()))
    const refused = '421 4.7.0 qmail.example.com Too many connections from your IP.'
    expect(greetings.filter((greeting) => greeting === refused)).toHaveLength(1)
    await Promise.all(clients.map((client) => client.leave()))
  })

  test.each([
    ['a@nowhere.example', 'bob@example.com', /^550 5\.7\.1 .*sender domain must exist/],
    ['a@lame.example', 'bob@example.com', /^451 4\.3\.0 DNS temporary failure/],
    ['a@strict.example', 'bob@example.com', /^550 5\.7\.23 /],
    ['a@partner.example', 'bob%x.example@example.com', /^550 5\.7\.1 we don't relay/],
    ['a@partner.example', 'bob@elsewhere.example', /^550 5\.(?:7|1)\.1 /],
    ['a@partner.example', 'nobody@example.com', /^550 5\.1\.1 .*not in my validrcptto list/],
  ])('from %s to %s is refused', async (sender, recipient, reply) => {
    const replies = await talk('203.0.113.20', `MAIL FROM:<${sender}>`, `RCPT TO:<${recipient}>`)
    const refusal = replies.slice(2).find((each) => !each.startsWith('250'))
    expect(refusal).toMatch(reply)
  })

  test('the tenth recipient that does not exist ends the session (VALIDRCPTTO_LIMIT)', async () => {
    const recipients = Array.from({ length: 10 }, (_, index) => `RCPT TO:<no${index}@example.com>`)
    const replies = await talk('203.0.113.21', 'MAIL FROM:<a@partner.example>', ...recipients)
    expect(replies.at(-1)).toBe('421 4.3.0 too many invalid addresses, goodbye')
  })

  test('a stranger is greylisted by its network, for two minutes', async () => {
    expect(await ask('203.0.113.30', 'a@partner.example', 'bob@example.com')).toMatch(
      /^45\d 4\.7\.1 /,
    )
    expect(await ask('203.0.113.31', 'a@partner.example', 'list-x@example.com')).toMatch(
      /^45\d 4\.7\.1 /,
    )
  })

  test('a relay client sends anywhere, a hundred recipients at a time (MAXRCPT=100)', async () => {
    const recipients = Array.from({ length: 101 }, (_, index) => `RCPT TO:<r${index}@else.example>`)
    const replies = await talk('10.1.2.4', 'MAIL FROM:<root@partner.example>', ...recipients)
    expect(replies.at(-2)).toMatch(/^250 2\.1\.5/)
    expect(replies.at(-1)).toMatch(/^452 4\.5\.3 /)
  })
}
