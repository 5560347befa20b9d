/**
 * TCPREMOTEINFO: what a client's own host says whose connection it is (RFC 1413), asked before the greeting where a
 * listener says `ident`. What it says is its own word: nobody waits for it longer than the deadline, and nothing of it is
 * believed but that it was said.
 */
import type { Endpoint } from '../mail/session.ts'
import type { Connection } from '../runtime/net.ts'
import type { Doors } from '../runtime/doors.ts'

/** RFC 1413 §5: an answer has at most so many octets. */
const longestAnswer = 1_000
const identPort = 113

export interface IdentQuestion {
  /** The client, whose host is asked. */
  readonly remote: Endpoint
  /** Where it came in: asked from there, for its host knows no other. */
  readonly local: Endpoint
  /** For the connection and the answer together. */
  readonly timeoutMs: number
}

/** @returns undefined where nobody answers in time, or does not know. Never rejects. */
export async function clientIdent(
  { remote, local, timeoutMs }: IdentQuestion,
  { net, clock }: Pick<Doors, 'net' | 'clock'>,
): Promise<string | undefined> {
  const controller = new AbortController()
  const timer = clock.after(timeoutMs, () => controller.abort())
  try {
    const connection = await net.connect({
      address: { host: remote.address, port: identPort },
      localAddress: local.address,
      timeoutMs,
      signal: controller.signal,
    })
    const answer = lineOf(connection, controller.signal)
    connection.write(`${remote.port} , ${local.port}\r\n`)
    return parseIdent(await answer, { remote, local })
  } catch {
    // Most hosts have nobody there who would answer.
    return undefined
  } finally {
    timer.cancel()
  }
}

/** Of `6193, 23 : USERID : UNIX : stjohns` the last, as far as qmail lets it into a trace field (RFC 1413 §4). */
export function parseIdent(
  answer: string,
  { remote, local }: Pick<IdentQuestion, 'remote' | 'local'>,
): string | undefined {
  const [ports = '', kind = '', , ...rest] = answer.split(':')
  const [theirs, ours, ...more] = ports.split(',').map((port) => port.trim())
  if (theirs !== String(remote.port) || ours !== String(local.port) || more.length > 0)
    return undefined
  if (kind.trim().toUpperCase() !== 'USERID' || rest.length === 0) return undefined
  // A user may have a colon in it, and blanks in front belong to nobody.
  const user = rest.join(':').trim()
  return /^[\x21-\x7e]{1,64}$/.test(user) ? user : undefined
}

/** The first line that is said, or what there is of it at the end. Closes the connection. */
function lineOf(connection: Connection, signal: AbortSignal): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  let heard = ''
  const done = (): void => resolve(heard.split(/\r?\n/, 1)[0] ?? '')
  signal.addEventListener('abort', done, { once: true })
  connection.attach({
    data(chunk) {
      heard = (heard + chunk.toString('latin1')).slice(0, longestAnswer)
      if (heard.includes('\n') || heard.length === longestAnswer) done()
    },
    ended: done,
    drained: () => {},
    closed: done,
  })
  connection.resume()
  return promise.finally(() => {
    signal.removeEventListener('abort', done)
    connection.destroy()
  })
}
