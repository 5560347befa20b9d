import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { PosternError } from '../mail/errors.ts'
import type { OptionResources } from '../plugin/option.ts'
import { formatMistake } from './format-mistake.ts'
import { readConfiguration, type ConfigurationReading } from './read-configuration.ts'

const unused: OptionResources = {
  file: () => expect.fail('no section opens a file'),
  table: () => expect.fail('no section opens a table'),
  cdb: () => expect.fail('no section opens a cdb'),
}

function read(files: Readonly<Record<string, string>>): ConfigurationReading {
  const known = new Map(Object.entries(files))
  return readConfiguration({
    folder: '/etc/postern',
    shownAs: 'config',
    resources: unused,
    readFile(path) {
      const text = known.get(path.replace('/etc/postern/', ''))
      if (text === undefined) throw new PosternError('NOT_FOUND', path)
      return new TextEncoder().encode(text)
    },
  })
}

const mistakesIn = (files: Readonly<Record<string, string>>): string[] =>
  read({ 'control/me': 'mx.test\n', ...files }).mistakes.map(formatMistake)

describe('the configuration', () => {
  test.each([
    ['', 1],
    ['workers: 4\n', 4],
    ['workers: auto\n', 'auto'],
  ])('that says %j has so many workers', (yaml, workers) => {
    const { configuration } = read({
      'control/me': 'mx.test\n',
      'postern.yaml': `${yaml}chain: []\n`,
    })
    expect(configuration?.workers).toBe(workers)
  })

  test.each(['', '\n', '# nothing yet\n', '---\n'])(
    'is not %j: somebody may just be writing it, and would be left without a chain',
    (yaml) => {
      expect(mistakesIn({ 'postern.yaml': yaml })).toEqual([
        expect.stringMatching(/postern\.yaml: is empty; /),
      ])
    },
  )

  test('names what could never be opened: an address twice, a name server without an address', () => {
    const yaml = `listeners:
  - { name: a, listen: '127.0.0.1:2525' }
  - { name: b, listen: '127.0.0.1:2525' }
  - { name: c, listen: '127.0.0.1:0' }
  - { name: d, listen: '127.0.0.1:0' }
dns: { servers: [127.0.0.1, nowhere] }
chain: []
`
    expect(mistakesIn({ 'postern.yaml': yaml })).toEqual([
      expect.stringMatching(/:3: listeners\[1\]\.listen: a listens there already; /),
      expect.stringMatching(/:6: dns\.servers\[1\]: 'nowhere' is no address of a name server; /),
    ])
  })

  test('keeps all that is the gateway’s own in one folder, if it is told to', () => {
    const reading = read({
      'control/me': 'mx.test\n',
      'postern.yaml': 'state: /var/lib/postern\nspool: { path: ../var/mail-spool }\nchain: []\n',
    })
    expect(reading.mistakes).toEqual([])
    expect(reading.configuration).toMatchObject({
      spool: { path: '/var/lib/postern/mail-spool' },
      accounts: { path: '/var/lib/postern/accounts.db' },
      traces: { path: '/var/lib/postern/traces.db' },
      operator: { socket: '/var/lib/postern/control/socket' },
      admin: { path: '/var/lib/postern/admin' },
    })
    expect(JSON.stringify(reading.configuration)).not.toContain('/etc/var')
    expect(mistakesIn({ 'postern.yaml': 'state: 7\nchain: []\n' })[0]).toContain(
      'state: is not a path',
    )
  })

  test('keeps traces beside the store, so many, so long and in so many bytes', () => {
    const traces = (yaml: string): unknown =>
      read({ 'control/me': 'mx.test\n', 'postern.yaml': `${yaml}chain: []\n` }).configuration
        ?.traces
    expect(traces('store: { path: /var/lib/postern/store.db }\n')).toEqual({
      path: '/var/lib/postern/traces.db',
      maxRecords: 250_000,
      maxAgeMs: 30 * 86_400_000,
      maxBytes: 2 ** 30,
      headBytes: 8192,
      answers: true,
    })
    expect(
      traces('traces: { path: t.db, keep: 1000, max_age: 1d, max_size: 10MB }\n'),
    ).toMatchObject({ path: '/etc/postern/t.db', maxRecords: 1000, maxAgeMs: 86_400_000 })
    expect(mistakesIn({ 'postern.yaml': 'chain: []\ntraces: { keep: 10 }\n' })).toEqual([
      expect.stringContaining('postern.yaml:2: traces.keep'),
    ])
  })

  test.each([
    ['', undefined],
    ['user: mail\n', 'mail'],
    ['user: "8200:8201"\n', '8200:8201'],
  ])('that says %j works as %s where root starts it', (yaml, user) => {
    const files = { 'control/me': 'mx.test\n', 'postern.yaml': `chain: []\n${yaml}` }
    expect(read(files).configuration?.user).toBe(user)
  })

  test.each(['8', '-x', 'a b', '[mail]', '"1:x"'])('cannot have the user %s', (user) => {
    expect(mistakesIn({ 'postern.yaml': `chain: []\nuser: ${user}\n` })).toContainEqual(
      expect.stringMatching(/^config\/postern\.yaml:2: user: .* is no account; write a name/),
    )
  })

  test.each(['0', '65', '1.5', 'many', '[2]'])('cannot have %s workers', (workers) => {
    expect(mistakesIn({ 'postern.yaml': `chain: []\nworkers: ${workers}\n` })).toContainEqual(
      expect.stringMatching(
        /^config\/postern\.yaml:2: workers: .* is not a number of processes; write 1 to 64/,
      ),
    )
  })

  test('in the repository is read without a mistake', () => {
    const folder = fileURLToPath(new URL('../../config', import.meta.url))
    const reading = readConfiguration({
      folder,
      shownAs: 'config',
      resources: unused,
      readFile(path) {
        try {
          return readFileSync(path)
        } catch (error) {
          throw new PosternError('NOT_FOUND', path, { cause: error })
        }
      },
    })
    expect(reading.mistakes).toEqual([])
    expect(reading.configuration).toMatchObject({
      listeners: [{ name: 'mx', address: { host: '127.0.0.1', port: 2525 } }],
      delivery: { maildirs: join(folder, '../var/mail'), paused: false },
      control: { me: 'postern.test', concurrencyRemote: 20, queueLifetimeSeconds: 604_800 },
    })
    const on = reading.configuration?.chain.filter(({ mode }) => mode === 'enforce')
    expect(on?.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['relay-clients', 'rcpthosts', 'revoked-tags']),
    )
  })

  test('knows what one next hop may have', () => {
    const { configuration, mistakes } = read({
      'control/me': 'mx.test\n',
      'postern.yaml': `delivery:
  bounce_unauthenticated: send
  validated_domains: [One.TEST]
  destinations:
    default: { concurrency: 10 }
    Example.com: { rate: 100/min }
`,
    })
    expect(mistakes).toEqual([])
    const { delivery } = configuration!
    expect(delivery).toMatchObject({ bounceUnauthenticated: 'send', delayNoticeMs: 14_400_000 })
    expect([...delivery.validatedDomains]).toEqual(['one.test'])
    expect([...delivery.destinations]).toEqual([
      ['default', { concurrency: 10 }],
      ['example.com', { intervalMs: 600 }],
    ])
    expect(
      mistakesIn({
        'postern.yaml': `delivery:
  destinations:
    one.test: { rate: 100/day, concurrency: 0 }
    two.test: { rate: 5/s, speed: 3 }
    three.test: { rate: 0/s }
`,
      }),
    ).toEqual([
      'config/postern.yaml:3: delivery.destinations.one.test.concurrency: 0 is not a whole number of at least 1; write a whole number of at least 1',
      'config/postern.yaml:4: delivery.destinations.two.test.speed: is not an option; there are: concurrency, rate',
      "config/postern.yaml:5: delivery.destinations.three.test.rate: '0/s' is not a rate; write so many in a time: 5/s, 100/min or 2000/h",
    ])
  })

  test('knows what programs of users may hold in memory: no less than what starts them', () => {
    const withMemory = (size: string) =>
      read({
        'control/me': 'mx.test\n',
        'postern.yaml': `delivery:\n  local_memory: ${size}\n`,
      })
    expect(withMemory('1GB').configuration?.delivery.localMemoryBytes).toBe(1 << 30)
    expect(withMemory('0').configuration?.delivery).toHaveProperty('localMemoryBytes', undefined)
    expect(mistakesIn({ 'postern.yaml': 'delivery:\n  local_processes: 20\n' })).toEqual([
      'config/postern.yaml:2: delivery.local_processes: is less than our own processes need that start the programs; write 200 or more, or 0 for no limit',
    ])
    expect(mistakesIn({ 'postern.yaml': 'delivery:\n  local_memory: 256MB\n' })).toEqual([
      'config/postern.yaml:2: delivery.local_memory: is less than our own process needs that starts the programs; write 1GB or more, or 0 for no limit',
    ])
  })

  test('knows hosts that are not always there', () => {
    const { configuration, mistakes } = read({
      'control/me': 'mx.test\n',
      'postern.yaml': `delivery:
  dial_in:
    Dial.test: { maildir: turn, prefix: turn-, host: '[2001:db8::1]:2525', clients: [192.0.2.0/24] }
`,
    })
    expect(mistakes).toEqual([])
    const host = configuration!.delivery.dialIn.get('dial.test')
    expect(host).toMatchObject({ prefix: 'turn-', to: { host: '2001:db8::1', port: 2525 } })
    expect(host?.maildir).toMatch(/^\/.*\/turn$/)
    expect(host?.clients.has('192.0.2.9')).toBe(true)
    expect(
      mistakesIn({
        'postern.yaml': `delivery:
  dial_in:
    one.test: { maildir: turn }
    two.test: { maildir: turn, host: 'a b' }
    -: { maildir: turn, host: hub.test }
    three.test: { host: hub.test }
    four.test: { maildir: turn, clients: [192.0.2.5, '2001:db8::/128', 192.0.2.0/24] }
`,
      }),
    ).toEqual([
      'config/postern.yaml:3: delivery.dial_in.one.test: says nowhere when to send what lies there; write its host, for ETRN, or its clients, whose sessions have it sent',
      'config/postern.yaml:4: delivery.dial_in.two.test.host: "a b" is no host; write host or host:port; IPv6 in brackets',
      'config/postern.yaml:5: delivery.dial_in.-: is not a domain; write a domain',
      'config/postern.yaml:6: delivery.dial_in.three.test.maildir: is missing; it must be given (text)',
      'config/postern.yaml:7: delivery.dial_in.four.test.clients: "192.0.2.0/24" is more than one address, and without host each of them would get this mail; write host, or addresses one by one',
    ])
  })

  test('knows what next hops are told, and what senders', () => {
    const { configuration, mistakes } = read({
      'control/me': 'mx.test\n',
      'postern.yaml': `delivery:
  xforward: [Filter.internal, 192.0.2.1, '2001:db8::1', /run/lmtp]
  eight_bit: send
  bounce_format: qsbmf
`,
    })
    expect(mistakes).toEqual([])
    const { delivery } = configuration!
    expect(delivery).toMatchObject({ eightBit: 'send', bounceFormat: 'qsbmf' })
    expect([...delivery.xforward]).toEqual([
      'filter.internal',
      '192.0.2.1',
      '2001:db8::1',
      '/run/lmtp',
    ])
    expect(
      mistakesIn({
        'postern.yaml': `delivery:
  xforward:
    - filter.internal:25
`,
      }),
    ).toEqual([
      'config/postern.yaml:3: delivery.xforward[0]: "filter.internal:25" is no next hop; write the host, the domain or the socket of a route, without a port',
    ])
  })

  test('names file, line, key and remedy of every mistake at once', () => {
    expect(
      mistakesIn({
        'postern.yaml': `listeners:
  - name: mx
    listen: 127.0.0.1:70000
    colour: red
chain:
  - plugin: rcpthosts
    timeout: soon
    when: { network: [example.org] }
  - rcpthosts
spool:
  segment_size: much
spol: {}
`,
      }),
    ).toEqual([
      'config/postern.yaml:12: spol: is not a key that Postern knows; did you mean spool?',
      'config/postern.yaml:4: listeners[0].colour: is not an option; there are: name, role, listen, socket_mode, hand_over, certificate, key, tls, certificates, client_certificates, handshake_timeout, max_connections, max_connections_per_address, max_connections_per_network, max_load, ident',
      "config/postern.yaml:3: listeners[0].listen: '127.0.0.1:70000' is not an address with a port; write for instance 127.0.0.1:2525, [::1]:25, /run/postern/smtp.sock or systemd:smtp",
      'config/postern.yaml:7: chain[0].timeout: "soon" is not a duration; write a duration such as 30s, 5m, 2h or 7d',
      'config/postern.yaml:8: chain[0].when.network: "example.org" is not an address or a network; write for instance 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32',
      'config/postern.yaml:9: chain[1]: is not an entry; write "- plugin: name"',
      'config/postern.yaml:11: spool.segment_size: "much" is not a size; write a size such as 25MB or 512KB, or a number of bytes',
    ])
  })

  test('lets a listener say what it is for, and keeps LMTP off port 25', () => {
    const listener = (role: string, port: number): string =>
      `listeners:\n  - name: in\n    listen: 127.0.0.1:${port}\n    role: ${role}\n    receiver: { max_errors: 3 }\n`
    expect(mistakesIn({ 'postern.yaml': listener('lmtp', 25) })).toContain(
      'config/postern.yaml:3: listeners[0].listen: LMTP must not be spoken on port 25 (RFC 2033 §5); choose another port, 24 for instance, or the path of a UNIX socket',
    )
    expect(mistakesIn({ 'postern.yaml': listener('relay', 24) })[0]).toContain('listeners[0].role')
    const { configuration } = read({
      'control/me': 'mx.test\n',
      'postern.yaml': listener('lmtp', 24),
    })
    expect(configuration?.listeners).toMatchObject([{ role: 'lmtp', receiver: { max_errors: 3 } }])
  })

  test('lets ident hold up a greeting for a minute at most', () => {
    const listener = (ident: string): string =>
      `listeners:\n  - { name: in, listen: "127.0.0.1:25", ident: ${ident} }\n`
    expect(mistakesIn({ 'postern.yaml': listener('2m') })).toContain(
      'config/postern.yaml:2: listeners[0].ident: is more than a minute; write 26s, as tcpserver waits, or less: every greeting may come so late',
    )
    const { configuration } = read({ 'postern.yaml': listener('26s') })
    expect(configuration?.listeners[0]?.identMs).toBe(26_000)
  })

  test('takes nothing for POP3 that would mean nothing there', () => {
    const listener = '- { name: in, listen: "127.0.0.1:110", role: pop3s, max_load: 3 }'
    expect(mistakesIn({ 'postern.yaml': `listeners:\n  ${listener}\n` })).toContain(
      'config/postern.yaml:2: listeners[0].max_load: means nothing for POP3; take it away, or let this listener have another role',
    )
    const { configuration } = read({
      'control/me': 'mx.test\n',
      'postern.yaml': `listeners:\n  ${listener.replace(', max_load: 3', '')}\n`,
    })
    expect(configuration?.listeners).toMatchObject([{ role: 'pop3s', tls: { mode: 'implicit' } }])
  })

  test('takes packets in the clear or under TLS from the first byte, and keeps no dialogue of them', () => {
    const tls = (more: string): unknown => {
      const listener = `- { name: in, listen: "127.0.0.1:209", role: qmtp${more} }`
      const yaml = `listeners:\n  ${listener}\n`
      return read({ 'control/me': 'mx.test\n', 'postern.yaml': yaml }).configuration?.listeners[0]
        ?.tls?.mode
    }
    expect([tls(''), tls(', tls: implicit')]).toEqual([undefined, 'implicit'])
    const wrong = '- { name: in, listen: "127.0.0.1:628", role: qmqp, tls: starttls, record: all }'
    expect(mistakesIn({ 'postern.yaml': `listeners:\n  ${wrong}\n` })).toEqual(
      expect.arrayContaining([
        expect.stringContaining('listeners[0].tls: cannot be begun within QMTP or QMQP'),
        expect.stringContaining('listeners[0].record: means nothing for QMQP'),
      ]),
    )
  })

  test('reports duplicate keys, broken YAML and a missing file', () => {
    expect(mistakesIn({ 'postern.yaml': 'spool: {}\nspool: {}\n' })).toEqual([
      'config/postern.yaml:2: Map keys must be unique; keep one of the two',
    ])
    expect(mistakesIn({ 'postern.yaml': 'spool: {}\n---\nchain: []\n' })).toEqual([
      'config/postern.yaml:2: a second document begins here; take the line --- out',
    ])
    expect(mistakesIn({ 'postern.yaml': 'chain:\n\t- plugin: x\n' })).toEqual([
      'config/postern.yaml:2: Tabs are not allowed as indentation; write blanks, two for each level',
    ])
    expect(mistakesIn({ 'postern.yaml': 'chain: [' })).toHaveLength(1)
    expect(mistakesIn({})).toEqual([
      'config/postern.yaml: is missing; copy config/ from the repository, or name its folder with --config',
    ])
  })

  test('reports what stands wrong in control files and tcp.smtp', () => {
    const mistakes = mistakesIn({
      'postern.yaml': '{}',
      'control/me': '\n',
      'control/smtproutes': 'a.test:relay:port\n',
      'control/concurrencyremote': '99999999999999999999\n',
      'tcp.smtp': '127.0.0.1:maybe\n',
    })
    expect(mistakes.map((line) => line.replace(/: .*/, '')).toSorted()).toEqual([
      'config/control/concurrencyremote:1',
      'config/control/me:1',
      'config/control/smtproutes:1',
      'config/tcp.smtp:1',
    ])
  })

  test('does not take a file that cannot be read for one that is missing', () => {
    const reading = readConfiguration({
      folder: '/etc/postern',
      shownAs: 'config',
      resources: unused,
      readFile(path) {
        if (path.endsWith('rcpthosts') || path.endsWith('locals'))
          throw new PosternError('DISK_FAILED', 'EACCES')
        if (path.endsWith('me')) return new TextEncoder().encode('mx.test\n')
        throw new PosternError('NOT_FOUND', path)
      },
    })
    expect(reading.mistakes.map(formatMistake).join('\n')).toContain(
      'config/control/locals: cannot be read',
    )
  })

  const failing = (code: string, syscall?: string) => (): never => {
    const cause = Object.assign(new Error(code), { code, syscall })
    throw new PosternError('DISK_FAILED', code, { cause })
  }

  test('says in one line that the path of a file was given in place of its folder', () => {
    const reading = readConfiguration({
      folder: '/etc/postern/postern.yaml',
      shownAs: 'config/postern.yaml',
      resources: unused,
      readFile: failing('ENOTDIR'),
    })
    expect(reading.mistakes.map(formatMistake)).toEqual([
      'config/postern.yaml/postern.yaml: lies in what is no folder; name the folder that postern.yaml is in',
    ])
  })

  test.each([
    ['/etc/postern/', 'config'],
    ['/etc/postern/control/', 'config/control'],
    ['/etc/postern/tcp', 'config'],
  ])('says once that a folder is closed to whoever reads it: %s', (closed, shown) => {
    const reading = readConfiguration({
      folder: '/etc/postern',
      shownAs: 'config',
      resources: unused,
      readFile(path) {
        if (path.startsWith(closed)) return failing('EACCES', 'stat')()
        if (path.endsWith('postern.yaml')) return new TextEncoder().encode('listeners: []\n')
        if (path.endsWith('me')) return new TextEncoder().encode('mx.test\n')
        throw new PosternError('NOT_FOUND', path)
      },
    })
    expect(reading.mistakes.map(formatMistake)).toEqual([
      `${shown}: is a folder that this user may not enter; mend its permissions, or run this as the user whose folder it is`,
    ])
    expect(reading.doubts.filter(({ code }) => code === 'no-rules')).toHaveLength(
      closed.endsWith('control/') ? 1 : 0,
    )
  })

  test.each([
    ['EISDIR', 'is a folder'],
    ['EACCES', 'cannot be read'],
  ])('does not call postern.yaml missing where it is there: %s', (code, problem) => {
    const reading = readConfiguration({
      folder: '/etc/postern',
      shownAs: 'config',
      resources: unused,
      readFile(path) {
        if (path.endsWith('postern.yaml')) return failing(code)()
        if (path.endsWith('me')) return new TextEncoder().encode('mx.test\n')
        throw new PosternError('NOT_FOUND', path)
      },
    })
    expect(reading.mistakes.map(({ problem: told }) => told)).toEqual([
      expect.stringContaining(problem),
    ])
  })

  test('finds the rule of a client, with its line', () => {
    const { configuration } = read({
      'control/me': 'mx.test\n',
      'postern.yaml': '{}',
      'tcp.smtp': '# ours\n192.0.2.:allow,RELAYCLIENT=""\n:allow\n',
    })
    expect(configuration?.tcpRules.find('192.0.2.')).toMatchObject({ rule: { line: 2 } })
  })

  test('has routes and TLS policies by domain, the most particular first', () => {
    const { configuration, mistakes } = read({
      'control/me': 'mx.test\n',
      'control/outgoingip': '192.0.2.1\n2001:db8::1\n',
      'postern.yaml': `delivery:
  routes:
    Lists.example: lmtp:/run/lists
    .example: smtps:relay.test
  tls:
    '*': encrypt
    strict.example: verify mx.strict.example
  recipients_per_transaction: 1
  keep_connection: 0s
`,
    })
    expect(mistakes).toEqual([])
    const { routes, tls, recipientsPerTransaction, reuse } = configuration!.delivery
    expect(routes.find('lists.example')).toEqual({ kind: 'lmtp', to: { path: '/run/lists' } })
    expect(routes.find('other.example')).toMatchObject({ host: 'relay.test', implicitTls: true })
    expect(tls.otherwise).toEqual({ level: 'encrypt' })
    expect(tls.policies.find('strict.example')).toEqual({
      level: 'verify',
      names: ['mx.strict.example'],
    })
    expect([recipientsPerTransaction, reuse]).toEqual([1, { idleMs: 0, messages: 100 }])
    expect(configuration?.control.outgoingIp).toEqual(['192.0.2.1', '2001:db8::1'])
  })

  test('says of routes and policies that mean nothing what would be right', () => {
    const mistakes = mistakesIn({
      'control/outgoingip': 'eth0\n',
      'ca.pem': 'no certificate',
      'postern.yaml': `delivery:
  routes:
    '*': smtp:relay.test
    a.test: relay.test
  tls:
    a.test: always
    b.test: encrypt mx.b.test
  tls_ca: ca.pem
  address_family: ipv7
`,
    })
    expect(mistakes.map((line) => line.replace(/;.*/, ''))).toEqual([
      "config/control/outgoingip:1: 'eth0' is not what belongs here",
      'config/postern.yaml:9: delivery.address_family: "ipv7" is not a choice',
      'config/postern.yaml:6: delivery.tls.a.test: "always" is no policy',
      'config/postern.yaml:7: delivery.tls.b.test: "encrypt mx.b.test" is no policy',
      'config/postern.yaml:3: delivery.routes.*: is not a domain',
      'config/postern.yaml:4: delivery.routes.a.test: "relay.test" is no route',
    ])
  })

  test('says that a file of authorities holds none', () => {
    const mistakes = mistakesIn({
      'ca.pem': 'no certificate',
      'postern.yaml': 'delivery: { tls_ca: ca.pem }\n',
    })
    expect(mistakes).toEqual([expect.stringContaining('tls_ca: ca.pem holds no certificates')])
  })
})

describe('the limits of a listener', () => {
  const withListener = (more: string) => ({
    'control/me': 'mx.test\n',
    'postern.yaml': `listeners:\n  - name: mx\n    listen: 127.0.0.1:25\n${more}`,
  })

  test('are read with its proxies and its words', () => {
    const { configuration } = read(
      withListener(`    max_connections_per_network: 5
    max_load: 1.5
    network_prefix: { ipv4: 22 }
    limit_texts: { address: mx.test has enough of you }
    proxy_protocol: { networks: [192.0.2.0/24] }
`),
    )
    const [listener] = configuration?.listeners ?? []
    expect(listener).toMatchObject({
      maxConnectionsPerNetwork: 5,
      maxLoad: 1.5,
      networkBits: { ipv4: 22, ipv6: 64 },
      limitTexts: { address: 'mx.test has enough of you' },
    })
    expect(listener?.proxyNetworks?.has('192.0.2.9')).toBe(true)
  })

  test('are checked key by key', () => {
    const { mistakes } = read(
      withListener(`    network_prefix: { ipv4: 33 }
    limit_texts: { load: 421 too busy, network: "one\\ntwo" }
    proxy_protocol: { trusted: [192.0.2.0/24] }
`),
    )
    expect(mistakes.map(formatMistake)).toEqual([
      'config/postern.yaml:6: listeners[0].proxy_protocol.trusted: is not an option; there are: networks',
      'config/postern.yaml:6: listeners[0].proxy_protocol.networks: is missing; it must be given (list of networks)',
      'config/postern.yaml:4: listeners[0].network_prefix.ipv4: 33 is not a whole number of at least 1 and at most 32; write a whole number of at least 1 and at most 32',
      'config/postern.yaml:5: listeners[0].limit_texts.network: is not what a reply may hold; write one line of ASCII, without control characters',
      'config/postern.yaml:5: listeners[0].limit_texts.load: begins with a reply code; write the text alone: the reply code is always 421',
    ])
  })
})
