/** What an operator meets: start, send, trace, queue, reload, stop, and every way to get the configuration wrong. */
import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  delivered,
  dialogue,
  gatewayFolder,
  printed,
  runPostern,
  startGateway,
  type GatewayFolder,
  type StartedGateway,
} from './started-gateway.ts'

let folder: GatewayFolder

describe('a gateway that somebody tries', () => {
  let gateway: StartedGateway
  beforeAll(async () => {
    folder = await gatewayFolder()
    gateway = await startGateway(folder)
  })
  afterAll(() => folder.remove())

  /** The trace is written a moment after the reply. */
  const lastTrace = (about: string): Promise<string> =>
    printed(['trace', 'last', '--config', folder.config], about)

  test('says where it listens, its chain in order, where mail lands, and how to send a test message', async () => {
    const said = gateway.stdout()
    expect(said).toContain(`listening on 127.0.0.1:${gateway.port}`)
    expect(said.indexOf('relay-clients')).toBeGreaterThan(0)
    expect(said.indexOf('rcpthosts')).toBeGreaterThan(said.indexOf('relay-clients'))
    expect(said.indexOf('revoked-tags')).toBeGreaterThan(said.indexOf('rcpthosts'))
    expect(said).toContain(join(folder.root, 'var/mail'))
    const line = /^\s*(?:npx )?postern (send .*)$/m.exec(said)?.[1]
    expect(line).toContain('--to bob@postern.test')
    expect((await runPostern((line ?? '').trim().split(/\s+/))).code).toBe(0)
    expect(await delivered(folder, ['bob', 'postern.test'])).toHaveLength(1)
  })

  test('explains with `postern trace last` what happened to the last message, step by step', async () => {
    const server = `127.0.0.1:${gateway.port}`
    const sent = await runPostern(['send', '--to', 'ann@postern.test', '--server', server, '-v'])
    expect(sent.stdout).toMatch(/RCPT TO:<ann@postern\.test>/)
    expect(sent.stdout).toMatch(/250 2\.0\.0/)
    await delivered(folder, ['ann', 'postern.test'])
    const trace = await lastTrace('delivered  ann@postern.test')
    expect(trace).toMatch(/rcpt .*rcpthosts .*accept/)
    expect(trace).toContain('250 2.0.0')
  })

  test('explains a refusal too', async () => {
    const server = `127.0.0.1:${gateway.port}`
    const sent = await runPostern(['send', '--to', 'bob@elsewhere.test', '--server', server])
    expect(sent.code).not.toBe(0)
    expect(sent.stderr).toContain('550 5.7.1')
    expect(await lastTrace('bob@elsewhere.test')).toContain('550 5.7.1')
  })

  test('ends with 0', async () => {
    expect(await gateway.stop()).toBe(0)
  })
})

describe('a started gateway', () => {
  afterEach(() => folder.remove())

  test('shows what is queued, beside the running gateway', async () => {
    folder = await gatewayFolder()
    await folder.write('tcp.smtp', '127.0.0.1:allow,RELAYCLIENT=""\n')
    await folder.write('control/smtproutes', ':127.0.0.1:1\n')
    const gateway = await startGateway(folder)
    const server = `127.0.0.1:${gateway.port}`
    await runPostern(['send', '--to', 'bob@elsewhere.test', '--server', server])
    await gateway.seen('delivery.deferred')
    const list = await runPostern(['queue', 'list', '--config', folder.config])
    expect(list.stdout).toContain('bob@elsewhere.test')
    const id = /^([0-9a-z]+)\s/m.exec(list.stdout.slice(list.stdout.indexOf('\n') + 1))?.[1] ?? ''
    await printed(['queue', 'show', id, '--config', folder.config], 'deferred')
    const bytes = await runPostern(['queue', 'cat', id, '--config', folder.config])
    expect(bytes.stdout).toMatch(/^Received: from /m)
    await gateway.stop()
  })

  test('takes a changed configuration at SIGHUP and when a file changes, without a restart', async () => {
    folder = await gatewayFolder()
    const gateway = await startGateway(folder)
    const ask = async (address: string): Promise<string> => {
      const replies = await dialogue(gateway.port, [
        'EHLO c',
        'MAIL FROM:<a@client.test>',
        `RCPT TO:<${address}>`,
        'QUIT',
      ])
      return replies[3] ?? ''
    }
    expect(await ask('bob@second.test')).toMatch(/^550 5\.7\.1/)
    await folder.write('control/rcpthosts', 'postern.test\nsecond.test\n')
    await gateway.seen('file.reread')
    expect(await ask('bob@second.test')).toMatch(/^250 2\.1\.5/)
    await gateway.seen('config.reloaded')
    const yaml = await readFile(join(folder.config, 'postern.yaml'), 'utf8')
    await folder.write('postern.yaml', yaml.replace(/ {2}- plugin: rcpthosts.*\n/, ''))
    gateway.signal('SIGHUP')
    // Between these two it stood.
    await gateway.seen('"pop-before-smtp","mailboxes",')
    expect(await ask('bob@postern.test')).toMatch(/^550 5\.[17]\.1/)
    await gateway.stop()
  })

  test('keeps its old configuration when the new one has mistakes, and says why', async () => {
    folder = await gatewayFolder()
    const gateway = await startGateway(folder)
    const yaml = await readFile(join(folder.config, 'postern.yaml'), 'utf8')
    await folder.write('postern.yaml', yaml.replace('chain:', 'chian:'))
    await gateway.seen('config.kept')
    expect(gateway.stderr()).toContain('chian')
    const replies = await dialogue(gateway.port, [
      'EHLO c',
      'MAIL FROM:<>',
      'RCPT TO:<bob@postern.test>',
      'QUIT',
    ])
    expect(replies[3]).toMatch(/^250 2\.1\.5/)

    // A plugin that did not load, and the part beside it: each is followed where it lies.
    const own = (body: string): Promise<void> =>
      folder.write(
        '../own/mended/mended.ts',
        `import { definePlugin, pass } from 'postern/plugin'\n${body}\n`,
      )
    await own("throw new Error('half written')")
    await folder.write('../own/mended/part.ts', 'export const part = 1\n')
    await folder.write(
      'postern.yaml',
      yaml
        .replace('chain:\n', 'chain:\n  - plugin: mended\n')
        .replace('plugin_dirs:\n', 'plugin_dirs:\n  - ../own\n'),
    )
    await gateway.seen('half written')
    await own(
      "export const mended = definePlugin({ name: 'mended', setup: () => ({ rcpt: () => pass() }) })",
    )
    await gateway.seen('"entries":["mended"')
    await folder.write('../own/mended/part.ts', 'export const part = 1000\n')
    await gateway.seen('plugin.needs-restart')
    await gateway.stop()
  })

  test('delivers nothing while the configuration says so, and goes on without a restart', async () => {
    folder = await gatewayFolder()
    const gateway = await startGateway(folder)
    const yaml = await readFile(join(folder.config, 'postern.yaml'), 'utf8')
    await folder.write('postern.yaml', yaml.replace('delivery:\n', 'delivery:\n  paused: true\n'))
    await gateway.seen('config.reloaded')
    const message = [
      'EHLO c',
      'MAIL FROM:<>',
      'RCPT TO:<bob@postern.test>',
      'DATA',
      'A: b\r\n\r\nc\r\n.',
      'QUIT',
    ]
    expect((await dialogue(gateway.port, message))[5]).toMatch(/^250 2\.0\.0/)
    expect((await runPostern(['queue', 'list', '--config', folder.config])).stdout).toMatch(
      /1 queued/,
    )
    await folder.write('postern.yaml', yaml)
    expect(await delivered(folder, ['bob', 'postern.test'])).toHaveLength(1)
    expect(gateway.stderr()).not.toContain('needs-restart')
    await gateway.stop()
  })

  test('finishes the transaction under way when it is stopped, and ends with 0', async () => {
    folder = await gatewayFolder()
    const gateway = await startGateway(folder)
    const message = 'Subject: late\r\n\r\nhello\r\n.'
    const commands = ['EHLO c', 'MAIL FROM:<>', 'RCPT TO:<bob@postern.test>', 'DATA', message]
    const replies = await dialogue(gateway.port, commands, async (command) => {
      if (command !== message) return
      gateway.signal('SIGTERM')
      await gateway.seen('finishing what is under way')
    })
    expect(replies[5]).toMatch(/^250 2\.0\.0/)
    expect(await gateway.exited()).toBe(0)
    const again = await startGateway(folder)
    expect(await delivered(folder, ['bob', 'postern.test'])).toHaveLength(1)
    await again.stop()
  })
})

describe('a wrong configuration stops start and check with all mistakes at once', () => {
  afterEach(() => folder.remove())

  const mistakesOf = async (): Promise<string> => {
    const check = await runPostern(['check', '--config', folder.config])
    expect(check.code).toBe(1)
    const start = await runPostern(['start', '--config', folder.config])
    expect(start.code).toBe(1)
    expect(start.stderr).toBe(check.stderr)
    return check.stderr
  }

  test('naming file, line, key and remedy', async () => {
    folder = await gatewayFolder(`
listeners:
  - name: mx
    listen: nowhere
    colour: red
chain:
  - plugin: rcpthosts
    timeout: soon
  - plugin: no-such-plugin
  - plugin: revoked-tags
    on_fault: explode
    options: { seperator: '+', table: 7 }
plugin_dirs: [../plugins, ../plugins/local]
delivery: { maildirs: ../var/mail }
spool: { path: ../var/spool, segment_size: much }
`)
    await folder.write('control/smtproutes', 'a.test:relay:port\n')
    await folder.write('tcp.smtp', '127.0.0.1:maybe\n')
    await rm(join(folder.config, 'control/me'))
    const said = await mistakesOf()
    for (const words of [
      'postern.yaml:4:',
      'postern.yaml:5:',
      'colour',
      'postern.yaml:8:',
      'timeout',
      'postern.yaml:9:',
      'no-such-plugin',
      'postern.yaml:11:',
      'on_fault',
      'postern.yaml:12:',
      'separator',
      'postern.yaml:15:',
      'segment_size',
      'control/smtproutes:1:',
      'tcp.smtp:1:',
      'control/me',
    ]) {
      expect(said).toContain(words)
    }
  })

  test('a plugin that does not load, and one with an unknown stage', async () => {
    folder = await gatewayFolder()
    const yaml = await readFile(join(folder.config, 'postern.yaml'), 'utf8')
    await folder.write(
      'postern.yaml',
      yaml
        .replace('chain:\n', 'chain:\n  - plugin: broken\n  - plugin: wrong-stage\n')
        .replace('plugin_dirs:\n', 'plugin_dirs:\n  - ../own\n'),
    )
    await folder.write('../own/broken/broken.ts', 'export const broken = {{\n')
    await folder.write(
      '../own/wrong-stage/wrong-stage.ts',
      `import { definePlugin, pass } from 'postern/plugin'
export const wrongStage = definePlugin({ name: 'wrong-stage', setup: () => ({ recipient: () => pass() }) })
`,
    )
    const said = await mistakesOf()
    expect(said).toMatch(/broken/)
    expect(said).toMatch(/recipient/)
    expect(said).toMatch(/rcpt/)
  })

  test('a port that something else listens on', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    folder = await gatewayFolder()
    const yaml = await readFile(join(folder.config, 'postern.yaml'), 'utf8')
    await folder.write('postern.yaml', yaml.replace('127.0.0.1:0', `127.0.0.1:${port}`))
    const said = await mistakesOf()
    expect(said).toContain(`127.0.0.1:${port}`)
    expect(said).toMatch(/in use|listens/)
    // Which is nothing to whoever only looks at the chain.
    const chain = await runPostern(['chain', '--config', folder.config])
    expect([chain.code, chain.stderr]).toEqual([0, ''])
    taken.close()
  })
})
