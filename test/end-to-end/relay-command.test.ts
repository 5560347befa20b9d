/** `postern relay add | list | remove`: what is written, that it is all or nothing, and that mail goes there. */
import { chmod, readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  dialogue,
  eventually,
  gatewayFolder,
  runPostern,
  startGateway,
  type GatewayFolder,
} from './started-gateway.ts'

let folder: GatewayFolder
const hosts: Server[] = []

beforeEach(async () => {
  folder = await gatewayFolder()
})
afterEach(async () => {
  for (const host of hosts.splice(0)) host.close()
  await folder.remove()
})

const relay = (...args: readonly string[]) =>
  runPostern(['relay', ...args, '--config', folder.config])

/** A next hop that knows ann alone. @returns its port, and the recipients whose mail it took */
async function nextHop(): Promise<{ port: number; took: string[] }> {
  const took: string[] = []
  const server = createServer((socket) => {
    let recipient = ''
    let isData = false
    socket.setEncoding('latin1').write('220 hop\r\n')
    socket.on('error', () => undefined)
    socket.on('data', (text) => {
      for (const line of String(text).split('\r\n').slice(0, -1)) {
        if (isData) {
          if (line !== '.') continue
          isData = false
          took.push(recipient)
          socket.write('250 took it\r\n')
        } else if (/^RCPT/i.test(line)) {
          recipient = /<(.*?)>/.exec(line)?.[1] ?? ''
          socket.write(recipient.startsWith('ann@') ? '250 ok\r\n' : '550 5.1.1 who?\r\n')
        } else if (/^DATA/i.test(line)) {
          isData = true
          socket.write('354 go\r\n')
        } else socket.write(/^QUIT/i.test(line) ? '221 bye\r\n' : '250 ok\r\n')
      }
    })
  })
  hosts.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return { port: typeof address === 'object' ? (address?.port ?? 0) : 0, took }
}

test('a domain is added with its hops and its recipient check, and its mail goes to the first that answers', async () => {
  const { port, took } = await nextHop()
  await folder.write('control/smtproutes', '# by hand\nother.test:192.0.2.1\n')
  // Nobody listens at the first hop.
  const to = `127.0.0.1:1,127.0.0.1:${port}`
  const added = await relay('add', 'Example.test', '--to', to)
  expect([added.code, added.stderr]).toEqual([0, ''])
  expect(added.stdout).toContain(`  +example.test:${to}\n`)
  expect(await folder.read('control/smtproutes')).toBe(
    `# by hand\nother.test:192.0.2.1\nexample.test:${to}\n`,
  )
  expect(await folder.read('control/rcpthosts')).toMatch(/\nexample\.test\n$/)
  const verified = `127.0.0.1:2,127.0.0.1:${port}`
  const backEnds = `smtp:127.0.0.1:2,smtp:127.0.0.1:${port}`
  await relay('add', 'checked.test', '--to', verified, '--verify')
  expect(await folder.read('tables/call-forward')).toContain(`checked.test ${backEnds}\n`)
  const { stdout } = await relay('list')
  expect(stdout).toContain(`example.test  ${to}  recipients not verified\n`)
  expect(stdout).toContain(`checked.test  ${verified}  recipients by ${backEnds}\n`)
  const gateway = await startGateway(folder)
  try {
    const replies = await dialogue(gateway.port, [
      'EHLO c',
      'MAIL FROM:<a@client.test>',
      'RCPT TO:<ann@example.test>',
      'RCPT TO:<ann@checked.test>',
      'RCPT TO:<nobody@checked.test>',
      'DATA',
      'Subject: x\r\n\r\nhello\r\n.',
      'QUIT',
    ])
    expect(replies.slice(3, 6).map((reply) => reply.slice(0, 9))).toEqual([
      '250 2.1.5',
      '250 2.1.5',
      '550 5.1.1',
    ])
    await eventually(async () => (took.length === 2 ? true : undefined), 'both copies')
    expect(took.toSorted()).toEqual(['ann@checked.test', 'ann@example.test'])
  } finally {
    await gateway.stop()
  }
})

test('a domain that is removed leaves the files as they were before it', async () => {
  const before = await Promise.all(
    ['control/rcpthosts', 'control/smtproutes'].map((path) => folder.read(path)),
  )
  await relay('add', 'example.test', '--to', '192.0.2.1')
  const removed = JSON.parse((await relay('remove', 'example.test', '--json')).stdout)
  expect(removed).toMatchObject({ written: true })
  const after = await Promise.all(
    ['control/rcpthosts', 'control/smtproutes'].map((path) => folder.read(path)),
  )
  expect(after).toEqual(before)
  expect((await relay('remove', 'example.test')).code).toBe(1)
})

test('nothing is written where something is wrong, or only asked what would be', async () => {
  const texts = () =>
    Promise.all(
      ['control/rcpthosts', 'control/smtproutes', 'postern.yaml'].map((path) => folder.read(path)),
    )
  const before = await texts()
  for (const [expected, domain, to, problem] of [
    [2, 'example.test', '192.0.2.1:many', 'the port is a number'],
    [2, 'example.test', '192.0.2.1:25,192.0.2.2:0', 'the port is a number'],
    [2, 'nonsense', '192.0.2.1', 'is no domain'],
    [1, 'postern.test', '192.0.2.1', 'stands in control/locals'],
  ] as const) {
    const { code, stderr } = await relay('add', domain, '--to', to)
    expect([code, stderr]).toEqual([expected, expect.stringContaining(problem)])
  }
  expect((await relay('add', 'example.test', '--to', '192.0.2.1', '--dry-run')).stdout).toContain(
    'nothing was written',
  )
  expect(await texts()).toEqual(before)
})

test.skipIf(process.getuid?.() === 0)('where one file cannot be written, no other is', async () => {
  await chmod(join(folder.config, 'control'), 0o500)
  const before = await readFile(join(folder.config, 'postern.yaml'), 'utf8')
  expect((await relay('add', 'example.test', '--to', '192.0.2.1', '--verify')).code).toBe(1)
  expect(await readFile(join(folder.config, 'postern.yaml'), 'utf8')).toBe(before)
  await chmod(join(folder.config, 'control'), 0o700)
})
