/** What an operator asks a spool, and what a spool refuses. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import {
  dialogue,
  gatewayFolder,
  runPostern,
  startGateway,
  type GatewayFolder,
} from './started-gateway.ts'
import { workersOf } from './worker-processes.ts'

let folder: GatewayFolder
afterEach(async () => folder.remove())

async function paused(): Promise<GatewayFolder> {
  const made = await gatewayFolder()
  const path = join(made.config, 'postern.yaml')
  const yaml = await readFile(path, 'utf8')
  await writeFile(path, yaml.replace('delivery:', 'delivery:\n  paused: true'))
  return made
}

async function send(port: number, subject: string): Promise<string> {
  const replies = await dialogue(port, [
    'EHLO c',
    'MAIL FROM:<a@client.test>',
    'RCPT TO:<bob@postern.test>',
    'DATA',
    `Subject: ${subject}\r\n\r\nthe body of ${subject}\r\n.`,
    'QUIT',
  ])
  return / queued as (\w+)/.exec(replies[5] ?? '')?.[1] ?? ''
}

/** Changes one byte of what the only segment with this text holds. */
async function spoil(log: string, text: string): Promise<void> {
  for (const name of await readdir(log)) {
    const bytes = await readFile(join(log, name))
    const at = bytes.indexOf(text)
    if (at < 0) continue
    bytes[at] = 0x58
    await writeFile(join(log, name), bytes)
  }
}

describe('postern queue', () => {
  test(
    'fsck reads every promised byte beside a gateway, and damaged tells what was set aside',
    { timeout: 60_000 },
    async () => {
      folder = await paused()
      const queue = (...args: readonly string[]) =>
        runPostern(['queue', ...args, '--config', folder.config])
      const gateway = await startGateway(folder)
      const first = await send(gateway.port, 'first')
      await send(gateway.port, 'second')
      const whole = await queue('fsck')
      expect(whole).toMatchObject({ code: 0, stderr: '' })
      expect(whole.stdout).toContain('messages   2 queued')
      await gateway.stop()

      await spoil(join(folder.root, 'var/spool/log'), 'the body of first')
      const broken = await queue('fsck', '--json')
      expect(broken.code).toBe(1)
      expect(JSON.parse(broken.stdout)).toMatchObject({
        messages: 1,
        damage: [{ ids: [first], reason: 'the checksum of the payload does not hold' }],
      })
      expect((await queue('damaged')).stdout).toBe('nothing is damaged\n')

      await (await startGateway(folder)).stop()
      expect((await queue('fsck')).code).toBe(0)
      const { stdout } = await queue('damaged')
      expect(stdout).toContain(`${first} of `)
      expect(stdout).toContain('<a@client.test> → <bob@postern.test>')
      expect(stdout).toContain('1 file')
    },
  )
})

describe('a spool', () => {
  test('takes one gateway; a second one is told which process has it', async () => {
    folder = await paused()
    const gateway = await startGateway(folder)
    const second = await runPostern(['start', '--config', folder.config])
    expect(second.code).toBe(1)
    expect(second.stderr).toContain('another gateway uses this spool')
    const holder = Number(/held by process (\d+)/.exec(second.stderr)?.[1])
    expect(workersOf(gateway.pid)).toContain(holder)
    await gateway.stop()
    await (await startGateway(folder)).stop()
  })

  test('of a newer version is refused by everything that would read it', async () => {
    folder = await paused()
    await (await startGateway(folder)).stop()
    await writeFile(join(folder.root, 'var/spool/format'), 'postern spool 7\n')
    for (const command of [['start'], ['queue', 'list'], ['queue', 'fsck']]) {
      const { code, stderr } = await runPostern([...command, '--config', folder.config])
      expect(code).toBe(1)
      expect(stderr).toContain('has format 7, this is 2')
    }
  })
})
