/** Who says which recipients exist, in a started gateway: a file, a program, the back end. Each is believed at once. */
import { chmod, rename, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { buildCdb } from '../../src/formats/cdb-writer.ts'
import {
  dialogue,
  eventually,
  gatewayFolder,
  startGateway,
  type GatewayFolder,
  type StartedGateway,
} from './started-gateway.ts'

async function withChain(
  entry: string,
  prepare: (folder: GatewayFolder) => Promise<void>,
  work: (gateway: StartedGateway) => Promise<void>,
): Promise<void> {
  const folder = await gatewayFolder(`
listeners: [{ name: mx, listen: '127.0.0.1:2525' }]
plugin_dirs: [../plugins]
chain:
  - plugin: rcpthosts
  - plugin: ${entry}
spool: { path: ../var/spool }
store: { path: ../var/store.db }
log: { level: info, to: stderr }
`)
  await folder.write('control/rcpthosts', 'postern.test\n')
  await prepare(folder)
  const gateway = await startGateway(folder)
  try {
    await work(gateway)
  } finally {
    expect(await gateway.stop()).toBe(0)
    await folder.remove()
  }
}

async function rcpt({ port }: StartedGateway, localPart: string): Promise<string> {
  const replies = await dialogue(port, [
    'EHLO client.test',
    'MAIL FROM:<a@client.test>',
    `RCPT TO:<${localPart}@postern.test>`,
  ])
  return replies[3] ?? ''
}

const cdbOf = (...addresses: readonly string[]): Uint8Array =>
  buildCdb(addresses.map((address) => [Buffer.from(address), Buffer.alloc(0)] as const))

test('a validrcptto.cdb that replaces another is read by the next session', async () => {
  const path = ({ config }: GatewayFolder): string => join(config, 'control/validrcptto.cdb')
  await withChain(
    'validrcptto',
    (folder) => writeFile(path(folder), cdbOf('bob@postern.test')),
    async (gateway) => {
      expect(await rcpt(gateway, 'Bob')).toContain('250 ')
      expect(await rcpt(gateway, 'eve')).toContain('550 5.1.1')
      const { folder } = gateway
      await writeFile(`${path(folder)}.tmp`, cdbOf('eve@postern.test'))
      await rename(`${path(folder)}.tmp`, path(folder))
      await eventually(
        async () => ((await rcpt(gateway, 'eve')).startsWith('250') ? true : undefined),
        'a recipient of the new cdb',
      )
      expect(await rcpt(gateway, 'bob')).toContain('550 5.1.1')
    },
  )
})

test('an RCPTCHECK program says who exists, and in which words who does not', async () => {
  const program = '../var/check'
  await withChain(
    'rcptcheck\n    options: { program: PROGRAM }',
    async (folder) => {
      const path = join(folder.config, program)
      await folder.write(
        program,
        '#!/bin/sh\ncase "$RECIPIENT" in\n  bob@*) exit 0;;\n  eve@*) printf "no $RECIPIENT from $SENDER" >&4; exit 100;;\nesac\nexit 111\n',
      )
      await chmod(path, 0o755)
      const yaml = await folder.read('postern.yaml')
      await folder.write('postern.yaml', yaml.replace('PROGRAM', path))
    },
    async (gateway) => {
      expect(await rcpt(gateway, 'bob')).toContain('250 ')
      expect(await rcpt(gateway, 'eve')).toBe('550 5.1.1 no eve@postern.test from a@client.test')
      expect(await rcpt(gateway, 'carol')).toContain('451 4.3.0 unable to verify')
    },
  )
})

test('the back end says who exists; while it is away, whom it had before', async () => {
  const server = await backEnd(['bob'])
  const { port } = server.address() as AddressInfo
  await withChain(
    'call-forward\n    options: { fresh_yes: 0s, fresh_no: 0s }',
    (folder) => folder.write('tables/call-forward', `postern.test smtp:127.0.0.1:${port}\n`),
    async (gateway) => {
      expect(await rcpt(gateway, 'bob')).toContain('250 ')
      expect(await rcpt(gateway, 'eve')).toContain('550 5.1.1')
      await new Promise((resolve) => server.close(resolve))
      expect(await rcpt(gateway, 'bob')).toContain('250 ')
      expect(await rcpt(gateway, 'eve')).toContain('451 4.4.1')
    },
  )
})

/** An SMTP server that knows these local-parts. */
async function backEnd(known: readonly string[]): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined).write('220 back.test\r\n')
    socket.setEncoding('latin1').on('data', (text: unknown) => {
      for (const line of String(text).split('\r\n').slice(0, -1)) {
        const [, localPart] = /^RCPT TO:<([^@]*)@/.exec(line) ?? []
        const exists = localPart === undefined || known.includes(localPart)
        socket.write(exists ? '250 ok\r\n' : '550 5.1.1 unknown\r\n')
        if (line === 'QUIT') socket.end()
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}
