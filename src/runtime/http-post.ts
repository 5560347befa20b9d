/**
 * One HTTP/1.1 POST of JSON to a server of the operator's (RFC 9112), on a connection of its own: bounded in time and
 * in what is read. No redirect is followed, and of the answer only its status counts.
 */
import { PosternError } from '../mail/errors.ts'
import type { Clock } from './clock.ts'
import type { Connection, Net } from './net.ts'

export interface HttpPost {
  /** `http:` or `https:`; the certificate is verified. */
  readonly url: URL
  /** Beside Host, Content-Type and Content-Length; what would break a line is a mistake of the configuration. */
  readonly headers?: readonly (readonly [name: string, value: string])[]
  readonly body: string
  /** For all of it. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

export interface HttpPostDoors {
  readonly net: Pick<Net, 'connect'>
  readonly clock: Clock
}

const mostHeadBytes = 16_384

/**
 * @returns the status code; one that is no success is no error
 * @throws PosternError CONNECT_FAILED, PEER_FAILED, TIMEOUT, ABORTED
 */
export async function httpPost({ net, clock }: HttpPostDoors, post: HttpPost): Promise<number> {
  const { url, timeoutMs, signal } = post
  const deadlineMs = clock.monotonicMs() + timeoutMs
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const tls = url.protocol === 'https:'
  const port = url.port === '' ? (tls ? 443 : 80) : Number(url.port)
  const connection = await net.connect({ address: { host, port }, timeoutMs, signal })
  const answer = statusOf(connection, clock, { leftMs: deadlineMs - clock.monotonicMs(), signal })
  try {
    if (tls) {
      const leftMs = Math.max(1, deadlineMs - clock.monotonicMs())
      const options = { side: 'client', servername: host, verify: true, timeoutMs: leftMs } as const
      await Promise.race([connection.startTls(options), answer])
    }
    connection.write(Buffer.from(requestText(post), 'utf8'))
    return await answer
  } finally {
    connection.destroy()
  }
}

function requestText({ url, headers = [], body }: HttpPost): string {
  const fields = [
    ['Host', url.host],
    ['Content-Type', 'application/json'],
    ['Content-Length', String(Buffer.byteLength(body))],
    ['Connection', 'close'],
    ...headers,
  ] as const
  const lines = fields.map(([name, value]) => `${oneLine(name)}: ${oneLine(value)}\r\n`)
  return `POST ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join('')}\r\n${body}`
}

function oneLine(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?')
}

/** Settles once; interim answers (1xx) are passed over. */
function statusOf(
  connection: Connection,
  clock: Clock,
  { leftMs, signal }: { readonly leftMs: number; readonly signal: AbortSignal },
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  // Where the handshake fails first, nobody waits for this.
  promise.catch(() => undefined)
  const fail = (code: 'TIMEOUT' | 'ABORTED' | 'PEER_FAILED', text: string): void =>
    reject(new PosternError(code, text))
  const timer = clock.after(Math.max(1, leftMs), () => fail('TIMEOUT', 'HTTP'))
  const abort = (): void => fail('ABORTED', 'HTTP')
  signal.addEventListener('abort', abort, { once: true })
  let head = ''
  const read = (): void => {
    for (;;) {
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) break
      const [, code] = /^HTTP\/1\.[01] (\d{3})(?: |\r)/.exec(head) ?? []
      if (code === undefined) return fail('PEER_FAILED', 'the answer is no HTTP')
      if (!code.startsWith('1')) return resolve(Number(code))
      head = head.slice(end + 4)
    }
    if (head.length > mostHeadBytes) fail('PEER_FAILED', 'the answer is too long')
  }
  connection.attach({
    data(chunk) {
      if (head.length > mostHeadBytes) return
      head += chunk.toString('latin1')
      read()
    },
    ended: () => fail('PEER_FAILED', 'the server hung up without an answer'),
    drained: () => undefined,
    closed() {
      timer.cancel()
      signal.removeEventListener('abort', abort)
      fail('PEER_FAILED', 'the server hung up without an answer')
    },
  })
  return promise
}
