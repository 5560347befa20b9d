/** Clients that speak for others, by programs that nobody here wrote: swaks as the proxy, through a started gateway. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  delivered,
  dialogue,
  gatewayFolder,
  printed,
  runPostern,
  runProgram,
  startGateway,
  type StartedGateway,
} from '../end-to-end/started-gateway.ts'
import { component, isMissing } from '../setup/components.ts'

let gateway: StartedGateway

const yaml = `listeners:
  - name: mx
    listen: 127.0.0.1:2525
  - name: proxied
    listen: 127.0.0.2:2525
    proxy_protocol:
      networks: [127.0.0.0/8]
receiver:
  xclient_networks: [127.0.0.1]
  xforward_networks: [127.0.0.1]
chain:
  - plugin: relay-clients
    options: { networks: [] }
  - plugin: rcpthosts
plugin_dirs:
  - ../plugins
delivery:
  maildirs: ../var/mail
spool:
  path: ../var/spool
store:
  path: ../var/store.db
`

beforeAll(async () => {
  const folder = await gatewayFolder(yaml.replace('127.0.0.2:2525', '127.0.0.2:0'))
  await folder.write('tcp.smtp', '203.0.113.9:deny\n203.0.113.10:allow,DATABYTES="100"\n:allow\n')
  gateway = await startGateway(folder)
})

afterAll(async () => {
  await gateway.stop()
  await gateway.folder.remove()
})

function swaks(to: string, ...more: readonly string[]) {
  const args = ['--from', 'alice@client.test', '--to', `${to}@postern.test`, '--body', 'hello']
  return runProgram(component('swaks')!.path, [...args, ...more])
}

const mx = () => ['--server', `127.0.0.1:${gateway.port}`]
const proxied = () => {
  const port = /listening on 127\.0\.0\.2:(\d+)/.exec(gateway.stdout())?.[1]
  return ['--server', `127.0.0.2:${port}`]
}

describe.skipIf(isMissing('swaks'))('swaks', () => {
  test('speaks for another client by XCLIENT, which the Received field names', async () => {
    const claim = ['--xclient-addr', '198.51.100.9', '--xclient-name', 'spike.test']
    const run = await swaks('xclient', ...mx(), ...claim, '--xclient-port', '4711')
    expect(run.code).toBe(0)
    expect(run.stdout).toMatch(/ -> XCLIENT .*\n<- {2}220 /)
    const [mail = ''] = await delivered(gateway.folder, ['xclient', 'postern.test'])
    expect(mail).toMatch(/^Received: from \S+ \(spike\.test \[198\.51\.100\.9\]\)/m)
  })

  test('is sent away for a client whom tcp.smtp denies, and limited as one whom it limits', async () => {
    const denied = await swaks('denied', ...mx(), '--xclient', 'ADDR=203.0.113.9')
    expect(denied.stdout).toMatch(/<\*\* 554 /)
    expect(denied.code).not.toBe(0)
    const body = 'x'.repeat(200)
    const limited = await swaks('big', ...mx(), '--xclient', 'ADDR=203.0.113.10', '--body', body)
    expect(limited.stdout).toMatch(/SIZE 100\b/)
    expect(limited.stdout).toMatch(/552 5\.3\.4/)
  })

  test.each([
    ['version 1', '1'],
    ['version 2', '2'],
  ])('names its client by the PROXY protocol, %s', async (_, version) => {
    const name = `proxy${version}`
    const header = [
      '--proxy-version',
      version,
      '--proxy-family',
      version === '1' ? 'TCP4' : 'AF_INET',
    ]
    const ends = ['--proxy-source', '198.51.100.9', '--proxy-source-port', '4711']
    const there = ['--proxy-dest', '192.0.2.1', '--proxy-dest-port', '25']
    const run = await swaks(name, ...proxied(), ...header, ...ends, ...there)
    expect(run.stdout + run.stderr).toContain('250 2.0.0')
    expect(run.code).toBe(0)
    const [mail = ''] = await delivered(gateway.folder, [name, 'postern.test'])
    expect(mail).toMatch(/^Received: from \S+ \(unknown \[198\.51\.100\.9\]\)/m)
  })
})

test('without a header nobody is served behind a proxy', async () => {
  const [, server = ''] = proxied()
  const sent = await runPostern(['send', '--to', 'bob@postern.test', '--server', server])
  expect(sent.code).not.toBe(0)
  await gateway.seen('connection.unintroduced')
})

test('whom a message comes from by XFORWARD, the trace shows', async () => {
  const replies = await dialogue(gateway.port, [
    'EHLO proxy.test',
    'XFORWARD NAME=spike.test ADDR=203.0.113.9',
    'MAIL FROM:<alice@client.test>',
    'RCPT TO:<xforward@postern.test>',
    'DATA',
    'hello\r\n.',
    'QUIT',
  ])
  expect(replies[1]).toContain('XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE')
  expect(
    replies
      .slice(2)
      .map((reply) => reply.slice(0, 3))
      .join(' '),
  ).toBe('250 250 250 354 250 221')
  const id = /queued as (\S+)/.exec(replies.join('\n'))?.[1] ?? ''
  await delivered(gateway.folder, ['xforward', 'postern.test'])
  const shown = 'forwarded  {"name":"spike.test","addr":"203.0.113.9"}'
  expect(await printed(['trace', id, '--config', gateway.folder.config], shown)).toContain(id)
})
