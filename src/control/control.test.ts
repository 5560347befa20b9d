import { mkdtemp, rm, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../runtime/node/clock.ts'
import { nodeNet } from '../runtime/node/net.ts'
import { recordingLog } from '../testkit/recording-log.ts'
import { askGateway } from './control-client.ts'
import { formatLine, LineReader, readAnswer, readRequest } from './control-lines.ts'
import { openControlServer } from './control-server.ts'
import { maxLineBytes, type ControlHandler } from './control.ts'

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

async function stage(handlers: Readonly<Record<string, ControlHandler>> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'postern-control-'))
  cleanups.push(() => rm(folder, { recursive: true }))
  const path = join(folder, 'socket')
  const doors = { net: nodeNet, clock: systemClock }
  const log = recordingLog()
  const map = new Map(Object.entries(handlers))
  const server = await openControlServer({ ...doors, log, path, handlers: map })
  cleanups.push(() => server.close())
  return {
    path,
    server,
    ask: (verb: string, of: Parameters<ControlHandler>[0] = null) =>
      askGateway({ verb, of }, { ...doors, path }),
  }
}

/** What comes back for bytes that no client of ours would send. */
async function say(path: string, bytes: string): Promise<string> {
  const socket = connect(path).setEncoding('utf8')
  let heard = ''
  socket.on('data', (text) => (heard += String(text)))
  socket.on('error', () => undefined)
  socket.end(bytes)
  await new Promise((resolve) => socket.once('close', resolve))
  return heard
}

describe('a running gateway', () => {
  test('does what it is asked, and answers', async () => {
    const { ask } = await stage({ double: async (of) => [of, of] })
    expect(await ask('double', { a: 'ü\n' })).toEqual([{ a: 'ü\n' }, { a: 'ü\n' }])
  })

  test('says why it does not', async () => {
    const { ask } = await stage({ fail: () => Promise.reject(new Error('no such domain')) })
    await expect(ask('fail')).rejects.toThrow('no such domain')
    await expect(ask('dance')).rejects.toThrow('does not know such a request')
  })

  test('does the requests of one connection one after the other', async () => {
    const order: string[] = []
    const { path } = await stage({
      note: async (of) => {
        order.push(`begin ${JSON.stringify(of)}`)
        await new Promise((resolve) => setImmediate(resolve))
        order.push(`end ${JSON.stringify(of)}`)
        return of
      },
    })
    const lines = ['a', 'b'].map((of) => formatLine({ verb: 'note', of }).toString())
    const heard = await say(path, lines.join(''))
    expect(heard.trim().split('\n').map(readAnswer)).toEqual([
      { ok: true, value: 'a' },
      { ok: true, value: 'b' },
    ])
    expect(order).toEqual(['begin "a"', 'end "a"', 'begin "b"', 'end "b"'])
  })

  test('survives what is no request, and lines without end', async () => {
    const { path, ask } = await stage({ ping: async () => 'pong' })
    expect(await say(path, 'GET / HTTP/1.1\r\n')).toContain('"ok":false')
    expect(await say(path, 'x'.repeat(maxLineBytes + 10))).toBe('')
    expect(await ask('ping')).toBe('pong')
  })

  test('lets only its own user ask, whatever the umask', async () => {
    const umask = process.umask(0)
    try {
      const { path } = await stage()
      expect((await stat(path)).mode & 0o777).toBe(0o600)
    } finally {
      process.umask(umask)
    }
  })

  test('hangs up on who asks more than it can answer', async () => {
    const { path, ask } = await stage({ ping: async () => 'pong' })
    const line = formatLine({ verb: 'ping', of: null }).toString()
    expect(await say(path, line.repeat(1_000))).toBe('')
    expect(await ask('ping')).toBe('pong')
  })

  test('that closes finishes what it does, and hears no more', async () => {
    const { promise, resolve } = Promise.withResolvers<string>()
    const begun = Promise.withResolvers<void>()
    const { ask, server } = await stage({
      slow: () => {
        begun.resolve()
        return promise
      },
    })
    const answer = ask('slow')
    await begun.promise
    const closed = server.close()
    resolve('done')
    expect(await answer).toBe('done')
    await closed
    await expect(ask('slow')).rejects.toMatchObject({ code: 'CONNECT_FAILED' })
  })
})

describe('the lines', () => {
  test('come whole, however they are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme' })),
        fc.array(fc.nat(40)),
        (texts, cuts) => {
          const lines = texts.map((text) => text.replaceAll('\n', ' '))
          const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
          const reader = new LineReader()
          const read: string[] = []
          let from = 0
          for (const cut of [...cuts, bytes.length]) {
            read.push(...(reader.read(bytes.subarray(from, from + cut)) ?? []))
            from += cut
          }
          expect(read).toEqual(lines)
        },
      ),
    )
  })

  test('that make no sense are no requests and no answers', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
        expect(['string', 'undefined']).toContain(typeof readRequest(line)?.verb)
        expect(['boolean', 'undefined']).toContain(typeof readAnswer(line)?.ok)
      }),
    )
  })
})
