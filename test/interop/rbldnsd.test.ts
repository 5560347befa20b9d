/** DNS lists by rbldnsd, which nobody here wrote, asked by a started gateway through its own DNS. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  dialogue,
  gatewayFolder,
  printed,
  startGateway,
  type StartedGateway,
} from '../end-to-end/started-gateway.ts'
import { component, isMissing } from '../setup/components.ts'
import { freePort } from '../setup/free-port.ts'

const addresses = `
:127.0.0.3:Blocked - see http://rbl/?$
127.0.0.1
127.0.0.2
`
/** It lists everybody, also who must never be listed. */
const wild = `
:127.0.0.2:Everybody
127.0.0.0/24
`
const domains = `
:127.0.1.2:Domain $ is known
.spammer.example
test
`

const yaml = (port: number): string => `
listeners: [{ name: mx, listen: '127.0.0.1:2525' }]
dns: { servers: ['127.0.0.1:${port}'] }
chain:
  - plugin: rcpthosts
  - plugin: dnsbl
    unless: { environment: [NO_LISTS] }
    options:
      self_test: false
      lists: ['bl.test=127.0.0.[2..5]']
  - plugin: dnsbl
    name: wild
    options: { lists: [wild.test] }
  - plugin: dnsbl
    name: strict
    on_fault: defer
    when: { environment: [STRICT] }
    options: { lists: [wild.test] }
  - plugin: rhsbl
    options: { lists: [dbl.test] }
plugin_dirs: [../plugins]
delivery: { maildirs: ../var/mail }
`

describe.skipIf(isMissing('rbldnsd'))('a gateway with lists that rbldnsd serves', () => {
  let zones: string
  let server: ChildProcess
  let gateway: StartedGateway

  beforeAll(async () => {
    zones = await mkdtemp(join(tmpdir(), 'postern-zones-'))
    await chmod(zones, 0o755)
    const files = { bl: addresses, wild, dbl: domains }
    await Promise.all(
      Object.entries(files).map(([name, text]) => writeFile(join(zones, name), text)),
    )
    const port = await freePort()
    const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
    const sets = ['bl.test:ip4set:bl', 'wild.test:ip4set:wild', 'dbl.test:dnset:dbl']
    const args = ['-n', ...user, '-b', `127.0.0.1/${port}`, '-w', zones, ...sets]
    server = spawn(component('rbldnsd')!.path, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(server.stdout!, 'data')
    const folder = await gatewayFolder(yaml(port))
    gateway = await startGateway(folder)
    await gateway.seen('dns-list.suspended')
  })

  afterAll(async () => {
    await gateway.stop()
    server.kill()
    await gateway.folder.remove()
    await rm(zones, { recursive: true, force: true })
  })

  const send = (sender: string) =>
    dialogue(gateway.port, [
      'EHLO client.test',
      `MAIL FROM:<${sender}>`,
      'RCPT TO:<bob@postern.test>',
      'QUIT',
    ])

  test('refuses a listed client at RCPT in the words of the list, and can say why', async () => {
    const replies = await send('alice@client.test')
    expect(replies[2]).toMatch(/^250 2\.1\.0/)
    expect(replies[3]).toBe('550 5.7.1 Blocked - see http://rbl/?127.0.0.1')
    const trace = await printed(['trace', 'last', '--config', gateway.folder.config], 'DNS_LISTED')
    expect(trace).toContain('127.0.0.3')
  })

  test('refuses a listed sender where the client itself is let in', async () => {
    await gateway.folder.write('tcp.smtp', ':allow,NO_LISTS="1"\n')
    await gateway.seen('config.reloaded')
    expect((await send('x@mail.spammer.example'))[3]).toBe(
      '550 5.7.1 Domain spammer.example is known',
    )
    expect((await send('x@good.example'))[3]).toMatch(/^250 2\.1\.5/)
  })

  test('has put a list to rest that lists everybody', async () => {
    await gateway.seen('"list":"wild.test"')
    await expect.poll(() => gateway.stderr()).toContain('as if everybody were listed')
    const trace = await printed(['trace', 'last', '--config', gateway.folder.config], 'wild')
    expect(trace).toContain('rests')
    const metrics = await printed(['metrics', '--config', gateway.folder.config], 'list_resting')
    expect(metrics).toContain('postern_plugin_dnsbl_list_resting{entry="wild",list="wild.test"} 1')
    expect(metrics).toContain('postern_plugin_dnsbl_list_resting{entry="dnsbl",list="bl.test"} 0')
  })

  test('lets nobody past a list that rests where on_fault says so', async () => {
    await gateway.folder.write('tcp.smtp', ':allow,NO_LISTS="1",STRICT="1"\n')
    await expect
      .poll(async () => (await send('x@good.example'))[3])
      .toBe('451 4.3.0 Temporary local problem, please try again later')
    const trace = await printed(['trace', 'last', '--config', gateway.folder.config], 'strict')
    expect(trace).toContain('no answer from wild.test (rests)')
  })
})
