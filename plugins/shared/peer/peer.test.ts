import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { fakeClock, fakeNet, scriptedPeer, type ScriptedPeer } from 'postern/testkit'
import { formatPeerAddress, parsePeerAddress } from './peer-address.ts'
import { Peer } from './peer.ts'

const address = { host: '127.0.0.1', port: 1 }

async function conversation(
  play: (peer: ScriptedPeer) => Promise<void> | void,
  signal?: AbortSignal,
) {
  const net = fakeNet()
  const clock = fakeClock()
  await net.listen({
    address,
    accepted: (connection) => void play(scriptedPeer(connection)),
    failed: () => undefined,
  })
  const call = { address, connectMs: 100, patienceMs: 1000, ...(signal ? { signal } : {}) }
  return { peer: await Peer.connect({ net, clock }, call), clock, net }
}

describe('a conversation with a server', () => {
  test('reads up to a mark, so many bytes, and all the rest, whatever the pieces', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }), async (cuts) => {
        const said = 'one\r\ntwo--rest'
        const { peer } = await conversation((server) => {
          for (let at = 0, turn = 0; at < said.length; turn++) {
            const size = cuts[turn % cuts.length] ?? 1
            server.say(said.slice(at, at + size))
            at += size
          }
          server.hangUp()
        })
        expect(String(await peer.readTo('\r\n', 10))).toBe('one')
        expect(String(await peer.readExactly(3))).toBe('two')
        expect(String(await peer.readToEnd(100))).toBe('--rest')
      }),
      { numRuns: 30 },
    )
  })

  test('fails where more is said than was asked for', async () => {
    const { peer } = await conversation((server) => server.say('x'.repeat(100)))
    await expect(peer.readTo('\n', 50)).rejects.toThrow('says too much')
    await expect(peer.send('more')).rejects.toThrow('says too much')
  })

  test('ends when its patience does, or the caller’s signal fires', async () => {
    const controller = new AbortController()
    const first = await conversation(() => undefined)
    const waiting = first.peer.readExactly(1)
    await new Promise((resolve) => setImmediate(resolve))
    first.clock.advance(1000)
    await expect(waiting).rejects.toMatchObject({ code: 'TIMEOUT' })
    const second = await conversation(() => undefined, controller.signal)
    const called = second.peer.readExactly(1)
    controller.abort()
    await expect(called).rejects.toMatchObject({ code: 'ABORTED' })
    expect(second.clock.pending).toBe(0)
    expect(second.net.open).toBe(0)
  })
})

describe('the address of a server', () => {
  test.each([
    ['127.0.0.1:3310', '127.0.0.1:3310'],
    ['clamd.example.org:3310', 'clamd.example.org:3310'],
    ['[::1]:11332', '[::1]:11332'],
    ['/run/clamav/clamd.ctl', '/run/clamav/clamd.ctl'],
    ['unix:/run/x.sock', '/run/x.sock'],
    ['local:/run/x.sock', '/run/x.sock'],
    ['inet:8891@localhost', 'localhost:8891'],
    ['inet6:8891@::1', '[::1]:8891'],
  ])('%s is %s', (text, formatted) => {
    const parsed = parsePeerAddress(text)
    expect(parsed && formatPeerAddress(parsed)).toBe(formatted)
  })

  test.each(['', 'localhost', 'localhost:0', 'localhost:65536', ':1', 'a b:1', '::1:25', 'x/y:1'])(
    '%j is none',
    (text) => {
      expect(parsePeerAddress(text)).toBeUndefined()
    },
  )
})
