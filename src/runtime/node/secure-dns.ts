/**
 * Questions whose answers carry the resolver's word on DNSSEC, which node:dns does not tell. By UDP, and by TCP where
 * the answer does not fit; each server is asked once in turn.
 */
import { createSocket } from 'node:dgram'
import { getServers } from 'node:dns'
import { connect, isIPv6 } from 'node:net'
import { randomInt } from 'node:crypto'
import { PosternError } from '../../mail/errors.ts'
import type { TlsaRecord } from '../../mail/tls-policy.ts'
import type { SecureDns } from '../secure-dns.ts'
import { encodeQuestion, parseResponse, type DnsResponse, type RecordType } from './dns-message.ts'

export interface NodeSecureDnsOptions {
  /** Addresses with optional port, `127.0.0.1` or `[::1]:5353`; absent: what the system uses. */
  readonly servers?: readonly string[]
  readonly timeoutMs?: number
}

interface Server {
  readonly host: string
  readonly port: number
}

interface Asking {
  readonly question: Buffer
  readonly server: Server
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
}

export function nodeSecureDns({
  servers,
  timeoutMs = 2_000,
}: NodeSecureDnsOptions = {}): SecureDns {
  const ask = async (
    name: string,
    type: RecordType,
    signal: AbortSignal | undefined,
  ): Promise<DnsResponse> => {
    let failure = new PosternError('DNS_FAILED', 'there is no name server')
    for (const text of servers ?? getServers()) {
      const question = encodeQuestion(randomInt(65_536), name, type)
      const asking = { question, server: serverOf(text), timeoutMs, signal }
      try {
        return await answered(asking)
      } catch (error) {
        if (!(error instanceof PosternError) || error.code !== 'DNS_FAILED') throw error
        failure = error
      }
    }
    throw failure
  }
  return {
    async tlsa(name, signal) {
      const { authenticated, records } = await ask(name, 'TLSA', signal)
      return { secure: authenticated, records: records.flatMap(tlsaOf) }
    },
    async isMxSecure(domain, signal) {
      return (await ask(domain, 'MX', signal)).authenticated
    },
    async host(name, signal) {
      const { authenticated, canonicalName } = await ask(name, 'A', signal)
      return { secure: authenticated, canonicalName: canonicalName ?? name.toLowerCase() }
    },
  }
}

function serverOf(text: string): Server {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? []
  return { host: bracketed ?? plain ?? text, port: Number(port ?? 53) }
}

/** RFC 6698 §2.1. */
function tlsaOf(data: Buffer): readonly TlsaRecord[] {
  const [usage, selector, matchingType] = data
  if (usage === undefined || selector === undefined || matchingType === undefined) return []
  return [{ usage, selector, matchingType, data: data.subarray(3) }]
}

const noError = 0
const noName = 3

async function answered(asking: Asking): Promise<DnsResponse> {
  const short = await exchange(asking, overUdp)
  const response = short.truncated ? await exchange(asking, overTcp) : short
  const { rcode } = response
  if (rcode === noError || rcode === noName) return response
  throw new PosternError('DNS_FAILED', `the name server says ${rcode}`)
}

interface Way {
  readonly took: (message: Buffer) => void
  readonly failed: (error: Error) => void
}

/** One question and its answer. @param over opens the way, sends the question, and gives what closes it */
function exchange(
  asking: Asking,
  over: (asking: Asking, way: Way) => () => void,
): Promise<DnsResponse> {
  const { question, timeoutMs, signal } = asking
  const { promise, resolve, reject } = Promise.withResolvers<DnsResponse>()
  const failed = (error: Error): void =>
    reject(
      error instanceof PosternError
        ? error
        : new PosternError('DNS_FAILED', error.message, { cause: error }),
    )
  const took = (message: Buffer): void => {
    try {
      const response = parseResponse(message, question)
      if (response !== undefined) resolve(response)
    } catch (error) {
      failed(error instanceof Error ? error : new Error(String(error)))
    }
  }
  const close = over(asking, { took, failed })
  const abort = (): void => failed(new PosternError('ABORTED', 'a question to the DNS'))
  const late = (): void => failed(new PosternError('DNS_FAILED', 'no answer in time'))
  const timer = setTimeout(late, timeoutMs)
  signal?.addEventListener('abort', abort, { once: true })
  if (signal?.aborted === true) abort()
  return promise.finally(() => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
    close()
  })
}

/** A socket of its own for each question: a port that nobody guesses, and answers from the server alone. */
function overUdp({ question, server: { host, port } }: Asking, { took, failed }: Way): () => void {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
  let open = true
  socket.on('error', failed).on('message', took)
  socket.connect(port, host, (error?: Error) => {
    if (error !== undefined) failed(error)
    else if (open) socket.send(question)
  })
  return () => {
    open = false
    socket.close()
  }
}

/** RFC 1035 §4.2.2: two bytes of length before each message. */
function overTcp({ question, server }: Asking, { took, failed }: Way): () => void {
  const socket = connect(server)
  let bytes: Buffer = Buffer.alloc(0)
  const length = Buffer.alloc(2)
  length.writeUInt16BE(question.length)
  socket.on('error', failed)
  socket.on('close', () => failed(new Error('the name server hung up')))
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk])
    if (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0)) {
      took(bytes.subarray(2, 2 + bytes.readUInt16BE(0)))
    }
  })
  socket.write(Buffer.concat([length, question]))
  return () => void socket.destroy()
}
