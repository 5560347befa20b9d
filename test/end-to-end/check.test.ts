/** `postern check`: each class of warnings by a configuration that has it and by the sample, which has none; and the proof. */
import { chmod, chown, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { doubtClasses, type DoubtClass } from '../../src/config/doubt-classes.ts'
import { tlsIdentity } from '../../src/testkit/tls-identity.ts'
import {
  checkout,
  dialogue,
  gatewayFolder,
  runPostern,
  startGateway,
  type GatewayFolder,
} from './started-gateway.ts'

let folder: GatewayFolder

beforeEach(async () => {
  folder = await gatewayFolder()
})
afterEach(() => folder.remove())

async function change(...changes: readonly (readonly [string | RegExp, string])[]): Promise<void> {
  const path = join(folder.config, 'postern.yaml')
  const before = await readFile(path, 'utf8')
  const after = changes.reduce((text, [from, to]) => text.replace(from, to), before)
  await folder.write('postern.yaml', after)
}

const chain = (entry: string) => change(['chain:\n', `chain:\n  - ${entry}\n`])
const check = (...args: readonly string[]) =>
  runPostern(['check', ...args, '--config', folder.config])

interface Said {
  readonly ok: boolean
  readonly warnings: readonly { code: string; problem: string; file: string; line?: number }[]
  readonly silenced: readonly { code: string; reason: string }[]
  readonly mistakes: readonly { problem: string; remedy: string }[]
}

async function said(): Promise<Said> {
  return JSON.parse((await check('--json')).stdout)
}

const plugin = (
  name: string,
  hook: string,
): string => `import { accept, definePlugin } from 'postern/plugin'
export const ${name} = definePlugin({ name: '${name}', vouches: 'local', setup: () => ({ ${hook} }) })
`

async function ownPlugin(name: string, hook: string): Promise<void> {
  await folder.write(`../own/${name}/${name}.ts`, plugin(name, hook))
  await change(['plugin_dirs:\n', 'plugin_dirs:\n  - ../own\n'])
}

/** What makes each class show itself, and what is said then. */
const shows: { readonly [C in DoubtClass]: readonly [make: () => Promise<void>, says: RegExp] } = {
  'open-relay': [
    () => folder.write('tcp.smtp', ':allow,RELAYCLIENT=""\n'),
    /sets RELAYCLIENT for everybody: strangers may relay/,
  ],
  'fails-open': [() => chain('{ plugin: badhelo, name: own, on_fault: pass }'), /fails open/],
  'quarantine-without-retention': [
    () => change([/\nquarantine:\n(?:[ #].*\n)*/, '\n']),
    /kept for ever/,
  ],
  'digest-links': [
    () =>
      change([
        /\nquarantine:\n(?:[ #].*\n)*/,
        "\nquarantine: { max_age: 30d, digest: { to: ['*'], link_base: 'https://mx.test/held' } }\n",
      ]),
    /lead to \/held, and the administration serves \/quarantine/,
  ],
  'public-resolver': [
    async () => {
      await chain('{ plugin: dnsbl, name: lists-of-dns, options: { lists: [zen.example.org] } }')
      await change(['\nlog:', '\ndns: { servers: [127.0.0.1, 8.8.8.8] }\nlog:'])
    },
    /asks DNS lists through 8\.8\.8\.8 \(Google\)/,
  ],
  'unreachable-entry': [
    () =>
      chain('{ plugin: badhelo, name: own, when: { listener: [mx] }, unless: { listener: [mx] } }'),
    /own is never asked: its unless excludes/,
  ],
  'certificate-expires': [
    async () => {
      const { certificate, key } = tlsIdentity(['mx.test'], Date.now() + 10 * 86_400_000)
      await folder.write('tls/mx.pem', certificate)
      await folder.write('tls/mx.key', key)
      await change([
        '    listen: ',
        '    certificate: tls/mx.pem\n    key: tls/mx.key\n    listen: ',
      ])
    },
    /expires on \d{4}-/,
  ],
  'relay-tls': [
    async () => {
      await folder.write('control/smtproutes', 'partner.test:hub.test\n')
      await change(['\ndelivery:\n', '\ndelivery:\n  tls: { partner.test: verify }\n'])
    },
    /does not count for mail to partner\.test: it goes by SMTP to hub\.test/,
  ],
  'no-postmaster': [
    () => folder.write('control/me', 'elsewhere.test\n'),
    /postmaster@elsewhere\.test does not arrive/,
  ],
  'unreadable-file': [
    async () => {
      const spool = join(folder.root, 'var/spool')
      await mkdir(spool, { recursive: true })
      await chown(spool, 12_345, 12_345)
      await folder.write('control/badhelo', 'x\n')
      await chmod(join(folder.config, 'control/badhelo'), 0o600)
    },
    /may not be read by the owner of the spool \(uid 12345\)/,
  ],
  'exposed-file': [
    () => chmod(join(folder.config, 'control'), 0o777),
    /may be written by others than root, and root obeys what is in it/,
  ],
  'stale-cdb': [
    async () => {
      await folder.write('control/morercpthosts', 'one.test\n')
      await runPostern(['cdb', '--config', folder.config])
      await folder.write('control/morercpthosts', 'two.test\n')
    },
    /is stale: it says something else than its text/,
  ],
  'users-assign': [
    async () => {
      await folder.write('users/assign', '=joe:joe:1:1:/home/joe:::\n=ann\n.\n')
      await change([/\n {2}maildirs: .*/, '\n  local: users'])
    },
    /"=ann" cannot stand there; while it does, nothing new in this file counts/,
  ],
  'alias-circle': [
    async () => {
      await folder.write('users/assign', `+:alias:1:1:${folder.config}/alias:-::\n.\n`)
      await folder.write('alias/.qmail-default', '|fastforward -d ../aliases.cdb\n')
      await folder.write('aliases', 'ann: ann, bob\n')
      await change([/\n {2}maildirs: .*/, '\n  local: users'])
    },
    /leads back to itself \(ann -> ann\)/,
  ],
  'no-rules': [
    () => change(['\nlog:', '\ntcp_rules: no-such-rules\nlog:']),
    /is missing: every client/,
  ],
  'useless-rule': [() => folder.write('tcp.smtp', ':allow,DATABYTES="much"\n'), /DATABYTES/],
  'control-file': [() => folder.write('control/concurrencylocal', 'many\n'), /'many'/],
  chain: [() => change([/\nchain:\n(?:(?:[ #].*)?\n)*/, '\nchain: []\n']), /no entry vouches/],
  entry: [() => chain('{ plugin: auth-cdb, name: own }'), /./],
}

test('a file where a folder of the gateway is to be is a mistake with its key', async () => {
  await folder.write('some-file', '')
  await change([/\ntls:\n {2}path: .*/, '\ntls:\n  path: some-file'])
  const { ok, mistakes } = await said()
  expect(ok).toBe(false)
  expect(mistakes).toMatchObject([
    { key: 'tls.path', problem: expect.stringMatching(/some-file is no folder$/) },
  ])
})

describe('a class of warnings', () => {
  test('is none that the sample has', async () => {
    expect(await said()).toMatchObject({ ok: true, warnings: [], silenced: [] })
  })

  test.each(
    Object.entries(shows).filter(
      ([code]) => !/^(?:unreadable|exposed)-file$/.test(code) || process.getuid?.() === 0,
    ),
  )('is given where it belongs: %s', async (code, [make, says]) => {
    await make()
    const { warnings } = await said()
    const found = warnings.filter((warning) => warning.code === code)
    expect(found.map(({ problem }) => problem)).toEqual([expect.stringMatching(says)])
    expect(Object.keys(doubtClasses)).toContain(code)
  })

  test('is given of a variable that only an entry which is not there, or off, would read', async () => {
    await folder.write(
      'tcp.smtp',
      '127.:allow,MFCHECK=""\n:allow,MFCHECK="3",MINE="1",RCPTCHECK="x"\n',
    )
    const { warnings } = await said()
    expect(warnings).toMatchObject([
      { code: 'useless-rule', line: 2, remedy: expect.stringMatching(/^postern enable mfcheck/) },
      { code: 'useless-rule', line: 2, problem: 'nobody reads the variable "MINE"' },
      { code: 'useless-rule', line: 2, remedy: expect.stringMatching(/- plugin: rcptcheck/) },
    ])
  })

  test('is given of a certificate that only a rule of tcp.smtp names', async () => {
    const { certificate, key } = tlsIdentity(['mx.test'], Date.now() + 10 * 86_400_000)
    await folder.write('tls/rule.pem', certificate + key)
    await folder.write('tcp.smtp', '127.:allow\n:allow,TLS_SERVER_CERT="tls/rule.pem"\n')
    const file = expect.stringMatching(/tls\/rule\.pem$/)
    expect(await said()).toMatchObject({ warnings: [{ code: 'certificate-expires', file }] })
    if (process.getuid?.() !== 0) return
    await mkdir(join(folder.root, 'var/spool'), { recursive: true })
    await chown(join(folder.root, 'var/spool'), 12_345, 12_345)
    await chmod(join(folder.config, 'tls/rule.pem'), 0o600)
    expect((await said()).warnings).toContainEqual(
      expect.objectContaining({ code: 'unreadable-file', file }),
    )
  })

  test('is not given of a listener or an entry that is there and cannot be read', async () => {
    await folder.write(
      'postern.yaml',
      "listeners: [{ name: mx, listen: '127.0.0.1:0', tls: never }]\n" +
        `chain: [{ plugin: rcpthosts, mode: loud }]\nplugin_dirs: [${join(checkout, 'plugins')}]\n`,
    )
    const { mistakes, warnings } = await said()
    expect(mistakes).toHaveLength(2)
    expect(
      warnings.map(({ problem }) => problem).filter((one) => /none|no entry/.test(one)),
    ).toEqual([])
  })

  test('is an error to those who are strict, and silent for those who say why', async () => {
    await shows['fails-open'][0]()
    expect((await check()).code).toBe(0)
    const strict = await check('--strict')
    expect([strict.code, strict.stdout]).toEqual([1, ''])
    expect(strict.stderr).toMatch(
      /warning: .*postern\.yaml:\d+: .*; .* \[fails-open\]\n1 warning\n$/,
    )
    await change(['\nlog:', '\ncheck: { silence: { fails-open: only a hint here } }\nlog:'])
    const silent = await check('--strict')
    expect([silent.code, silent.stderr]).toEqual([0, ''])
    expect(silent.stdout).toContain('1 warning silenced')
    expect((await said()).silenced).toMatchObject([
      { code: 'fails-open', reason: 'only a hint here' },
    ])
  })

  test('that does not exist, or is silenced without a reason, is a mistake', async () => {
    await change(['\nlog:', '\ncheck: { silence: { fail-open: x, chain: "" } }\nlog:'])
    const { mistakes } = await said()
    expect(mistakes).toMatchObject([
      { problem: 'is no class of warnings', remedy: 'did you mean fails-open?' },
      { problem: 'gives no reason' },
    ])
  })
})

describe('the proof that this is no open relay', () => {
  test('names each entry that vouches, and for whom; the gateway accepts those and nobody else', async () => {
    await folder.write('control/rcpthosts', 'postern.test\n.below.test\n')
    await folder.write('control/morercpthosts', 'more.test\n')
    await runPostern(['cdb', '--config', folder.config])
    await folder.write('tcp.smtp', '127.0.0.2:allow,RELAYCLIENT=""\n:allow\n')
    const { stdout, code } = await check('--relay')
    expect(code).toBe(0)
    expect(stdout).toContain('None accepts a foreign domain without a login or a relay rule.')
    expect(stdout).toContain('RELAYCLIENT for 127.0.0.2')
    const { relay } = JSON.parse((await check('--json')).stdout)
    const domains: readonly string[] = relay.entries.flatMap(
      ({ vouching }: { vouching?: { domains?: string[] } }) => vouching?.domains ?? [],
    )
    expect(domains).toEqual(['postern.test', '.below.test', 'more.test'])
    const listed = domains.map((domain) => (domain.startsWith('.') ? `any${domain}` : domain))
    const foreign = [
      'foreign.test',
      'below.test',
      'xpostern.test',
      'postern.test.foreign.test',
      'com',
    ]
    const gateway = await startGateway(folder)
    try {
      const recipients = [...listed, ...foreign].map((domain) => `RCPT TO:<someone@${domain}>`)
      const replies = await dialogue(gateway.port, [
        'EHLO c',
        'MAIL FROM:<a@client.test>',
        ...recipients,
        'QUIT',
      ])
      const codes = replies.slice(3, 3 + recipients.length).map((reply) => reply.slice(0, 3))
      expect(codes).toEqual([...listed.map(() => '250'), ...foreign.map(() => '550')])
    } finally {
      await gateway.stop()
    }
  })

  test.each([
    ['control/rcpthosts', 'postern.test\n.com\n', /vouches for every domain below \.com/],
    ['tcp.smtp', '=.net:allow,RELAYCLIENT=""\n:allow\n', /sets RELAYCLIENT for =\.net/],
    ['tcp.smtp', '12.:allow,RELAYCLIENT=""\n:allow\n', /sets RELAYCLIENT for 12\./],
  ])('fails over %s that says too much', async (file, text, problem) => {
    await folder.write(file, text)
    const { warnings } = await said()
    expect(warnings).toMatchObject([
      { code: 'open-relay', problem: expect.stringMatching(problem) },
    ])
    expect((await check('--relay')).stdout).toContain('Strangers may relay, or it cannot be told')
  })

  test('fails over a network of everybody', async () => {
    await change(['networks: []', 'networks: [0.0.0.0/0]'])
    expect((await said()).warnings).toMatchObject([
      { code: 'open-relay', problem: 'relay-clients lets everybody relay: 0.0.0.0/0' },
    ])
  })

  test('fails over a plugin that does not say for whom it vouches, unless it is for those who log in', async () => {
    await ownPlugin('knower', 'rcpt: () => accept()')
    await chain('plugin: knower')
    expect((await said()).warnings).toMatchObject([
      { code: 'open-relay', problem: expect.stringContaining('knower may vouch for anybody') },
    ])
    await change(['  - plugin: knower\n', '  - plugin: knower\n    when: { relay_client: true }\n'])
    expect((await said()).warnings).toEqual([])
  })
})
