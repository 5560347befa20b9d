import { describe, expect, test } from 'vitest'
import { fakeClock, fakeNet, scriptedPeer, type ScriptedPeer } from 'postern/testkit'
import { httpRequest, type HttpRequest } from './http.ts'

const address = { host: '127.0.0.1', port: 80 }

async function ask(
  play: (peer: ScriptedPeer) => Promise<void> | void,
  more: Partial<HttpRequest> = {},
) {
  const net = fakeNet()
  await net.listen({
    address,
    accepted: (connection) => void play(scriptedPeer(connection)),
    failed: () => undefined,
  })
  return httpRequest(
    { net, clock: fakeClock() },
    {
      address,
      method: 'POST',
      host: 'rspamd',
      path: '/checkv2',
      maxReplyBytes: 100,
      connectMs: 1000,
      patienceMs: 1000,
      signal: new AbortController().signal,
      ...more,
    },
  )
}

const text = (words: string) => ({
  sizeBytes: words.length,
  async *chunks() {
    yield Buffer.from(words)
  },
})

describe('an HTTP request', () => {
  test('sends its head and body, and reads an answer of a known length', async () => {
    let heard = ''
    const reply = await ask(
      async (peer) => {
        for (let line = await peer.line(); line !== ''; line = await peer.line())
          heard += `${line}|`
        heard += await peer.take(5)
        peer.say(
          'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 3\r\nX-A:b\r\n\r\nabcdef',
        )
      },
      { body: text('hello'), fields: [['From', 'a\r\nEvil: 1']] },
    )
    expect(heard).toBe(
      'POST /checkv2 HTTP/1.1|Host: rspamd|Connection: close|Content-Length: 5|From: a??Evil: 1|hello',
    )
    expect(reply.status).toBe(404)
    expect(String(reply.body)).toBe('abc')
    expect(reply.fields.get('x-a')).toBe('b')
  })

  test('reads chunks, whatever the pieces, and what has no length to its end', async () => {
    const chunked = await ask((peer) => {
      for (const piece of 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nabc\r\n2\r\nde\r\n0\r\n\r\n')
        peer.say(piece)
    })
    expect(String(chunked.body)).toBe('abcde')
    const plain = await ask((peer) => {
      peer.say('HTTP/1.0 200 OK\r\n\r\nabc')
      peer.hangUp()
    })
    expect(String(plain.body)).toBe('abc')
  })

  test('goes on sending where the server only says that it may', async () => {
    let heard = ''
    const said = Promise.withResolvers<void>()
    const reply = await ask(
      async (peer) => {
        for (let line = await peer.line(); line !== ''; line = await peer.line());
        peer.say('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n')
        said.resolve()
        heard = (await peer.take(10)) ?? ''
        peer.say('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      },
      {
        body: {
          sizeBytes: 10,
          async *chunks() {
            yield Buffer.from('hello')
            await said.promise
            await new Promise((resolve) => setImmediate(resolve))
            yield Buffer.from('world')
          },
        },
      },
    )
    expect(heard).toBe('helloworld')
    expect(reply).toMatchObject({ status: 200, isEarly: false })
  })

  test('says nothing before the handshake, where TLS is asked for', async () => {
    const context = fakeNet().tlsContext({ certificate: '', key: '' })
    const reply = await ask(
      async (peer) => {
        await peer.startTls(context)
        while ((await peer.line()) !== '');
        peer.say('HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n')
      },
      { tls: 'check.example.org' },
    )
    expect(reply.status).toBe(204)
    await expect(
      ask((peer) => void peer.failTls(), { tls: 'check.example.org' }),
    ).rejects.toMatchObject({ code: 'PEER_FAILED' })
  })

  test.each([
    ['no HTTP', 'SSH-2.0\r\n\r\n'],
    ['too long a body', 'HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n'],
    ['too long a body without a length', `HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(101)}`],
    [
      'too many chunks',
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${'9\r\n123456789\r\n'.repeat(12)}`,
    ],
    ['broken chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
    [
      'chunks that do not end where they say',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc',
    ],
    ['a body that is cut short', 'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nabc'],
    ['an unknown coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n'],
    ['a length that is none', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n'],
    ['nothing but promises', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(6)],
    ['an endless head', `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(5000)}`],
    ['nothing', ''],
  ])('refuses %s', async (_, said) => {
    const answer = ask((peer) => {
      peer.say(said)
      peer.hangUp()
    })
    await expect(answer).rejects.toMatchObject({ code: 'PEER_FAILED' })
  })
})
