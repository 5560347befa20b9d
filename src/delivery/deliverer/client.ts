/** The gateway's end of the deliverer's socket: one connection for each request, so that its end is the end of the request. */
import { isPosternError, PosternError } from '../../mail/errors.ts'
import { ByteQueue } from '../../runtime/byte-queue.ts'
import type { Deliverer, MaildropTalk, UserDelivery } from '../../runtime/deliverer.ts'
import type { Connection, Net } from '../../runtime/net.ts'
import { formatFrame, FrameReader, pieces, type Frame } from './frames.ts'
import { Kept } from './kept.ts'
import {
  formatRequest,
  readAnswer,
  mayBeTold,
  type DelivererAnswer,
  type DelivererRequest,
} from './requests.ts'

export interface DelivererClientParts {
  readonly net: Pick<Net, 'connect'>
  /** Of the socket. */
  readonly path: string
}

/** It is on this host: one that does not take us in by then is not there, or has too much to do. */
const connectMs = 10_000
const mostTextBytes = 128 << 10
const mostForwardBytes = 4 << 20

export function delivererClient(parts: DelivererClientParts): Deliverer {
  return {
    deliver: (to, message, signal) => ask(parts, { ask: 'deliver', ...to }, { message, signal }),
    async checkpassword({ command, environment, inputs = new Map() }, signal) {
      const input = inputs.get(3)
      if (!(input instanceof Uint8Array)) throw failed('a login has its input on descriptor 3')
      const told = [...environment].filter(([name, value]) => mayBeTold(name, value))
      const request = { ask: 'checkpassword', command, environment: new Map(told), input } as const
      return (await ask(parts, request, { signal })).end
    },
    maildrop: (user, signal) => new Talk(parts, { user, signal }),
  }
}

interface Asking {
  readonly message?: AsyncIterable<Uint8Array>
  readonly signal: AbortSignal
}

/** @throws PosternError PROGRAM_FAILED, ABORTED */
async function connected(
  { net, path }: DelivererClientParts,
  signal: AbortSignal,
): Promise<Connection> {
  try {
    return await net.connect({ address: { path }, timeoutMs: connectMs, signal })
  } catch (error) {
    if (signal.aborted) throw new PosternError('ABORTED', 'the deliverer', { cause: error })
    throw failed('the deliverer is not there', error)
  }
}

async function ask(
  parts: DelivererClientParts,
  request: DelivererRequest,
  { message, signal }: Asking,
): Promise<UserDelivery> {
  const connection = await connected(parts, signal)
  const call = new Call(connection)
  const abort = (): void => call.abort()
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  try {
    await call.send(formatFrame('request', formatRequest(request)))
    if (message !== undefined) await sendMessage(call, message)
    return await call.done
  } finally {
    signal.removeEventListener('abort', abort)
    connection.destroy()
  }
}

/** Stops where nobody listens any more: the answer says why. */
async function sendMessage(call: Call, message: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of message) {
    for (const piece of pieces(chunk)) {
      if (call.isOver) return
      await call.send(formatFrame('message', piece))
    }
  }
  if (!call.isOver) await call.send(formatFrame('end'))
}

/** One request under way. */
class Call {
  readonly done: Promise<UserDelivery>
  readonly #connection: Connection
  readonly #reader = new FrameReader()
  readonly #text = new Kept(mostTextBytes)
  readonly #forward = new Kept(mostForwardBytes)
  readonly #settle: PromiseWithResolvers<UserDelivery>
  #room: PromiseWithResolvers<void> | undefined
  #over = false

  constructor(connection: Connection) {
    this.#connection = connection
    this.#settle = Promise.withResolvers()
    this.done = this.#settle.promise
    // Whoever sends still may hear of it later.
    this.done.catch(() => undefined)
    connection.attach({
      data: (chunk) => this.#hear(chunk),
      ended: () => this.#fail(failed('the deliverer ended before it answered')),
      drained: () => this.#room?.resolve(),
      closed: (error) => this.#fail(failed('the deliverer ended before it answered', error)),
    })
  }

  get isOver(): boolean {
    return this.#over
  }

  /** Resolves when there is room for more, or nobody to hear it. */
  async send(frame: Uint8Array): Promise<void> {
    if (this.#over || this.#connection.write(frame)) return
    this.#room = Promise.withResolvers()
    await this.#room.promise
  }

  abort(): void {
    this.#fail(new PosternError('ABORTED', 'the deliverer'))
    this.#connection.destroy()
  }

  #hear(chunk: Buffer): void {
    const frames = this.#reader.read(chunk)
    if (frames === undefined) return this.#fail(failed('the deliverer says what is no frame'))
    for (const frame of frames) this.#take(frame)
  }

  #take({ kind, payload }: Frame): void {
    if (this.#over) return
    if (kind === 'text') return this.#text.add(payload)
    if (kind === 'forward') return this.#forward.add(payload)
    const answer = kind === 'answer' ? readAnswer(payload) : undefined
    if (answer === undefined) return this.#fail(failed('the deliverer says what is no answer'))
    this.#answer(answer)
  }

  #answer(answer: DelivererAnswer): void {
    if ('problem' in answer) return this.#fail(failed(answer.problem))
    this.#end()
    this.#settle.resolve({ end: answer.end, text: this.#text.all, forward: this.#forward.all })
  }

  #fail(error: PosternError): void {
    if (this.#over) return
    this.#end()
    this.#settle.reject(error)
  }

  #end(): void {
    this.#over = true
    this.#room?.resolve()
  }
}

/** A dialogue that goes on until the user's process ends. */
class Talk implements MaildropTalk {
  readonly answers: AsyncIterable<Uint8Array>
  readonly #heard: ByteQueue
  readonly #reader = new FrameReader()
  #connection: Connection | undefined
  /** Said before there was a connection. */
  #early: Uint8Array[] = []
  #ended = false
  #room: () => void = () => undefined

  constructor(
    parts: DelivererClientParts,
    { user, signal }: { readonly user: string; readonly signal: AbortSignal },
  ) {
    this.#heard = new ByteQueue({
      full: () => this.#connection?.pause(),
      room: () => this.#connection?.resume(),
    })
    this.answers = this.#heard
    signal.addEventListener('abort', () => this.#breakOff(aborted()), { once: true })
    void connected(parts, signal).then(
      (connection) => this.#open(connection, { user, signal }),
      (error: unknown) => this.#breakOff(isPosternError(error) ? error : failed(String(error))),
    )
  }

  write(bytes: Uint8Array): boolean {
    if (this.#connection === undefined) {
      this.#early.push(Buffer.from(bytes))
      return false
    }
    let room = true
    for (const piece of pieces(bytes)) {
      room = this.#connection.write(formatFrame('message', piece))
    }
    return room
  }

  onRoom(callback: () => void): void {
    this.#room = callback
  }

  end(): void {
    this.#ended = true
    this.#connection?.write(formatFrame('end'))
  }

  #open(
    connection: Connection,
    { user, signal }: { readonly user: string; readonly signal: AbortSignal },
  ): void {
    this.#connection = connection
    if (signal.aborted) return this.#breakOff(aborted())
    connection.attach({
      data: (chunk) => this.#hear(chunk),
      ended: () => this.#breakOff(failed('the deliverer ended before it answered')),
      drained: () => this.#room(),
      closed: (error) => this.#breakOff(failed('the deliverer ended before it answered', error)),
    })
    connection.write(formatFrame('request', formatRequest({ ask: 'maildrop', user })))
    for (const bytes of this.#early.splice(0)) this.write(bytes)
    if (this.#ended) this.end()
    this.#room()
  }

  #hear(chunk: Buffer): void {
    const frames = this.#reader.read(chunk)
    if (frames === undefined) return this.#breakOff(failed('the deliverer says what is no frame'))
    for (const { kind, payload } of frames) {
      if (kind === 'text') this.#heard.add(payload)
      else return this.#answer(kind === 'answer' ? readAnswer(payload) : undefined)
    }
  }

  #answer(answer: DelivererAnswer | undefined): void {
    if (answer === undefined) return this.#breakOff(failed('the deliverer says what is no answer'))
    if ('problem' in answer) return this.#breakOff(failed(answer.problem))
    this.#heard.end()
    this.#connection?.destroy()
  }

  /** Does nothing to what has come to its end. */
  #breakOff(error: PosternError): void {
    this.#heard.fail(error)
    this.#connection?.destroy()
  }
}

function aborted(): PosternError {
  return new PosternError('ABORTED', 'the deliverer')
}

function failed(why: string, cause?: unknown): PosternError {
  return new PosternError('PROGRAM_FAILED', why, { cause })
}
