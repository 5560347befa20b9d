/** Asks a running gateway one thing. */
import { isPosternError, PosternError } from '../mail/errors.ts'
import type { JsonValue } from '../mail/json.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Net } from '../runtime/net.ts'
import { formatLine, LineReader, readAnswer } from './control-lines.ts'
import type { ControlRequest } from './control.ts'

export interface ControlClientOptions {
  readonly net: Pick<Net, 'connect'>
  readonly clock: Clock
  /** Of the socket. */
  readonly path: string
  /** For the answer, where a long one is not worth waiting for. */
  readonly timeoutMs?: number
}

const connectMs = 5_000
/** A change of every message of a large queue takes its time. */
const answerMs = 600_000

/**
 * @returns what the gateway answers
 * @throws PosternError CONNECT_FAILED where no gateway listens; NOT_ALLOWED, with the socket, where it is not for us;
 *   PEER_FAILED where it says no or hangs up; TIMEOUT
 */
export async function askGateway(
  request: ControlRequest,
  { net, clock, path, timeoutMs = answerMs }: ControlClientOptions,
): Promise<JsonValue> {
  const connection = await net
    .connect({ address: { path }, timeoutMs: connectMs })
    .catch((error: unknown) => {
      throw isForbidden(error) ? new PosternError('NOT_ALLOWED', path, { cause: error }) : error
    })
  const { promise, resolve, reject } = Promise.withResolvers<JsonValue>()
  const timer = clock.after(timeoutMs, () => reject(new PosternError('TIMEOUT', path)))
  const lines = new LineReader()
  connection.attach({
    data(chunk) {
      const [line] = lines.read(chunk) ?? ['']
      if (line === undefined) return
      const answer = readAnswer(line)
      if (answer?.ok === true) resolve(answer.value)
      else reject(new PosternError('PEER_FAILED', answer?.problem ?? 'its answer makes no sense'))
    },
    ended: () => connection.end(),
    drained: () => undefined,
    closed: () => reject(new PosternError('PEER_FAILED', 'the gateway hung up')),
  })
  connection.write(formatLine(request))
  try {
    return await promise
  } finally {
    timer.cancel()
    connection.end()
  }
}

/** The socket, or a folder above it, is for others. */
function isForbidden(error: unknown): boolean {
  if (!isPosternError(error, 'CONNECT_FAILED')) return false
  const { cause } = error
  return (
    cause instanceof Error && 'code' in cause && (cause.code === 'EACCES' || cause.code === 'EPERM')
  )
}
