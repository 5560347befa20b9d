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
  const leftMs = (): number => Math.max(1, deadline - clock.monotonicMs())
  const connection = await net.connect({ address: { host: address, port: 443 }, timeoutMs, signal })
  const abort = (): void => connection.destroy()
  signal.addEventListener('abort', abort, { once: true })
  try {
    const tls = { side: 'client', servername: host, verify: true, timeoutMs: leftMs() } as const
    await connection.startTls(tls)
    connection.write(
      `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAccept: text/plain\r\nConnection: close\r\n\r\n`,
    )
    return await gather(connection, clock, leftMs())
  } catch (error) {
    throw signal.aborted ? new PosternError('ABORTED') : error
  } finally {
    signal.removeEventListener('abort', abort)
    connection.destroy()
  }
}

/** All that comes until the peer closes, or what it announced is there. */
function gather(connection: Connection, clock: Clock, timeoutMs: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const response = new Response()
  const end = (): void => resolve(response.bytes)
  const timer = clock.after(timeoutMs, () => reject(new PosternError('TIMEOUT', 'HTTPS')))
  connection.attach({
    data(chunk) {
      if (!response.take(chunk)) {
        reject(new PosternError('PEER_FAILED', 'the response is too large'))
      } else if (response.isWhole) end()
    },
    ended: end,
    drained: () => {},
    closed: end,
  })
  return promise.finally(() => timer.cancel())
}

/** What has come; however small the pieces are, each byte of it is looked at once. */
class Response {
  readonly #buffer = Buffer.allocUnsafe(maxBytes)
  #size = 0
  #bodyAt = -1
  #framing: Framing = 'until it closes'

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#size)
  }

  /** @returns whether there was room for it */
  take(chunk: Buffer): boolean {
    if (this.#size + chunk.length > maxBytes) return false
    const from = Math.max(0, this.#size - 3)
    this.#size += chunk.copy(this.#buffer, this.#size)
    if (this.#bodyAt < 0) this.#findBody(from)
    return true
  }

  /** Some servers leave the connection open, whatever they are told. */
  get isWhole(): boolean {
    if (this.#bodyAt < 0) return false
    if (typeof this.#framing === 'number') return this.#size >= this.#bodyAt + this.#framing
    return this.#framing === 'chunked' && this.bytes.subarray(-lastChunk.length).equals(lastChunk)
  }

  #findBody(from: number): void {
    const end = this.bytes.indexOf('\r\n\r\n', from)
    if (end < 0) return
    this.#bodyAt = end + 4
    this.#framing = framingOf(this.bytes.toString('latin1', 0, end))
  }
}

/** How long the body is. */
type Framing = number | 'chunked' | 'until it closes'

const lastChunk = Buffer.from('\r\n0\r\n\r\n')

function framingOf(head: string): Framing {
  if (/^transfer-encoding:[ \t]*chunked[ \t]*$/im.test(head)) return 'chunked'
  const [, digits] = /^content-length:[ \t]*(\d{1,6})[ \t]*$/im.exec(head) ?? []
  return digits === undefined ? 'until it closes' : Number(digits)
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
  const framing = framingOf(head)
  const body = text.slice(end + 4)
  if (framing === 'chunked') return unchunked(body)
  const length = framing === 'until it closes' ? body.length : framing
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
