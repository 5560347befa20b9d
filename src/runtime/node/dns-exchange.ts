/** One question to one name server and its answer, by UDP or by TCP, byte by byte. */
import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import { PosternError } from '../../mail/errors.ts'
import { parseResponse, type DnsResponse } from './dns-message.ts'

export interface NameServerAddress {
  readonly host: string
  readonly port: number
}

export interface Asking {
  readonly question: Buffer
  readonly server: NameServerAddress
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/** `127.0.0.1` or `[::1]:5353`: an address with an optional port. */
export function serverOf(text: string): NameServerAddress {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? []
  return { host: bracketed ?? plain ?? text, port: Number(port ?? 53) }
}

/** Who waits for what comes. */
interface Way {
  readonly took: (message: Buffer) => void
  readonly failed: (error: Error) => void
}

/**
 * One question and its answer.
 * @param over opens the way, sends the question, and gives what closes it
 * @throws PosternError DNS_FAILED, ABORTED
 */
export function exchange(
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

/** By UDP: a socket of its own for each question: a port that nobody guesses, and answers from the server alone. */
export function overUdp(
  { question, server: { host, port } }: Asking,
  { took, failed }: Way,
): () => void {
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

/** By TCP, RFC 1035 §4.2.2: two bytes of length before each message. */
export function overTcp({ question, server }: Asking, { took, failed }: Way): () => void {
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
