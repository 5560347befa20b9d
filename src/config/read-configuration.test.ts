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
    expect(reading.configuration?.chain.map(({ name }) => name)).toEqual([
      'relay-clients',
      'rcpthosts',
      'revoked-tags',
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
      'config/postern.yaml:4: listeners[0].colour: is not an option; there are: name, listen, socket_mode, hand_over, certificate, key, max_connections, max_connections_per_address, max_connections_per_network, max_load',
      "config/postern.yaml:3: listeners[0].listen: '127.0.0.1:70000' is not an address with a port; write for instance 127.0.0.1:2525, [::1]:25, /run/postern/smtp.sock or systemd:smtp",
      'config/postern.yaml:7: chain[0].timeout: "soon" is not a duration; write a duration such as 30s, 5m, 2h or 7d',
      'config/postern.yaml:8: chain[0].when.network: "example.org" is not an address or a network; write for instance 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32',
      'config/postern.yaml:9: chain[1]: is not an entry; write "- plugin: name"',
      'config/postern.yaml:11: spool.segment_size: "much" is not a size; write a size such as 25MB or 512KB, or a number of bytes',
    ])
  })

  test('reports duplicate keys, broken YAML and a missing file', () => {
    expect(mistakesIn({ 'postern.yaml': 'spool: {}\nspool: {}\n' })).toEqual([
      'config/postern.yaml:2: Map keys must be unique; keep one of the two',
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

  test('finds the rule of a client, with its line', () => {
    const { configuration } = read({
      'control/me': 'mx.test\n',
      'postern.yaml': '{}',
      'tcp.smtp': '# ours\n192.0.2.:allow,RELAYCLIENT=""\n:allow\n',
    })
    expect(configuration?.tcpRules.find('192.0.2.')).toMatchObject({ rule: { line: 2 } })
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
