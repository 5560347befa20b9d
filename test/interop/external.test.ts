/** Plugins that run beside a started gateway: a program in Python, a web service, a milter. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  checkout,
  delivered,
  dialogue,
  gatewayFolder,
  onFreePort,
  startGateway,
  type StartedGateway,
} from '../end-to-end/started-gateway.ts'
import { component, isMissing } from '../setup/components.ts'
import { startOpenDkim, type OpenDkim } from './opendkim.ts'

const yaml = (socket: string, dkim: OpenDkim): string => `
listeners: [{ name: mx, listen: '127.0.0.1:2525' }]
chain:
  - plugin: rcpthosts
  - plugin: external
    name: checker
    options:
      command: [${component('python3')!.path}, ${join(checkout, 'plugins/external/example.py')}]
      stages: [rcpt, message]
  - plugin: external
    name: service
    options: { url: 'unix:${socket}:/judge' }
  - plugin: milter
    options: { address: 'inet:${dkim.port}@127.0.0.1' }
plugin_dirs: [../plugins]
delivery: { maildirs: ../var/mail }
`

describe.skipIf(isMissing('python3', 'opendkim'))('a gateway with plugins of others', () => {
  let gateway: StartedGateway
  let dkim: OpenDkim
  let server: Server

  beforeAll(async () => {
    dkim = await startOpenDkim('postern.test')
    const folder = await gatewayFolder('')
    const socket = join(folder.root, 'judge.sock')
    server = createServer((request, response) => {
      let body = ''
      request.setEncoding('utf8').on('data', (text: string) => (body += text))
      request.on('end', () => {
        const refused = body.includes('refuse me')
        response.end(JSON.stringify(refused ? { verdict: 'reject' } : { verdict: 'pass' }))
      })
    }).listen(socket)
    await once(server, 'listening')
    await folder.write('postern.yaml', onFreePort(yaml(socket, dkim)))
    gateway = await startGateway(folder)
  }, 60_000)

  afterAll(async () => {
    await gateway.stop()
    await dkim.stop()
    server.close()
    await gateway.folder.remove()
  })

  const send = (recipient: string, subject: string): Promise<string[]> =>
    dialogue(gateway.port, [
      'EHLO client.test',
      'MAIL FROM:<alice@postern.test>',
      `RCPT TO:<${recipient}@postern.test>`,
      'DATA',
      `From: alice@postern.test\r\nSubject: ${subject}\r\n\r\nhello\r\n.`,
      'QUIT',
    ])

  test('the program refuses a recipient, and its edits and the milter’s are in what arrives', async () => {
    expect((await send('bob+old', 'hello'))[3]).toBe('550 5.1.1 No longer in use')
    expect((await send('bob', 'hello'))[5]).toMatch(/^250/)
    const [mail = ''] = await delivered(gateway.folder, ['bob', 'postern.test'])
    expect(mail).toMatch(/^X-Checked: by example\.py$/m)
    expect(mail).toMatch(/^DKIM-Signature: .*d=postern\.test/m)
  })

  test('the service refuses a message', async () => {
    expect((await send('bob', 'refuse me'))[5]).toBe('550 5.7.1 Refused by local policy')
  })

  test('a program that is killed is a fault once, and back a second later', async () => {
    const line = gateway
      .stderr()
      .split('\n')
      .find((each) => each.includes('external.started'))
    const { pid } = JSON.parse(line ?? '{}') as { readonly pid: number }
    expect(pid).toBeGreaterThan(1)
    const started = gateway.stderr().split('external.started').length
    process.kill(pid, 'SIGKILL')
    await gateway.seen('external.ended')
    expect((await send('carol', 'hello'))[3]).toMatch(/^451 4\.3\.0/)
    await gateway.seen('external.started', started)
    expect((await send('carol', 'hello'))[5]).toMatch(/^250/)
  })
})
