/**
 * The deliverer's ear. One connection is one request: it is read to the last key, done, answered, and closed. A gateway
 * that goes away calls off what it asked for. At most so many of a kind at a time, and nobody keeps a connection without asking.
 */
import { isPosternError, PosternError } from '../../mail/errors.ts'
import type { Clock, Timer } from '../../runtime/clock.ts'
import type { UserAddress, UserDelivery } from '../../runtime/deliverer.ts'
import { ByteQueue } from '../../runtime/byte-queue.ts'
import type { Connection, Net, NetListener } from '../../runtime/net.ts'
import type { ProgramEnd } from '../../runtime/programs.ts'
import type { MaildropEnds } from '../local/maildrop-as-user.ts'
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
  /** @returns how the user's process ended */
  maildrop(
    request: Extract<DelivererRequest, { ask: 'maildrop' }>,
    ends: MaildropEnds,
    signal: AbortSignal,
  ): Promise<ProgramEnd>
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
  /** What follows the request: a message, or what a client says. */
  readonly #message: ByteQueue
  /** Told when the gateway has taken what we said, or is gone. */
  #drained: (() => void) | undefined
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
    this.#message = new ByteQueue({
      full: () => connection.pause(),
      room: () => connection.resume(),
    })
    this.#deadline = clock.after(requestMs, () => this.hangUp())
    connection.attach({
      data: (chunk) => this.#hear(chunk),
      ended: () => this.hangUp(),
      drained: () => this.#drained?.(),
      closed: () => {
        this.#deadline.cancel()
        this.#message.fail(halfMessage())
        this.#calledOff.abort()
        this.#drained?.()
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
      const { end, text, forward } = await this.#done(request, signal)
      for (const piece of pieces(text)) this.#say(formatFrame('text', piece))
      for (const piece of pieces(forward)) this.#say(formatFrame('forward', piece))
      this.#say(formatFrame('answer', formatAnswer({ end })))
      this.#connection.end()
    } catch (error) {
      // What others have asked for goes on.
      if (!isPosternError(error)) this.#failed(error)
      this.#refuse(isPosternError(error) ? error.message : 'the deliverer has failed')
    } finally {
      giveBack()
    }
  }

  async #done(request: DelivererRequest, signal: AbortSignal): Promise<UserDelivery> {
    switch (request.ask) {
      case 'deliver':
        return this.#work.deliver(request, this.#message, signal)
      case 'checkpassword':
        return this.#work.checkpassword(request, signal)
      case 'maildrop': {
        const ends = {
          input: this.#message,
          output: (chunk: Uint8Array) => this.#passOn(chunk),
        }
        return {
          end: await this.#work.maildrop(request, ends, signal),
          text: nothing,
          forward: nothing,
        }
      }
    }
  }

  /** Resolves when there is room for more, or nobody to hear it. */
  async #passOn(chunk: Uint8Array): Promise<void> {
    for (const piece of pieces(chunk)) {
      if (this.#calledOff.signal.aborted) return
      if (this.#connection.write(formatFrame('text', piece))) continue
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#drained = resolve
      // oxlint-disable-next-line no-await-in-loop -- piece by piece, as the gateway takes them
      await promise
    }
  }

  #refuse(problem: string): void {
    this.#message.fail(halfMessage())
    this.#say(formatFrame('answer', formatAnswer({ problem })))
    this.#connection.end()
  }

  #say(frame: Uint8Array): void {
    if (!this.#calledOff.signal.aborted) this.#connection.write(frame)
  }
}

const nothing = new Uint8Array()

function halfMessage(): PosternError {
  return new PosternError('ABORTED', 'half a message came')
}
