import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createRawServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { httpPost } from './http-post.ts'
import { systemClock } from './node/clock.ts'
import { nodeNet } from './node/net.ts'

const cleanups: (() => void)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

async function server(answer: RequestListener): Promise<URL> {
  const http = createServer(answer)
  cleanups.push(() => {
    http.closeAllConnections()
    http.close()
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  return urlOf(http.address())
}

/** One that says bytes instead of HTTP. */
async function raw(bytes: string): Promise<URL> {
  const tcp = createRawServer((socket) => {
    socket.on('error', () => undefined)
    if (bytes !== '') socket.end(bytes)
    cleanups.push(() => socket.destroy())
  })
  cleanups.push(() => tcp.close())
  tcp.listen(0, '127.0.0.1')
  await once(tcp, 'listening')
  return urlOf(tcp.address())
}

function urlOf(address: ReturnType<ReturnType<typeof createServer>['address']>): URL {
  if (address === null || typeof address === 'string') throw new Error('no port')
  return new URL(`http://127.0.0.1:${address.port}/hook?a=b`)
}

function post(url: URL, options: Partial<Parameters<typeof httpPost>[1]> = {}): Promise<number> {
  const { signal } = new AbortController()
  return httpPost(
    { net: nodeNet, clock: systemClock },
    { url, body: '{"ü":1}', timeoutMs: 30_000, signal, ...options },
  )
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString()
}

test('a real server gets the body, its length and the fields', async () => {
  const { promise, resolve } = Promise.withResolvers<unknown>()
  const url = await server((request, response) => {
    void bodyOf(request).then((body) => {
      const { 'x-name': name, 'content-type': type } = request.headers
      resolve({ method: request.method, url: request.url, name, type, body })
      response.writeHead(204).end()
    })
  })
  expect(await post(url, { headers: [['X-Name', 'a\r\nInjected: yes']] })).toBe(204)
  expect(await promise).toEqual({
    method: 'POST',
    url: '/hook?a=b',
    name: 'a??Injected: yes',
    type: 'application/json',
    body: '{"ü":1}',
  })
})

test('a status that is no success is told, and interim answers are passed over', async () => {
  const url = await raw('HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 503 No\r\n\r\n')
  expect(await post(url)).toBe(503)
})

test('what is no HTTP, too long or silent is an error', async () => {
  await expect(post(await raw('hello\r\n\r\n'))).rejects.toMatchObject({ code: 'PEER_FAILED' })
  await expect(post(await raw(`HTTP/1.1 200 ${'x'.repeat(40_000)}`))).rejects.toMatchObject({
    code: 'PEER_FAILED',
  })
  await expect(post(await raw(''), { timeoutMs: 50 })).rejects.toMatchObject({ code: 'TIMEOUT' })
})

test('who hangs up has not answered', async () => {
  await expect(post(await raw('HTTP/1.1 200 OK\r\n'))).rejects.toMatchObject({
    code: 'PEER_FAILED',
  })
})
