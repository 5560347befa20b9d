/**
 * A session on its connection: bytes to lines, answers to bytes, STLS, deadlines. One command at a time; what a client
 * sends ahead waits, up to a limit. Ends by itself: `closed` is called once, whatever happens.
 */
import { errorStack, isPosternError } from '../mail/errors.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { Connection, ConnectionHandlers, TlsContext } from '../runtime/net.ts'
import { maxLineBytes } from './command.ts'
import { LineReader, type Line } from './line-reader.ts'
import { farewell, shuttingDown, type Answer } from './replies.ts'
import type { PopSession } from './session.ts'

export interface PopConnectionParts {
  readonly id: string
  readonly connection: Connection
  readonly session: PopSession
  readonly clock: Clock
  readonly log: Log
  /** Asked for when a handshake begins. @throws PosternError CONFIG_INVALID where it cannot be used */
  readonly tls: () => TlsContext | undefined
  readonly handshakeTimeoutMs: number
  /** The client has said QUIT: it may come again before its connection is closed. */
  readonly finished: () => void
  readonly closed: (connection: PopConnection) => void
}

/** So long a client may leave what we send unread. */
const stalledMs = 120_000

export class PopConnection implements ConnectionHandlers {
  readonly #parts: PopConnectionParts
  readonly #input = new LineReader(maxLineBytes)
  #busy = false
  #paused = false
  #halfClosed = false
  #retiring = false
  #closing = false
  #deadline: Timer | undefined
  /** Whoever hears the client while a body is spoken that answers it. */
  #hears: Answer['hears']
  /** Told when the client has read what we wrote, or is gone. */
  #drained: (() => void) | undefined

  constructor(parts: PopConnectionParts) {
    this.#parts = parts
  }

  start(): void {
    const { connection, session } = this.#parts
    connection.attach(this)
    connection.write(session.greeting().text)
    this.#await()
  }

  /** Ends the session as soon as no command is being answered. */
  retire(): void {
    this.#retiring = true
    this.#hears?.end()
    this.#pump()
  }

  /** Ends it now. */
  dismiss(): void {
    this.#parts.session.end('shutdown')
    this.#parts.connection.destroy()
  }

  data(chunk: Buffer): void {
    if (this.#closing) return
    if (this.#hears !== undefined) return this.#passOn(chunk)
    this.#input.push(chunk)
    this.#pump()
  }

  ended(): void {
    this.#halfClosed = true
    this.#hears?.end()
    this.#pump()
  }

  drained(): void {
    this.#drained?.()
  }

  closed(): void {
    this.#closing = true
    this.#deadline?.cancel()
    this.#drained?.()
    this.#parts.session.end('disconnect')
    this.#parts.closed(this)
  }

  #pump(): void {
    if (this.#closing) return
    // What comes while a command is being answered is bounded too.
    if (this.#busy) return this.#regulate()
    const line = this.#retiring ? undefined : this.#input.line()
    if (line !== undefined) {
      this.#busy = true
      void this.#obey(line)
    } else if (this.#retiring) {
      this.#parts.session.end('shutdown')
      this.#end(farewell(shuttingDown))
    } else if (this.#halfClosed) {
      this.#parts.session.end('disconnect')
      this.#end()
    }
    this.#regulate()
  }

  async #obey(line: Line): Promise<void> {
    const { session, connection, log, id } = this.#parts
    this.#deadline?.cancel()
    try {
      await this.#speak(typeof line === 'string' ? await session.command(line) : session.tooLong())
    } catch (error) {
      // Half an answer is out, or it is a bug: whichever it is, the client must not take it for a whole one.
      if (!isPosternError(error, 'ABORTED')) {
        log.error('pop3.failed', {
          session: id,
          error: errorStack(error),
        })
      }
      connection.destroy()
    }
    this.#busy = false
    if (this.#closing) return
    this.#await()
    this.#pump()
  }

  async #speak(answer: Answer): Promise<void> {
    const { body, text, hears, next } = answer
    if (this.#closing) {
      await body?.return(undefined)
      return
    }
    if (text !== '') await this.#write(text)
    if (hears !== undefined) this.#listenFor(hears)
    if (body !== undefined) {
      for await (const chunk of body) {
        if (hears !== undefined) this.#await()
        await this.#write(chunk)
        // Leaving the loop closes the file.
        if (this.#closing) break
      }
    }
    this.#hears = undefined
    if (next === 'handshake') await this.#startTls()
    if (next === 'end') {
      this.#parts.session.end('quit')
      this.#parts.finished()
      this.#end()
    }
  }

  #listenFor(hears: NonNullable<Answer['hears']>): void {
    this.#hears = hears
    hears.onRoom(() => this.#parts.connection.resume())
    const ahead = this.#input.take()
    this.#regulate()
    this.#passOn(ahead)
    if (this.#halfClosed || this.#retiring) hears.end()
  }

  #passOn(chunk: Buffer): void {
    this.#await()
    if (chunk.length > 0 && this.#hears?.write(chunk) === false) this.#parts.connection.pause()
  }

  /** Resolves when there is room for more. */
  async #write(data: string | Uint8Array): Promise<void> {
    const { connection, clock } = this.#parts
    if (this.#closing || connection.write(data)) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#drained = resolve
    const stalled = clock.after(stalledMs, () => connection.destroy())
    await promise
    stalled.cancel()
    this.#drained = undefined
  }

  async #startTls(): Promise<void> {
    const { connection, tls, session, handshakeTimeoutMs: timeoutMs, log, id } = this.#parts
    // What came in the clear is dropped, not executed.
    this.#input.clear()
    try {
      const context = tls()
      if (context === undefined) return connection.destroy()
      session.tlsStarted(await connection.startTls({ side: 'server', context, timeoutMs }))
    } catch (error) {
      log[isPosternError(error, 'CONFIG_INVALID') ? 'error' : 'info']('tls.failed', {
        session: id,
        error: String(error),
      })
      connection.destroy()
    }
  }

  /** RFC 1939 §3: who is silent for too long is left without a word, and nothing is deleted. */
  #await(): void {
    const { clock, session, connection } = this.#parts
    this.#deadline?.cancel()
    this.#deadline = clock.after(session.timeoutMs, () => {
      session.end('timeout')
      connection.destroy()
    })
  }

  #regulate(): void {
    const full = this.#input.full
    if (full === this.#paused) return
    this.#paused = full
    if (full) this.#parts.connection.pause()
    else this.#parts.connection.resume()
  }

  #end(last?: Answer): void {
    const { connection } = this.#parts
    if (last !== undefined) connection.write(last.text)
    this.#closing = true
    this.#deadline?.cancel()
    this.#input.clear()
    this.#regulate()
    connection.end()
  }
}
