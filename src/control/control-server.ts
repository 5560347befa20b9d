/**
 * The gateway's ear for its operator. A request that makes no sense or fails is answered and harms nothing; requests of
 * one connection are done one after the other. Nobody keeps a connection without asking, and there are few of them.
 */
import { errorMessage } from '../mail/errors.ts'
import type { Log } from '../runtime/log.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Connection, Net } from '../runtime/net.ts'
import { formatLine, LineReader, readRequest } from './control-lines.ts'
import type { ControlAnswer, ControlHandler } from './control.ts'

export interface ControlServerOptions {
  readonly net: Pick<Net, 'listen'>
  readonly clock: Clock
  readonly log: Log
  /** Of the socket. Its folder is for the gateway's user alone. */
  readonly path: string
  /** Whose members may ask, too. */
  readonly group?: number | undefined
  readonly handlers: ReadonlyMap<string, ControlHandler>
}

export interface ControlServer {
  /** Hears no more; what is being done is done. */
  close(): Promise<void>
}

const maxConnections = 16
const idleMs = 60_000
/** Requests of one connection that wait for those before them. */
const maxWaiting = 64

/** @throws PosternError ADDRESS_IN_USE, LISTEN_FAILED */
export async function openControlServer(options: ControlServerOptions): Promise<ControlServer> {
  const { net, log, path } = options
  const callers = new Set<Caller>()
  const listener = await net.listen({
    address: { path },
    // Whatever the umask and the mode of a folder that was there before.
    socketMode: 0o600,
    socketGroup: options.group,
    accepted(connection) {
      if (callers.size >= maxConnections) return connection.destroy()
      const caller = new Caller(connection, options, () => callers.delete(caller))
      callers.add(caller)
    },
    failed: (error) => log.warn('control.failed', { error: error.message }),
  })
  return {
    async close() {
      await listener.close()
      await Promise.all([...callers].map((caller) => caller.end()))
    },
  }
}

class Caller {
  readonly #connection: Connection
  readonly #options: ControlServerOptions
  readonly #lines = new LineReader()
  #work: Promise<void> = Promise.resolve()
  #idle: Timer | undefined
  #waiting = 0

  constructor(connection: Connection, options: ControlServerOptions, gone: () => void) {
    this.#connection = connection
    this.#options = options
    connection.attach({
      data: (chunk) => this.#hear(chunk),
      ended: () => void this.end(),
      drained: () => undefined,
      closed: () => {
        this.#idle?.cancel()
        gone()
      },
    })
    this.#wait()
  }

  async end(): Promise<void> {
    await this.#work
    this.#connection.end()
  }

  #wait(): void {
    this.#idle = this.#options.clock.after(idleMs, () => this.#connection.destroy())
  }

  #hear(chunk: Buffer): void {
    const lines = this.#lines.read(chunk)
    if (lines === undefined) return this.#connection.destroy()
    this.#waiting += lines.length
    if (this.#waiting > maxWaiting) return this.#connection.destroy()
    for (const line of lines) this.#work = this.#work.then(() => this.#do(line))
  }

  async #do(line: string): Promise<void> {
    this.#idle?.cancel()
    this.#connection.write(formatLine(await this.#answer(line)))
    this.#waiting -= 1
    this.#wait()
  }

  async #answer(line: string): Promise<ControlAnswer> {
    const { handlers, log } = this.#options
    const request = readRequest(line)
    const handler = request === undefined ? undefined : handlers.get(request.verb)
    if (request === undefined || handler === undefined) {
      return { ok: false, problem: 'this gateway does not know such a request' }
    }
    try {
      return { ok: true, value: await handler(request.of) }
    } catch (error) {
      const problem = errorMessage(error)
      log.warn('control.refused', { verb: request.verb, problem })
      return { ok: false, problem }
    }
  }
}
