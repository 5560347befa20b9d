/** `postern queue …` on a gateway that runs, on one that does not, and what a restart remembers of it. */
import { stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  delivered,
  dialogue,
  eventually,
  gatewayFolder,
  mailIn,
  runPostern,
  startGateway,
  type GatewayFolder,
  type StartedGateway,
} from './started-gateway.ts'

let folder: GatewayFolder
let gateway: StartedGateway

const queue = async (...args: readonly string[]) => {
  const { stdout, stderr } = await runPostern(['queue', ...args, '--config', folder.config])
  return `${stderr}${stdout}`.trim()
}
const listed = async (...args: readonly string[]) => {
  const lines = (await queue('list', ...args)).split('\n').slice(1)
  return lines.map((line) => line.replace(/^\S+ .*? {2}(?=<)/, '').replace(/^\S+ +/, ''))
}

/** @returns the ids in the order of the recipients */
async function post(...recipients: readonly string[]): Promise<string[]> {
  return postText('hello', ...recipients)
}

async function postText(text: string, ...recipients: readonly string[]): Promise<string[]> {
  const commands = recipients.flatMap((recipient) => [
    'MAIL FROM:<ann@postern.test>',
    `RCPT TO:<${recipient}>`,
    'DATA',
    `Subject: to ${recipient}\r\n\r\n${text}\r\n.`,
  ])
  const replies = await dialogue(gateway.port, ['EHLO client.test', ...commands, 'QUIT'])
  return replies.flatMap((reply) => /queued as (\S+)/i.exec(reply)?.[1] ?? [])
}

beforeAll(async () => {
  folder = await gatewayFolder()
  await folder.write('tcp.smtp', '127.0.0.1:allow,RELAYCLIENT=""\n')
  // Nobody listens on port 1.
  await folder.write('control/smtproutes', ':127.0.0.1:1\n')
  gateway = await startGateway(folder)
})

afterAll(async () => {
  await gateway.stop()
  await folder.remove()
})

describe('a running gateway', () => {
  test('can be reached by its own user only', async () => {
    const { mode } = await stat(join(folder.root, 'var/spool/control'))
    expect((mode & 0o777).toString(8)).toBe('700')
  })

  test('holds, releases and hurries what is chosen by id, path, domain or age', async () => {
    const ids = await post('bob@one.test', 'cid@one.test', 'dan@two.test')
    expect(ids).toHaveLength(3)
    expect(await queue('hold', '--domain', 'one.test', '--dry-run')).toBe(
      `${ids[0]}\n${ids[1]}\n2 messages would be held`,
    )
    expect(await queue('hold', '--domain', 'one.test')).toBe('2 messages held')
    expect(await queue('hold', '--domain', 'one.test')).toBe('0 messages held')
    expect((await queue('list', '--held')).split('\n').at(-1)).toBe('2 queued')
    expect(await queue('release', ids[0] ?? '')).toBe('1 message released')
    expect(await queue('retry', '--to', 'dan@two.test')).toBe('1 message due now')
    expect(await queue('retry', '--route', '127.0.0.1', '-n')).toContain('2 messages would be due')
    expect(await queue('delete', '--older-than', '1h')).toBe('0 messages deleted')
    expect(await queue('delete', '--from', 'ANN@postern.test', '--newer-than', '1h')).toBe(
      '3 messages deleted',
    )
    expect(await queue('list')).toContain('0 queued')
  })

  test('wants to be told which messages are meant', async () => {
    expect(await queue('delete')).toBe('postern: say which messages to delete, or --all')
    expect(await queue('hold', '--older-than', 'long')).toContain('long is not an age')
  })

  test('returns a message to its sender when told to', async () => {
    const [id = ''] = await post('eva@three.test')
    await gateway.seen('delivery.deferred', 3)
    await eventually(async () => {
      const said = await queue('bounce', id)
      return said === '1 message returned' ? said : undefined
    }, 'the bounce')
    const [bounce = ''] = await delivered(folder, ['ann', 'postern.test'])
    expect(bounce).toContain('The postmaster returned this message to its sender')
    expect(bounce).toMatch(/^Return-Path: <>\n/)
  })

  test('delivers nothing while paused, remembers that over a restart, and resumes', async () => {
    expect(await queue('pause')).toBe('paused: everything')
    await post('bob@postern.test')
    await gateway.stop()
    gateway = await startGateway(folder)
    expect(await queue('paused')).toBe('paused: everything')
    await post('carl@postern.test')
    expect(await mailIn(folder, 'postern.test', 'bob')).toEqual([])
    expect(await queue('resume')).toBe('paused: nothing')
    await delivered(folder, ['bob', 'postern.test'])
    await delivered(folder, ['carl', 'postern.test'])
  })

  test('pauses one domain, and delivers to the others', async () => {
    expect(await queue('pause', '--domain', 'POSTERN.test')).toBe('paused: the domain postern.test')
    await post('dora@postern.test', 'dora@four.test')
    const tried = (count: number) =>
      eventually(async () => {
        const lines = await listed('--domain', 'four.test')
        return lines.filter((line) => line.includes('No session')).length === count
          ? lines
          : undefined
      }, 'a try for the other domain')
    await tried(1)
    await post('dan@four.test')
    // Of its next hop it is known by now that it does not answer, which is said in two lines.
    expect((await tried(2)).join()).not.toContain('?')
    expect(await mailIn(folder, 'postern.test', 'dora')).toEqual([])
    expect(await queue('resume', '--domain', '.test', '-n')).toBe(
      '0 messages would be resumed: the domain .test, which is not paused',
    )
    expect(await queue('resume', '--domain', 'postern.test', '--dry-run')).toMatch(
      /^\w{11}\n1 message would be resumed: the domain postern\.test$/,
    )
    expect(await queue('resume', '--domain', 'postern.test')).toBe('paused: nothing')
    await delivered(folder, ['dora', 'postern.test'])
    await queue('delete', '--all')
  })

  test('pauses a sender or a recipient, and by id or age what is there', async () => {
    expect(await queue('pause', '--from', '<Ann@postern.test>', '--to', 'eve@postern.test')).toBe(
      'paused: mail from <ann@postern.test>, mail to eve@postern.test',
    )
    expect(await queue('pause', '--to', 'postern.test')).toBe(
      "postern: --to 'postern.test' means nobody: write an address or @domain",
    )
    const [id = ''] = await post('emil@postern.test')
    expect(await queue('pause', '--from', 'ann@postern.test', '--dry-run')).toMatch(
      /^\w+\n1 message/,
    )
    expect(await queue('pause', id)).toBe('1 message held')
    expect(await queue('resume', '--from', '<ann@postern.test>', '--to', 'eve@postern.test')).toBe(
      'paused: nothing',
    )
    expect(await mailIn(folder, 'postern.test', 'emil')).toEqual([])
    expect(await queue('resume', '--newer-than', '1h', '-n')).toBe(
      `${id}\n1 message would be released`,
    )
    expect(await queue('resume', id)).toBe('1 message released')
    await delivered(folder, ['emil', 'postern.test'])
  })
})

describe('a gateway that does not run', () => {
  test('has its queue steered all the same', async () => {
    const [id = ''] = await post('fay@five.test')
    await gateway.stop()
    expect(await queue('hold', '--all')).toBe('1 message held')
    expect(await queue('pause', '--route', 'mx.test')).toBe('paused: the route mx.test')
    expect(await queue('resume', '--route', 'mx.test')).toBe('paused: nothing')
    expect(await queue('bounce', '--route', '127.0.0.1')).toBe('1 message returned')
    expect(await queue('show', id)).toContain('There is no message')
    const again = await runPostern(['queue', 'hold', id, '--config', folder.config])
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining(`no message ${id}`)])
    gateway = await startGateway(folder)
    await delivered(folder, ['ann', 'postern.test'], 2)
  })
})

describe('a bounce whose addressee may be forged', () => {
  test('waits for an operator, is listed, and goes when it is released', async () => {
    const hop = await refusingHop()
    await folder.write('control/smtproutes', `relayed.test:127.0.0.1:${hop.port}\n`)
    await folder.write('control/rcpthosts', 'postern.test\nrelayed.test\n')
    await gateway.seen('"event":"config.reloaded"')
    await post('nobody@relayed.test')
    await gateway.seen('"event":"bounce.held"')
    const before = await mailIn(folder, 'postern.test', 'ann')
    expect((await queue('list', '--held-bounces')).split('\n').at(-1)).toBe('1 queued')
    expect(await queue('list', '--held-bounces')).toContain('<> → <ann@postern.test> (held)')
    expect(await queue('release', '--held-bounces')).toBe('1 message released')
    const mail = await delivered(folder, ['ann', 'postern.test'], before.length + 1)
    expect(mail.filter((text) => text.includes('550 5.1.1 nobody here'))).toHaveLength(1)
    hop.close()
  })
})

/** A next hop that knows no recipient. */
async function refusingHop(): Promise<{ readonly port: number; close(): void }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.write('220 hop\r\n')
    socket.on('data', (text) => {
      const refused = /^RCPT/i.test(String(text))
      socket.write(refused ? '550 5.1.1 nobody here\r\n' : '250 fine\r\n')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close: () => void server.close(),
  }
}

describe('a message of many bytes', () => {
  test('is printed to its last byte, beside the gateway', async () => {
    const text = Array.from({ length: 3_000 }, (_, line) => `${line} ${'x'.repeat(60)}`).join(
      '\r\n',
    )
    await queue('pause')
    const [id = ''] = await postText(text, 'eve@three.test')
    const { stdout } = await runPostern(['queue', 'cat', id, '--config', folder.config])
    expect(stdout.slice(stdout.indexOf('\r\n\r\n') + 4)).toBe(`${text}\r\n`)
  })
})
