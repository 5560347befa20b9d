/**
 * One HTTP/1.1 request to a server of the operator's (RFC 9112): over TCP, TLS or a UNIX socket, a connection of its
 * own, the body streamed, everything that comes back bounded in bytes and time. No redirect is followed.
 */
import type { NetAddress } from 'postern/plugin'
import { Peer, type PeerDoors } from '../peer/peer.ts'

export interface HttpBody {
  readonly sizeBytes: number
  readonly chunks: () => AsyncIterable<Uint8Array>
}

export interface HttpRequest {
  readonly address: NetAddress
  /** Whom the certificate must name; absent: no TLS. */
  readonly tls?: string
  readonly method: 'GET' | 'POST'
  readonly host: string
  readonly path: string
  /** Beside Host, Connection and Content-Length. What would break a line is written as `?`. */
  readonly fields?: readonly (readonly [name: string, value: string])[]
  readonly body?: HttpBody
  /** Of the body that comes back. */
  readonly maxReplyBytes: number
  readonly connectMs: number
  readonly patienceMs: number
  readonly signal: AbortSignal
}

export interface HttpReply {
  readonly status: number
  /** Names in lower case; of several fields of one name the last. */
  readonly fields: ReadonlyMap<string, string>
  readonly body: Buffer
  /** It came before the request was sent to its end. */
  readonly isEarly: boolean
}

const largestHead = 16_384
const mostInterim = 5

/** @throws PosternError CONNECT_FAILED, PEER_FAILED, TIMEOUT, ABORTED; a status is no error */
export async function httpRequest(doors: PeerDoors, request: HttpRequest): Promise<HttpReply> {
  const peer = await Peer.connect(doors, request)
  try {
    if (request.tls !== undefined) await peer.startTls(request.tls)
    await peer.send(Buffer.from(headOf(request), 'utf8'))
    const heads = new FinalHead(peer)
    const isWhole = request.body === undefined || (await sendBody(peer, request.body, heads))
    const head = await heads.read()
    return { ...(await replyOf(peer, head, request.maxReplyBytes)), isEarly: !isWhole }
  } finally {
    peer.hangUp()
  }
}

function headOf({ method, path, host, fields = [], body }: HttpRequest): string {
  const length = body === undefined ? [] : [['Content-Length', String(body.sizeBytes)] as const]
  const lines = [['Host', host], ['Connection', 'close'], ...length, ...fields] as const
  const written = lines.map(([name, value]) => `${name}: ${value.replace(/\p{Cc}/gu, '?')}\r\n`)
  return `${method} ${path} HTTP/1.1\r\n${written.join('')}\r\n`
}

/** A server that answers before it has read everything wants no more. @returns whether it got everything */
async function sendBody(peer: Peer, { chunks }: HttpBody, heads: FinalHead): Promise<boolean> {
  for await (const chunk of chunks()) {
    while (peer.hasSpoken) if (await heads.isNext()) return false
    await peer.send(chunk)
  }
  return true
}

interface Head {
  readonly status: number
  readonly text: string
}

/** The head of the answer: those of interim answers (1xx, RFC 9110 §15.2) may come before it, whether asked for or not. */
class FinalHead {
  readonly #peer: Peer
  #final: Head | undefined
  #interim = 0

  constructor(peer: Peer) {
    this.#peer = peer
  }

  async read(): Promise<Head> {
    while (this.#final === undefined) await this.isNext()
    return this.#final
  }

  /** Reads one head. @returns whether it is that of the answer */
  async isNext(): Promise<boolean> {
    const text = (await this.#peer.readTo('\r\n\r\n', largestHead)).toString('latin1')
    const [, code] = /^HTTP\/1\.[01] (\d{3})(?: |\r|$)/.exec(text) ?? []
    if (code === undefined) throw this.#peer.fail(`says ${JSON.stringify(text.slice(0, 100))}`)
    if (!code.startsWith('1')) this.#final = { status: Number(code), text }
    else if (++this.#interim === mostInterim) throw this.#peer.fail('never comes to an answer')
    return this.#final !== undefined
  }
}

async function replyOf(
  peer: Peer,
  { status, text }: Head,
  maxReplyBytes: number,
): Promise<Omit<HttpReply, 'isEarly'>> {
  const fields = fieldsOf(text)
  return { status, fields, body: await bodyOf(peer, fields, maxReplyBytes) }
}

function fieldsOf(head: string): ReadonlyMap<string, string> {
  return new Map(
    head
      .split('\r\n')
      .slice(1)
      .map((line) => {
        const colon = line.indexOf(':')
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
      }),
  )
}

/** RFC 9112 §6.3. */
async function bodyOf(
  peer: Peer,
  fields: ReadonlyMap<string, string>,
  maxBytes: number,
): Promise<Buffer> {
  const coding = fields.get('transfer-encoding')
  if (coding !== undefined) {
    if (coding.toLowerCase() !== 'chunked') throw peer.fail('codes its answer')
    return unchunked(peer, maxBytes)
  }
  const digits = fields.get('content-length')
  if (digits === undefined) return peer.readToEnd(maxBytes)
  if (!/^\d{1,12}$/.test(digits)) throw peer.fail('gives no length')
  if (Number(digits) > maxBytes) throw peer.fail('says too much')
  return peer.readExactly(Number(digits))
}

/** RFC 9112 §7.1. What follows the last chunk is of no interest. */
async function unchunked(peer: Peer, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for (;;) {
    const line = (await peer.readTo('\r\n', 256)).toString('latin1')
    const [size] = /^[\da-f]{1,8}(?=[ \t]*(?:;|$))/i.exec(line) ?? []
    if (size === undefined) throw peer.fail('breaks its chunks')
    const length = Number.parseInt(size, 16)
    if (length === 0) return Buffer.concat(chunks)
    sizeBytes += length
    if (sizeBytes > maxBytes) throw peer.fail('says too much')
    chunks.push(await peer.readExactly(length))
    if ((await peer.readExactly(2)).toString('latin1') !== '\r\n')
      throw peer.fail('breaks its chunks')
  }
}
