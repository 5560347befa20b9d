/** Policy tests: files that say which session has which verdict, run on real configurations. */
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { runPolicyTests } from '../../src/rehearsal/run-policy-tests.ts'
import { dialogue, gatewayFolder, runPostern, startGateway } from './started-gateway.ts'
import type { GatewayFolder } from './started-gateway.ts'

let folder: GatewayFolder
afterEach(() => folder.remove())

const yaml = `
listeners:
  - { name: mx, listen: '127.0.0.1:2525' }
  - { name: submission, role: submission, listen: '127.0.0.1:2525' }
plugin_dirs: [../plugins]
thresholds: { tag: 3, quarantine: 10 }
chain:
  - { plugin: lists }
  - { plugin: relay-clients }
  - { plugin: rcpthosts }
  - { plugin: accounts }
  - { plugin: dnsbl, options: { lists: [bl.example], score: 5, threshold: 2 } }
  - { plugin: early-talker }
  - { plugin: spf }
  - { plugin: greylist, options: { retry: 5m } }
  - { plugin: attachments }
  - { plugin: headers, first: true }
  - { plugin: clamav, options: { servers: ['127.0.0.1:1'], infected: quarantine } }
`

const letter = `
  message: |
    From: alice@client.test
    Date: Sat, 21 Nov 2026 12:00:00 +0000
    Message-ID: <1@client.test>

    Hello.
`

async function run(tests: string, rules = '') {
  folder = await gatewayFolder(yaml)
  await folder.write('control/rcpthosts', 'postern.test\n')
  await folder.write('tables/lists', rules)
  await folder.write('tests/own.yaml', tests)
  const { mistakes, results } = await runPolicyTests({
    folder: folder.config,
    files: [join(folder.config, 'tests/own.yaml')],
  })
  const short = (file: string): string => file.slice(folder.config.length + 1)
  return {
    mistakes: mistakes.map(({ line, problem }) => `${line}: ${problem}`),
    differences: results.flatMap(({ file, differences }) =>
      differences.map(({ line, problem }) => `${short(file)}:${line}: ${problem}`),
    ),
    count: results.length,
  }
}

test('the sample configuration passes the tests that come with it', async () => {
  folder = await gatewayFolder()
  const { mistakes, results } = await runPolicyTests({ folder: folder.config })
  expect(mistakes).toEqual([])
  expect(results.length).toBeGreaterThan(3)
  expect(results.flatMap(({ differences }) => differences)).toEqual([])
  expect(await runPostern(['test', '--config', folder.config])).toMatchObject({ code: 0 })
  expect(await runPostern(['check', '--tests', '--config', folder.config])).toMatchObject({
    code: 0,
  })
})

test('the name that a test gives its client leads back to it', async () => {
  const { mistakes, differences } = await run(
    `
- test: the name of the client leads back to it
  client: 192.0.2.66
  client_name: mx.partner.test
  from: alice@client.test
  to: [bob@postern.test]
  dns: { '*.bl.example': none, client.test: none }
  expect:
    rcpt: { code: 550, entry: lists, reason: BLOCKED }
`,
    'block name .partner.test',
  )
  expect(mistakes).toEqual([])
  expect(differences).toEqual([])
})

test('a test gives the DNS, a login, TLS, a time and a message, and sees verdicts, scores and holds', async () => {
  const { mistakes, differences, count } = await run(`
- test: a listed client is tagged, and waits on the greylist
  client: 192.0.2.66
  hello: bad.test
  from: alice@client.test
  to: [bob@postern.test]
  off: [clamav]
  dns:
    66.2.0.192.bl.example: { a: [127.0.0.2], txt: listed }
    client.test: { txt: 'v=spf1 ip4:192.0.2.66 -all' }
  expect:
    connect: 220
    rcpt: { code: 451, entry: greylist }
- test: what SPF refuses is refused
  client: 192.0.2.66
  from: alice@client.test
  to: [bob@postern.test]
  dns:
    '*.bl.example': none
    client.test: { txt: 'v=spf1 -all' }
  expect:
    rcpt: { code: 550, entry: spf, status: 5.7.23 }
- test: who logs in may send anywhere, by TLS
  listener: submission
  tls: true
  login: bob
  from: bob@postern.test
  to: [someone@elsewhere.test, other@elsewhere.test]
  off: [clamav]
  dns: { '*.bl.example': none, postern.test: { txt: 'v=spf1 -all' } }
  ${letter.trim()}
  expect:
    auth: 235
    rcpt: { code: 250, entry: relay-clients }
    final: { code: 250, status: 2.0.0 }
    quarantined: false
    header: ['Message-ID: <1@client.test>']
`)
  expect(mistakes).toEqual([])
  expect(differences).toEqual([])
  expect(count).toBe(3)
})

test('what differs is said with its line, and what was asked and is not given is a failure', async () => {
  const { differences } = await run(`
- test: nobody gives the DNS
  from: alice@client.test
  to: [bob@postern.test]
  dns: { client.test: none }
  expect: { mail: 250 }
- test: a scanner is not there
  from: ''
  to: [bob@postern.test]
  off: [greylist, spf, dnsbl]
  ${letter.trim()}
  expect:
    message:
      code: 550
      reason: FAULT
- test: much is otherwise
  from: ''
  to: [bob@postern.test]
  off: [greylist, spf, dnsbl, clamav]
  ${letter.trim()}
  expect:
    hello: { code: 550, entry: badhelo }
    message: { code: 250, status: 2.6.0 }
    quarantined: true
    auth: 235
    header: ['X-Spam-Flag: YES']
`)
  expect(differences).toEqual([
    expect.stringContaining('own.yaml:2: the DNS was asked for addresses of 7.100.51.198.bl.ex'),
    expect.stringContaining('own.yaml:2: a fault: dnsbl'),
    expect.stringContaining('own.yaml:7: an entry connects to 127.0.0.1:1'),
    expect.stringContaining('own.yaml:7: a fault: clamav'),
    expect.stringContaining('own.yaml:18: message: expected code 550; it was 451 4.3.0'),
    expect.stringContaining('own.yaml:32: hello: expected code 550, entry badhelo; it was 250'),
    expect.stringContaining('own.yaml:33: message: expected status 2.6.0; it was 250 2.0.0'),
    expect.stringContaining('own.yaml:34: it is not quarantined'),
    expect.stringContaining('own.yaml:35: auth was not reached; the last reply was 250 2.0.0'),
    expect.stringContaining('own.yaml:36: the header has no X-Spam-Flag: YES'),
  ])
})

test('mistakes in a test file are named with their lines, and nothing is run', async () => {
  const { mistakes, count } = await run(`
- test: a
  sender: x
  expect: { rctp: 250 }
- { from: '', expect: { rcpt: yes, header: [x] } }
- { test: b, dns: { a.test: { mx: mx.a.test } }, expect: { final: 250 } }
- { test: c, message_file: none.eml, expect: { final: 250 } }
`)
  expect(count).toBe(0)
  expect(mistakes).toEqual([
    '3: is not an option',
    expect.stringMatching(/^4: is not a key/),
    '5: is missing',
    expect.stringContaining('5: '),
    '5: is not a field',
    "6: 'mx.a.test' is no MX record",
    '7: none.eml cannot be read: there is no such file',
  ])
})

test(
  'a reload is refused while a test of the policy fails, where the configuration says so, and so is a start',
  { timeout: 60_000 },
  async () => {
    const base = yaml.replace(/ {2}- \{ plugin: (?!rcpthosts|relay|accounts).*\n/g, '')
    folder = await gatewayFolder(`${base}policy_tests: { on_reload: refuse }\n`)
    await folder.write('control/rcpthosts', 'postern.test\nother.test\n')
    await folder.write(
      'tests/sample.yaml',
      "- { test: other.test is ours, from: '', to: [a@other.test], expect: { rcpt: 250 } }\n",
    )
    const gateway = await startGateway(folder)
    const to = ['MAIL FROM:<>', 'RCPT TO:<a@other.test>', 'QUIT']
    try {
      const written = await folder.read('postern.yaml')
      await folder.write('postern.yaml', written.replace('plugin: rcpthosts', 'plugin: relayrej'))
      await gateway.seen('other.test is ours: rcpt of a@other.test: expected code 250')
      const replies = await dialogue(gateway.port, ['EHLO client.test', ...to])
      expect(replies.at(-2)).toMatch(/^250 /)
    } finally {
      expect(await gateway.stop()).toBe(0)
    }
    const { code, stderr, stdout } = await runPostern(['start', '--config', folder.config])
    expect(code).toBe(1)
    expect(`${stdout}${stderr}`).toContain('expected code 250')
    expect(await runPostern(['test', '--config', folder.config])).toMatchObject({ code: 1 })
  },
)
