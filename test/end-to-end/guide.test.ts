/**
 * The set-up that guides to qmail end in, walked through client by client: limits of tcpserver, early talkers, DNS lists,
 * greylisting, MFCHECK, MAXRCPT, RELAYREJ, SPF and validrcptto, with tcp.smtp rules above them; the DNS is real, and ours.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildCdb } from '../../src/formats/cdb-writer.ts'
import { arrive, session } from './front-door-client.ts'
import { nameServer, type NameServer } from './name-server.ts'
import {
  checkout,
  delivered,
  gatewayFolder,
  printed,
  runPostern,
  startGateway,
  type StartedGateway,
} from './started-gateway.ts'

const zones = {
  'partner.example': {
    MX: ['10 mx.partner.example'],
    TXT: ['v=spf1 ip4:203.0.113.0/24 ip4:198.18.7.0/24 -all'],
  },
  'strict.example': { A: ['203.0.113.80'], TXT: ['v=spf1 ip4:203.0.113.80 -all'] },
  'lame.example': 'fails',
  'spfless.example': { MX: ['10 mx.spfless.example'] },
  '99.100.51.198.zen.test': { A: ['127.0.0.2'], TXT: ['Listed, see http://zen.test/'] },
  '77.113.0.203.in-addr.arpa': { PTR: ['mail.friend.example'] },
  'mail.friend.example': { A: ['203.0.113.77'] },
  // Whoever owns an address may give it any name.
  '78.113.0.203.in-addr.arpa': { PTR: ['mail.friend.example'] },
} as const

const yaml = (dnsPort: number): string => `
listeners:
  - name: mx
    listen: 127.0.0.1:2525
    proxy_protocol: { networks: [127.0.0.1] }
    max_connections: 30
    max_connections_per_address: 2
    max_connections_per_network: 5
    limit_texts:
      address: qmail.example.com Too many connections from your IP.
      network: qmail.example.com Too many connections from your network.
receiver:
  greeting: qmail.example.com NO UCE
  max_recipients: 100
  log_mail: true
  log_rcpt: true
dns: { servers: ['127.0.0.1:${dnsPort}'] }
chain:
  - plugin: early-talker
    options: { refuse: false }
  - plugin: relay-clients
  - plugin: trusted-hops
    options: { networks: [198.18.9.9] }
  - plugin: rcpthosts
  - plugin: one-password
  - plugin: dnsbl
    options: { lists: [zen.test, spamcop.test], self_test: false, refuse: defer }
  - plugin: mfcheck
    options: { level: '3' }
  - plugin: relayrej
  - plugin: spf
    options: { level: '3', log: true, block_plus_all: true }
  - plugin: validrcptto
    options: { log: 2 }
  - plugin: greylist
    options: { key: network, hold: 0s }
plugin_dirs: [../plugins, '${join(checkout, 'test/fixtures/plugins')}']
delivery: { maildirs: ../var/mail }
`

const rules = [
  '127.0.0.1:allow,RELAYCLIENT="",RBLSMTPD=""',
  '10.:allow,RELAYCLIENT="",RBLSMTPD=""',
  '192.0.2.66:deny,DIEMSG="421 qmail.example.com Service temporarily unavailable"',
  '203.0.113.5:allow,DROP_PRE_GREET="1",GREETDELAY="30"',
  '198.51.100.99:allow,ALLOW_INSECURE_AUTH="1"',
  '=.friend.example:allow,JGREYLIST="",MAXCONNIP="1"',
  ':allow',
]

let dns: NameServer
let gateway: StartedGateway

beforeAll(async () => {
  dns = await nameServer(zones)
  const folder = await gatewayFolder(yaml(dns.port))
  await folder.write('control/me', 'qmail.example.com\n')
  await folder.write('control/locals', 'qmail.example.com\nexample.com\n')
  await folder.write('control/rcpthosts', 'qmail.example.com\nexample.com\n')
  await folder.write('tcp.smtp', `${rules.join('\n')}\n`)
  const people = ['bob@example.com', 'list-default@example.com', 'postmaster@example.com'].map(
    (key) => [Buffer.from(key), new Uint8Array()] as const,
  )
  await writeFile(join(folder.config, 'control/validrcptto.cdb'), buildCdb(people))
  gateway = await startGateway(folder)
})

afterAll(async () => {
  await gateway.stop()
  dns.close()
  await gateway.folder.remove()
})

const hello = 'EHLO client.test'
const talk = (address: string, ...commands: readonly string[]): ReturnType<typeof session> =>
  session(gateway.port, address, [hello, ...commands])
/** The last reply. */
const last = async (...args: Parameters<typeof talk>): Promise<string> =>
  (await talk(...args)).at(-1) ?? ''
const mailFrom = (sender: string): string => `MAIL FROM:<${sender}>`
const to = (recipient: string): string => `RCPT TO:<${recipient}>`
const ask = (address: string, sender: string, recipient: string): Promise<string> =>
  last(address, mailFrom(sender), to(recipient))

describe('before the greeting', () => {
  test('a client hears who answers', async () => {
    const [greeting] = await talk('203.0.113.10')
    expect(greeting).toBe('220 qmail.example.com NO UCE ESMTP')
  })

  test('a client that a rule denies is sent away in the rule’s words', async () => {
    const client = arrive(gateway.port, '192.0.2.66')
    expect(await client.reply()).toBe('421 4.7.1 qmail.example.com Service temporarily unavailable')
    expect(await client.reply()).toBe('')
  })

  test('an early talker is refused at once, though its greeting would have come in half a minute', async () => {
    const client = arrive(gateway.port, '203.0.113.5', 'EHLO spam.example\r\n')
    expect(await client.reply()).toBe('554 5.5.1 SMTP protocol violation')
    expect(await client.reply()).toBe('')
  })

  test('the third connection from one address is told so, and the sixth from one network', async () => {
    const from = (last: number) => arrive(gateway.port, `192.0.2.${last}`)
    const addresses = [1, 1, 1, 2, 3, 4, 5]
    const clients = []
    for (const address of addresses) {
      const client = from(address)
      clients.push({ client, greeting: await client.reply() })
    }
    expect(clients.map(({ greeting }) => greeting)).toEqual([
      expect.stringMatching(/^220 /),
      expect.stringMatching(/^220 /),
      '421 4.7.0 qmail.example.com Too many connections from your IP.',
      expect.stringMatching(/^220 /),
      expect.stringMatching(/^220 /),
      expect.stringMatching(/^220 /),
      '421 4.7.0 qmail.example.com Too many connections from your network.',
    ])
    await Promise.all(clients.map(({ client }) => client.leave()))
  })

  test('a client whose name leads back to it gets the rule for its name, and its limit', async () => {
    const friend = arrive(gateway.port, '203.0.113.77')
    expect(await friend.reply()).toMatch(/^220 /)
    const second = arrive(gateway.port, '203.0.113.77')
    expect(await second.reply()).toMatch(/^421 4\.7\.0 /)
    await Promise.all([friend.leave(), second.leave()])
    expect(await ask('203.0.113.77', 'a@partner.example', 'bob@example.com')).toMatch(
      /^250 2\.1\.5/,
    )
  })

  test('one that only claims the name gets none of it', async () => {
    const impostor = await ask('203.0.113.78', 'a@partner.example', 'bob@example.com')
    expect(impostor).toBe('451 4.7.1 Greylisted, please try again later')
  })

  test('no name is looked up for a client whose address has a rule', async () => {
    await talk('198.51.100.99')
    expect(dns.questions).toContain('PTR 77.113.0.203.in-addr.arpa')
    expect(dns.questions).not.toContain('PTR 99.100.51.198.in-addr.arpa')
  })
})

describe('who sends, and for whom', () => {
  test('a listed client hears so at RCPT in the list’s words, for now', async () => {
    const replies = await talk(
      '198.51.100.99',
      mailFrom('a@partner.example'),
      to('bob@example.com'),
    )
    expect(replies.slice(2)).toEqual([
      expect.stringMatching(/^250 2\.1\.0/),
      '451 4.7.1 Listed, see http://zen.test/',
    ])
  })

  test('a listed client can still write to postmaster, once it has come back', async () => {
    const replies = await talk(
      '198.51.100.99',
      mailFrom('a@spfless.example'),
      to('postmaster@example.com'),
      to('bob@example.com'),
      to('Postmaster@example.com'),
    )
    expect(replies.slice(3)).toEqual([
      '451 4.7.1 Greylisted, please try again later',
      '451 4.7.1 Listed, see http://zen.test/',
      expect.stringMatching(/^250 2\.1\.5/),
    ])
  })

  test('a login saves a listed client, and lets it send anywhere', async () => {
    const login = `AUTH PLAIN ${Buffer.from('\0alice\0secret').toString('base64')}`
    const replies = await talk(
      '198.51.100.99',
      login,
      mailFrom('alice@partner.example'),
      to('anybody@elsewhere.example'),
    )
    expect(replies.slice(2)).toEqual([
      expect.stringMatching(/^235 2\.7\.0/),
      expect.stringMatching(/^250 2\.1\.0/),
      expect.stringMatching(/^250 2\.1\.5/),
    ])
  })

  test.each([
    ['a@nowhere.example', '550 5.7.1 sorry, your envelope sender domain must exist'],
    ['a@lame.example', '451 4.3.0 DNS temporary failure'],
  ])('the sender %s is refused at MAIL (MFCHECK)', async (sender, reply) => {
    expect(await last('203.0.113.10', mailFrom(sender))).toBe(reply)
  })

  test('a domain that others may not send for is refused at RCPT (SPFBEHAVIOR=3)', async () => {
    expect(await ask('203.0.113.10', 'a@strict.example', 'bob@example.com')).toBe(
      '550 5.7.23 SPF says fail for strict.example from 203.0.113.10',
    )
  })

  test.each([
    ['other.example!bob@example.com', "550 5.7.1 we don't relay"],
    ['bob%other.example@example.com', "550 5.7.1 we don't relay"],
    ['bob@elsewhere.example', expect.stringMatching(/^550 5\.(?:7\.1|1\.1) /)],
    ['nobody@example.com', '550 5.1.1 sorry, this recipient is not in my validrcptto list'],
  ])('the recipient %s is refused', async (recipient, reply) => {
    expect(await ask('203.0.113.11', 'a@partner.example', recipient)).toEqual(reply)
  })

  test('the tenth recipient that does not exist ends the session', async () => {
    const recipients = Array.from({ length: 10 }, (_, index) => to(`guess${index}@example.com`))
    const replies = await talk('203.0.113.12', mailFrom('a@partner.example'), ...recipients)
    expect(replies.at(-2)).toMatch(/^550 5\.1\.1 /)
    expect(replies.at(-1)).toBe('421 4.3.0 too many invalid addresses, goodbye')
  })

  test('a relay client sends anywhere, unasked by lists, SPF, validrcptto and greylist', async () => {
    const replies = await talk(
      '10.1.2.3',
      mailFrom('root@strict.example'),
      to('anybody@elsewhere.example'),
      to('nobody@example.com'),
    )
    expect(replies.slice(2)).toEqual(replies.slice(2).map(() => expect.stringMatching(/^250 /)))
  })

  test('the hundred and first recipient is for another transaction (MAXRCPT)', async () => {
    const recipients = Array.from({ length: 101 }, (_, index) => to(`r${index}@elsewhere.example`))
    const replies = await talk('10.1.2.4', mailFrom('root@partner.example'), ...recipients)
    expect(replies.at(-2)).toMatch(/^250 2\.1\.5/)
    expect(replies.at(-1)).toMatch(/^452 4\.5\.3 /)
  })

  test('a stranger comes back later, and its mail arrives with all that was found out', async () => {
    const attempt = [mailFrom('a@partner.example'), to('list-42@example.com')]
    expect(await last('198.18.7.1', ...attempt)).toBe(
      '451 4.7.1 Greylisted, please try again later',
    )
    const replies = await talk('198.18.7.2', ...attempt, 'DATA', 'Subject: hello\r\n\r\ntext\r\n.')
    expect(replies.at(-1)).toMatch(/^250 2\.0\.0 /)
    const [mail] = await delivered(gateway.folder, ['list-42', 'example.com'])
    expect(mail).toMatch(/^Received: from client\.test \(unknown \[198\.18\.7\.2\]\)/m)
    expect(mail).toMatch(/^Received-SPF: pass /m)
  })
})

test('what a backup MX brings is judged by who sent it there, whatever else the mail claims', async () => {
  const received = [
    'from innocent (mx.partner.example [203.0.113.1]) by mx2.example.com with ESMTP',
    'from liar (unknown [198.51.100.99]) by mx2.example.com with ESMTP',
  ].toReversed()
  const mail = [...received.map((value) => `Received: ${value}`), 'Subject: late', '', 'text', '.']
  const replies = await talk(
    '198.18.9.9',
    mailFrom('a@partner.example'),
    to('list-hop@example.com'),
    'DATA',
    mail.join('\r\n'),
  )
  expect(replies.at(-1)).toMatch(/^250 2\.0\.0 /)
  const [message] = await delivered(gateway.folder, ['list-hop', 'example.com'])
  expect(message).toMatch(/^Received-SPF: fail .*198\.51\.100\.99/ms)
  const trace = await printed(['trace', 'last', '--config', gateway.folder.config], 'ORIGIN_CLIENT')
  expect(trace).toContain('DNS_LISTED')
})

describe('afterwards', () => {
  test('the log has what the qmail world looks for in it', () => {
    const log = gateway.stderr()
    for (const event of [
      'early-talker.spoke',
      'mfcheck.answered',
      'spf.answered',
      'validrcptto.asked',
      'validrcptto.excessive',
      'mail.taken',
      'rcpt.asked',
    ]) {
      expect(log).toContain(`"${event}"`)
    }
  })

  test('postern env tells which rule a client had', async () => {
    const { stdout } = await runPostern([
      'env',
      '203.0.113.77',
      '--host',
      'mail.friend.example',
      '--config',
      gateway.folder.config,
    ])
    expect(stdout).toContain('tcp.smtp:6)')
    expect(stdout).toContain('MAXCONNIP=1\n    listener.max_connections_per_address')
  })
})
