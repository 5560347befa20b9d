/** `postern smtpd` in place of qmail-smtpd, under the real tcpserver with rules that the real tcprules compiled. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  checkout,
  delivered,
  dialogue,
  gatewayFolder,
  runPostern,
  runProgram,
  startGateway,
  type StartedGateway,
} from '../end-to-end/started-gateway.ts'
import { component, isMissing } from '../setup/components.ts'

const listeners = `listeners:
  - name: mx
    listen: 127.0.0.1:0
  - name: tcpserver
    listen: ../var/smtpd.sock
    hand_over: true
`

const rules = `127.0.0.2:allow,RELAYCLIENT="",SMTPGREETING="relay.postern.test"
127.0.0.3:allow,DATABYTES="10"
127.0.0.4:deny
:allow
`

let gateway: StartedGateway
let server: ChildProcess
let port = 0
let socket = ''

describe.skipIf(isMissing('tcpserver', 'tcprules'))('postern smtpd under tcpserver', () => {
  beforeAll(async () => {
    const folder = await gatewayFolder()
    const yaml = await readFile(join(folder.config, 'postern.yaml'), 'utf8')
    await folder.write('postern.yaml', yaml.replace(/listeners:\n(?: .*\n)+/, listeners))
    gateway = await startGateway(folder)
    socket = join(folder.root, 'var/smtpd.sock')
    const cdb = join(folder.root, 'tcp.smtp.cdb')
    await runProgram(component('tcprules')!.path, [cdb, `${cdb}.tmp`], { input: rules })
    const options = ['-1', '-H', '-R', '-l', '0', '-x', cdb, '127.0.0.1', '0']
    const smtpd = [join(checkout, 'bin/postern'), 'smtpd', '--socket', socket]
    server = spawn(component('tcpserver')!.path, [...options, ...smtpd], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    port = Number(String(((await once(server.stdout!, 'data')) as [Buffer])[0]))
  })

  afterAll(async () => {
    server.kill()
    await gateway.stop()
    await gateway.folder.remove()
  })

  /** From one of our own addresses, which the rules tell apart. @returns all that was said */
  async function session(localAddress: string, text: string): Promise<string> {
    const client = connect({ port, host: '127.0.0.1', localAddress }).setEncoding('latin1')
    let said = ''
    client.on('data', (more) => (said += String(more))).on('error', () => undefined)
    client.end(text)
    // Not by `once`: a client who is denied is reset, which is no failure here.
    await new Promise((resolve) => client.once('close', resolve))
    return said
  }

  test('mail comes in, from the client that tcpserver accepted', async () => {
    const replies = await dialogue(port, [
      'EHLO client.test',
      'MAIL FROM:<a@client.test>',
      'RCPT TO:<bob@postern.test>',
      'DATA',
      `Subject: big\r\n\r\n${'x'.repeat(70)}\r\n`.repeat(50_000) + '.',
      'QUIT',
    ])
    expect(replies.map((reply) => reply.slice(0, 3)).join(' ')).toBe('220 250 250 250 354 250 221')
    const [mail = ''] = await delivered(gateway.folder, ['bob', 'postern.test'])
    expect(mail).toMatch(/^Received: from client\.test \(unknown \[127\.0\.0\.1\]\)/m)
    expect(mail.length).toBeGreaterThan(50_000 * 71)
  })

  test('a program that speaks SMTP to sendmail -bs finds the same listener by the configuration', async () => {
    const { code, stdout } = await runProgram(
      join(checkout, 'bin/postern'),
      ['sendmail', '-bs', '-odb'],
      { env: { POSTERN_CONFIG: gateway.folder.config }, input: 'EHLO here.test\r\nQUIT\r\n' },
    )
    expect(stdout).toMatch(/^220 [^]*\r\n250 HELP\r\n221 /)
    expect(code).toBe(0)
  })

  test('what the rules set for a client holds for its session', async () => {
    const hello = 'EHLO client.test\r\nMAIL FROM:<a@client.test> SIZE=11\r\n'
    const elsewhere = 'RCPT TO:<bob@elsewhere.test>\r\n'
    const relay = await session('127.0.0.2', `${hello}${elsewhere}QUIT\r\n`)
    expect(relay).toMatch(/^220 relay\.postern\.test ESMTP\r\n/)
    expect(relay).toMatch(/\r\n250 2\.1\.5 .*\r\n221 /)
    const limited = await session('127.0.0.3', `${hello}QUIT\r\n`)
    expect(limited).toMatch(/250-SIZE 10\r\n/)
    expect(limited).toMatch(/\r\n552 5\.3\.4 /)
    const other = await session('127.0.0.5', `${hello}${elsewhere}QUIT\r\n`)
    expect(other).toMatch(/\r\n550 5\.7\.1 .*\r\n221 /)
    expect(await session('127.0.0.4', 'QUIT\r\n')).toBe('')
  })

  test('a client that sends all it has to say and listens hears everything', async () => {
    const said = await session('127.0.0.1', 'EHLO client.test\r\nNOOP\r\nHELP\r\n')
    expect(said).toContain('250 2.0.0 Ok\r\n214')
  })

  test('a client that hangs up ends its process and its session', async () => {
    const client = connect({ port, host: '127.0.0.1' })
    await once(client, 'data')
    client.destroy()
    expect(await session('127.0.0.1', 'QUIT\r\n')).toContain('221')
  })

  test("the socket is for the gateway's own user", async () => {
    const listing = await runProgram('/bin/ls', ['-l', socket])
    expect(listing.stdout).toMatch(/^srw-------/)
  })
})

test('without a gateway the client is told to come back', async () => {
  const run = await runPostern(['smtpd', '--socket', join(checkout, 'no-such-folder/smtpd.sock')])
  expect(run.stdout).toBe('421 4.3.2 Service not available, come back later\r\n')
  expect(run.code).toBe(1)
})

test('postern smtpd loads no more than it needs', async () => {
  const entry = new URL('../../src/cli/smtpd-main.ts', import.meta.url)
  const loaded = new Set<string>()
  const others = new Set<string>()
  const load = async (url: URL): Promise<void> => {
    if (loaded.has(url.href)) return
    loaded.add(url.href)
    const source = await readFile(url, 'utf8')
    for (const [, specifier = ''] of source.matchAll(/^import .*?from '([^']+)'/gms)) {
      if (specifier.startsWith('.')) await load(new URL(specifier, url))
      else others.add(specifier)
    }
  }
  await load(entry)
  expect(loaded.size).toBeLessThan(6)
  expect([...others].filter((specifier) => !specifier.startsWith('node:'))).toEqual([])
})
