/**
 * One HTTPS GET of a small text from a host that a stranger chose (RFC 8461 §3.3): port 443 only, public addresses
 * only, the certificate verified for the name, no redirect followed, everything bounded in bytes and time. So nobody
 * can make this host talk to its own network.
 */
import ipaddr from 'ipaddr.js'
import { PosternError } from '../../mail/errors.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Dns } from '../../runtime/dns.ts'
import type { Connection, Net } from '../../runtime/net.ts'

export interface HttpsDoors {
  readonly net: Net
  readonly dns: Dns
  readonly clock: Clock
}

export interface HttpsGet {
  readonly host: string
  readonly path: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** RFC 8461 §3.3 suggests 64 KB; some more for the header. */
const maxBytes = 80 * 1024
const maxAddresses = 3

/**
 * The body of a 200.
 * @throws PosternError DNS_FAILED, CONNECT_FAILED, PEER_FAILED, TIMEOUT, ABORTED: there is no such text now
 */
export async function httpsGet(doors: HttpsDoors, get: HttpsGet): Promise<string> {
  const { dns } = doors
  const answer = await dns.addresses(get.host, get.signal)
  const addresses = answer.answer === 'found' ? answer.records.filter(isPublic) : []
  let failure = new PosternError('CONNECT_FAILED', `${get.host} has no public address`)
  for (const address of addresses.slice(0, maxAddresses)) {
    try {
      return bodyOf(await talk(doors, address, get))
    } catch (error) {
      if (!(error instanceof PosternError) || error.code === 'ABORTED') throw error
      failure = error
    }
  }
  throw failure
}

/** Anything else is loopback, private, link-local, reserved: nobody's business from outside. */
function isPublic(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === 'unicast'
}

async function talk(
  { net, clock }: HttpsDoors,
  address: string,
  { host, path, timeoutMs, signal }: HttpsGet,
): Promise<Buffer> {
  const deadline = clock.monotonicMs() + timeoutMs
  const connection = await net.connect({ address: { host: address, port: 443 }, timeoutMs, signal })
  const response = gather(connection, clock, { timeoutMs, signal })
  try {
    const leftMs = Math.max(1, deadline - clock.monotonicMs())
    const tls = { side: 'client', servername: host, verify: true, timeoutMs: leftMs } as const
    await Promise.race([connection.startTls(tls), response])
    connection.write(
      `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAccept: text/plain\r\nConnection: close\r\n\r\n`,
    )
    return await response
  } finally {
    connection.destroy()
  }
}

/** All that comes until the peer closes, or what it announced is there. */
function gather(
  connection: Connection,
  clock: Clock,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  // Where the handshake fails first, nobody waits for this.
  promise.catch(() => undefined)
  const chunks: Buffer[] = []
  let size = 0
  const give = (error: PosternError): void => reject(error)
  const abort = (): void => give(new PosternError('ABORTED'))
  const timer = clock.after(timeoutMs, () => give(new PosternError('TIMEOUT', 'HTTPS')))
  signal.addEventListener('abort', abort, { once: true })
  connection.attach({
    data(chunk) {
      chunks.push(chunk)
      size += chunk.length
      if (size > maxBytes) give(new PosternError('PEER_FAILED', 'the response is too large'))
      else if (isWhole(chunks, size)) resolve(Buffer.concat(chunks))
    },
    ended: () => resolve(Buffer.concat(chunks)),
    drained: () => {},
    closed() {
      timer.cancel()
      signal.removeEventListener('abort', abort)
      resolve(Buffer.concat(chunks))
    },
  })
  return promise
}

/** Some servers leave the connection open, whatever they are told. */
function isWhole(chunks: readonly Buffer[], size: number): boolean {
  const text = Buffer.concat(chunks).toString('latin1')
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return false
  const [, digits] = /^content-length:[ \t]*(\d{1,6})[ \t]*$/im.exec(text.slice(0, end)) ?? []
  return digits !== undefined && size >= end + 4 + Number(digits)
}

function bodyOf(response: Buffer): string {
  const text = response.toString('latin1')
  const end = text.indexOf('\r\n\r\n')
  const head = text.slice(0, Math.max(0, end))
  const [, code] = /^HTTP\/1\.[01] (\d{3})(?: |\r|$)/.exec(head) ?? []
  if (code !== '200') throw new PosternError('PEER_FAILED', `HTTP says ${code ?? 'nothing clear'}`)
  // A page that says it is a policy must not be taken for one (RFC 8461 §3.2).
  if (!/^content-type:[ \t]*text\/plain[ \t]*(?:;.*)?$/im.test(head)) {
    throw new PosternError('PEER_FAILED', 'the policy is no text/plain')
  }
  const [, digits] = /^content-length:[ \t]*(\d{1,6})[ \t]*$/im.exec(head) ?? []
  const body = text.slice(end + 4)
  if (/^transfer-encoding:[ \t]*chunked[ \t]*$/im.test(head)) return unchunked(body)
  const length = digits === undefined ? body.length : Number(digits)
  if (body.length < length) throw new PosternError('PEER_FAILED', 'the response is cut short')
  return body.slice(0, length)
}

/** RFC 9112 §7.1. */
function unchunked(body: string): string {
  let out = ''
  for (let at = 0; ;) {
    const lineEnd = body.indexOf('\r\n', at)
    const [size] =
      /^[\da-f]{1,6}(?=[ \t]*(?:;|$))/i.exec(body.slice(at, Math.max(at, lineEnd))) ?? []
    if (size === undefined) throw new PosternError('PEER_FAILED', 'the response is cut short')
    const length = Number.parseInt(size, 16)
    if (length === 0) return out
    out += body.slice(lineEnd + 2, lineEnd + 2 + length)
    at = lineEnd + 4 + length
  }
}
