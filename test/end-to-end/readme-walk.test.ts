/**
 * A stranger walks through the README on one started gateway: sends a message, turns a scanner on and asks why something was
 * refused, writes a plugin and puts it in force, passes a domain on and steers what waits for it. Coming from qmail is a walk of
 * its own (import.test.ts).
 */
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../setup/free-port.ts'
import {
  checkout,
  delivered,
  eventually,
  gatewayFolder,
  runPostern,
  startGateway,
  type GatewayFolder,
  type StartedGateway,
} from './started-gateway.ts'

const patience = 90_000
const scanner = 'clamd.ctl'

let folder: GatewayFolder
let gateway: StartedGateway
let clamd: Server

beforeAll(async () => {
  folder = await gatewayFolder()
  const yaml = (await folder.read('postern.yaml'))
    .replace('/run/clamav/clamd.ctl', join(folder.root, scanner))
    .replace('plugin_dirs:\n', 'plugin_dirs:\n  - ../own\n')
  await folder.write('postern.yaml', yaml)
  clamd = await scannerAt(join(folder.root, scanner))
  gateway = await startGateway(folder)
}, patience)

afterAll(async () => {
  await gateway.stop()
  clamd.close()
  await folder.remove()
}, patience)

/** As somebody types it behind `npx postern`. */
async function type(line: string, input?: string) {
  const { code, stdout, stderr } = await runPostern(
    [...line.split(' '), '--config', folder.config],
    input,
  )
  return { code, said: `${stdout}${stderr}` }
}

async function send(to: string, ...more: readonly string[]) {
  const server = `127.0.0.1:${gateway.port}`
  const args = ['send', '--to', to, '--server', server, '-v', ...more]
  const { code, stdout, stderr } = await runPostern(args)
  return { code, said: `${stdout}${stderr}` }
}

describe('a stranger with the README', { timeout: patience }, () => {
  test('sends a message, is told what happened to it, and finds it', async () => {
    const sent = await send('bob@postern.test')
    expect(sent).toMatchObject({ code: 0, said: expect.stringContaining('250 2.0.0') })
    await delivered(folder, ['bob', 'postern.test'])
    await expect
      .poll(async () => (await type('why last')).said)
      .toMatch(/rcpthosts(?=.*bob@postern\.test)/s)
  })

  test('turns a scanner on, and sees why mail is refused', async () => {
    expect(await type('enable clamav')).toMatchObject({
      code: 0,
      said: expect.stringContaining('clamav is now enforce'),
    })
    await gateway.seen('config.reloaded')
    const refused = await send(
      'bob@postern.test',
      '--from',
      'eve@client.test',
      '--subject',
      'EICAR',
    )
    expect(refused).toMatchObject({ code: 1, said: expect.stringMatching(/55\d 5\.7\.1/) })
    await expect
      .poll(async () => (await type('why eve@client.test')).said)
      .toMatch(/clamav .*reject/)
    const { said } = await type('why eve@client.test')
    expect(said).toContain('Eicar-Test-Signature')
    expect((await type('log --outcome refused --since 1h')).said).toContain('eve@client.test')
  })

  test('writes a plugin in five minutes, tests it, sees what it would do, and puts it in force', async () => {
    const page = await readFile(join(checkout, 'README.md'), 'utf8')
    const [, shown = ''] = /```ts\n(import \{ definePlugin[^`]+)```/.exec(page) ?? []
    const own = shown.replaceAll('revoked-tags', 'given-away').replace('revokedTags', 'givenAway')
    await folder.write('../own/given-away/given-away.ts', own)
    await folder.write('tables/given-away', 'bob+shop@postern.test\n')
    const yaml = await folder.read('postern.yaml')
    const entry = 'chain:\n  - plugin: given-away # my first\n    mode: shadow\n'
    await folder.write('postern.yaml', yaml.replace('chain:\n', entry))
    await folder.write(
      'tests/given-away.yaml',
      `- test: a tag that was given away still works, while its plugin is a shadow
  from: shop@client.test
  to: [bob+shop@postern.test]
  expect: { rcpt: 250 }
`,
    )
    const tested = await type('test')
    expect(tested).toMatchObject({ code: 0, said: expect.stringContaining(', 0 failed') })
    // Each file that is written leads to a reload.
    await eventually(async () => {
      expect(await send('bob+shop@postern.test')).toMatchObject({ code: 0 })
      const { said } = await type('shadow')
      return /given-away: asked \d+, would have acted \d/.test(said) ? true : undefined
    }, 'the shadow')
    expect((await type('shadow')).said).toContain('TAG_REVOKED')
    expect(await type('shadow promote given-away')).toMatchObject({ code: 0 })
    await expect
      .poll(async () => (await send('bob+shop@postern.test')).said)
      .toContain('550 5.1.1 This address is no longer in use')
    // What was so is not any more, and its test says it.
    expect(await type('test')).toMatchObject({
      code: 1,
      said: expect.stringContaining('given-away'),
    })
  })

  test('passes a domain on, and steers what waits while its host is down', async () => {
    const nobodyListens = await freePort()
    expect(await type(`relay add far.test --to 127.0.0.1:${nobodyListens}`)).toMatchObject({
      code: 0,
    })
    await gateway.seen('control/rcpthosts')
    await eventually(async () => {
      const { code } = await send('ann@far.test', '--from', 'bob@postern.test')
      return code === 0 ? true : undefined
    }, 'the new domain')
    await gateway.seen('delivery.deferred')
    await expect
      .poll(async () => (await type('why ann@far.test')).said)
      .toMatch(/is in the queue, 1 tries so far/)
    expect((await type('queue list')).said).toContain('ann@far.test')
    expect((await type('queue hold --to ann@far.test')).said).toBe('1 message held\n')
    expect((await type('stat')).said).toContain('messages in queue: 1')
    expect((await type('queue release --to ann@far.test')).said).toBe('1 message released\n')
    expect((await type('queue bounce --to ann@far.test')).said).toBe('1 message returned\n')
    const mail = await delivered(folder, ['bob', 'postern.test'], 2)
    expect(mail.some((text) => text.includes('returned this message to its sender'))).toBe(true)
    await expect.poll(async () => (await type('queue list')).said).toContain('0 queued')
  })
})

/** As clamd speaks: what says EICAR is infected. */
async function scannerAt(path: string): Promise<Server> {
  const answers = (text: string): string | undefined => {
    if (text.startsWith('zPING\0')) return 'PONG'
    if (text.startsWith('zVERSION\0')) return 'ClamAV 1.4.3/27451/Sat Nov 21 10:00:00 2026'
    if (!text.endsWith('\0\0\0\0')) return undefined
    return text.includes('EICAR') ? 'stream: Eicar-Test-Signature FOUND' : 'stream: OK'
  }
  const server = createServer((socket) => {
    let heard = ''
    socket.on('error', () => undefined)
    socket.setEncoding('latin1').on('data', (text) => {
      heard += String(text)
      const answer = answers(heard)
      if (answer !== undefined) socket.end(`${answer}\0`)
    })
  })
  server.listen(path)
  await new Promise((resolve) => server.once('listening', resolve))
  return server
}
