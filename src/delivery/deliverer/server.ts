/**
 * The deliverer's ear. One connection is one request: it is read to the last key, done, answered, and closed. A gateway
 * that goes away calls off what it asked for. At most so many of a kind at a time, and nobody keeps a connection without asking.
 */
import { isPosternError, PosternError } from '../../mail/errors.ts'
import type { Clock, Timer } from '../../runtime/clock.ts'
import type { UserAddress, UserDelivery } from '../../runtime/deliverer.ts'
import type { Connection, Net, NetListener } from '../../runtime/net.ts'
import { PlacesTaken, type DelivererPlaces } from './places.ts'
import { formatFrame, FrameReader, pieces, type Frame } from './frames.ts'
import { formatAnswer, readRequest, type DelivererRequest } from './requests.ts'

/** @throws PosternError with what the gateway is to be told: nothing was done */
export interface DelivererWork {
  /** @param message with LF line ends; it throws where the gateway goes away */
  deliver(
    to: UserAddress,
    message: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<UserDelivery>
  checkpassword(
    request: Extract<DelivererRequest, { ask: 'checkpassword' }>,
    signal: AbortSignal,
  ): Promise<UserDelivery>
}

export interface DelivererServerOptions {
  readonly net: Pick<Net, 'listen'>
  readonly clock: Clock
  readonly work: DelivererWork
  /** Of the socket, in a folder that is root's. */
  readonly path: string
  /** The gateway's: nobody else comes as far as the socket. */
  readonly group: number
  /** As the configuration in force has it. */
  readonly places: () => DelivererPlaces
  /** Told of what is no PosternError: a bug, by which one request has failed and no other. */
  readonly failed: (error: unknown) => void
}

export interface DelivererServer {
  /** Hears no more, and calls off what is being done. */
  close(): Promise<void>
}

/** Connections that have not asked yet. */
const mostSilent = 100
/** Until the request is there. */
const requestMs = 10_000
/** Of a message that nobody has taken on yet. */
const mostWaitingBytes = 1 << 20

/** @throws PosternError ADDRESS_IN_USE, LISTEN_FAILED */
export async function openDelivererServer(
  options: DelivererServerOptions,
): Promise<DelivererServer> {
  const callers = new Set<Caller>()
  const silent = new Set<Caller>()
  const places = new PlacesTaken(options.places)
  const listener: NetListener = await options.net.listen({
    address: { path: options.path },
    socketMode: 0o600,
    socketGroup: options.group,
    accepted(connection) {
      if (silent.size >= mostSilent) return connection.destroy()
      const caller = new Caller(connection, options, {
        places,
        asked: () => silent.delete(caller),
        gone() {
          silent.delete(caller)
          callers.delete(caller)
        },
      })
      silent.add(caller)
      callers.add(caller)
    },
    failed: () => undefined,
  })
  return {
    async close() {
      await listener.close()
      for (const caller of callers) caller.hangUp()
    },
  }
}

interface Reception {
  readonly places: PlacesTaken
  readonly asked: () => void
  readonly gone: () => void
}

/** Whoever asks, by one connection. */
class Caller {
  readonly #connection: Connection
  readonly #work: DelivererWork
  readonly #failed: DelivererServerOptions['failed']
  readonly #reception: Reception
  readonly #reader = new FrameReader()
  readonly #message: Incoming
  readonly #calledOff = new AbortController()
  readonly #deadline: Timer
  #asked = false

  constructor(
    connection: Connection,
    { work, clock, failed }: DelivererServerOptions,
    reception: Reception,
  ) {
    this.#connection = connection
    this.#work = work
    this.#failed = failed
    this.#reception = reception
    this.#message = new Incoming(connection)
    this.#deadline = clock.after(requestMs, () => this.hangUp())
    connection.attach({
      data: (chunk) => this.#hear(chunk),
      ended: () => this.hangUp(),
      drained: () => undefined,
      closed: () => {
        this.#deadline.cancel()
        this.#message.fail()
        this.#calledOff.abort()
        reception.gone()
      },
    })
  }

  hangUp(): void {
    this.#connection.destroy()
  }

  #hear(chunk: Buffer): void {
    const frames = this.#reader.read(chunk)
    if (frames === undefined) return this.#refuse('this is no frame')
    for (const frame of frames) this.#take(frame)
  }

  #take({ kind, payload }: Frame): void {
    if (!this.#asked) {
      this.#asked = true
      this.#deadline.cancel()
      this.#reception.asked()
      const request = kind === 'request' ? readRequest(payload) : undefined
      if (request === undefined) return this.#refuse('the deliverer knows no such request')
      return void this.#do(request)
    }
    if (kind === 'message') this.#message.add(payload)
    else if (kind === 'end') this.#message.end()
    else this.#refuse('this is no part of a message')
  }

  async #do(request: DelivererRequest): Promise<void> {
    const { signal } = this.#calledOff
    const giveBack = this.#reception.places.take(request.ask)
    if (giveBack === undefined) return this.#refuse('the deliverer has too much to do')
    try {
      const done =
        request.ask === 'deliver'
          ? await this.#work.deliver(request, this.#message, signal)
          : await this.#work.checkpassword(request, signal)
      for (const piece of pieces(done.text)) this.#say(formatFrame('text', piece))
      for (const piece of pieces(done.forward)) this.#say(formatFrame('forward', piece))
      this.#say(formatFrame('answer', formatAnswer({ end: done.end })))
      this.#connection.end()
    } catch (error) {
      // What others have asked for goes on.
      if (!isPosternError(error)) this.#failed(error)
      this.#refuse(isPosternError(error) ? error.message : 'the deliverer has failed')
    } finally {
      giveBack()
    }
  }

  #refuse(problem: string): void {
    this.#message.fail()
    this.#say(formatFrame('answer', formatAnswer({ problem })))
    this.#connection.end()
  }

  #say(frame: Uint8Array): void {
    if (!this.#calledOff.signal.aborted) this.#connection.write(frame)
  }
}

/** A message as it comes in: read once, with no more in memory than the network is ahead. */
class Incoming implements AsyncIterable<Uint8Array> {
  readonly #connection: Connection
  #pieces: Uint8Array[] = []
  #waitingBytes = 0
  #state: 'open' | 'whole' | 'failed' = 'open'
  #more = Promise.withResolvers<void>()

  constructor(connection: Connection) {
    this.#connection = connection
  }

  add(piece: Uint8Array): void {
    if (this.#state !== 'open') return
    this.#pieces.push(Buffer.from(piece))
    this.#waitingBytes += piece.length
    if (this.#waitingBytes > mostWaitingBytes) this.#connection.pause()
    this.#more.resolve()
  }

  end(): void {
    if (this.#state === 'open') this.#state = 'whole'
    this.#more.resolve()
  }

  fail(): void {
    if (this.#state === 'open') this.#state = 'failed'
    this.#more.resolve()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const pieces = this.#pieces
      this.#pieces = []
      this.#waitingBytes = 0
      this.#connection.resume()
      yield* pieces
      if (this.#pieces.length > 0) continue
      if (this.#state === 'whole') return
      if (this.#state === 'failed') throw new PosternError('ABORTED', 'half a message came')
      this.#more = Promise.withResolvers()
      await this.#more.promise
    }
  }
}
