/**
 * Listens, and gives each connection a session, within limits: connections in all and from one address. Who comes
 * beyond them is told 421 and sent away. A close lets transactions finish up to a deadline and sends idle clients away.
 */
import type { MaybePromise } from '../mail/maybe-promise.ts'
import { formatReply, type Reply } from '../mail/reply.ts'
import type { Queue } from '../queue/queue.ts'
import type { TlsState } from '../mail/session.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Counters } from '../runtime/counters.ts'
import type { Log } from '../runtime/log.ts'
import type { Connection, Net, NetAddress, NetListener, TlsContext } from '../runtime/net.ts'
import type { Random } from '../runtime/random.ts'
import { SessionConnection } from './connection.ts'
import type { ConnectionFacts, Policy } from './policy.ts'
import type { QueueFlush } from './queue-flush.ts'
import { Receiver } from './receiver.ts'
import { notServing, tooManyConnections, tooManyFromAddress } from './replies.ts'
import { secured, type Handshake } from './secured.ts'
import { sessionIds } from './session-ids.ts'

/** Farewells that may be on their way at one time. */
const maxTurnedAway = 100
/** So long a handshake may take. */
const handshakeTimeoutMs = 30_000

export interface ListenerOptions {
  /** Its name in the configuration. */
  readonly name: string
  readonly address: NetAddress
  /** Connections at one time. */
  readonly maxConnections: number
  /** Connections at one time from one client address. */
  readonly maxConnectionsPerAddress: number
  /** `implicit`: a connection begins with the handshake (RFC 8314 §3). `starttls` where absent. */
  readonly tls?: 'off' | 'starttls' | 'implicit'
  /** 30 seconds where absent. */
  readonly handshakeTimeoutMs?: number
}

export interface ListenerParts {
  readonly policy: Policy
  readonly queue: Pick<Queue, 'begin'>
  /** For ETRN. */
  readonly queueFlush?: QueueFlush
  /** The certificates, asked for anew by each handshake; `undefined`: there are none. */
  tls(): TlsContext | undefined
  readonly doors: ListenerDoors
}

export interface ListenerDoors {
  readonly net: Net
  readonly clock: Clock
  readonly counters: Counters
  readonly random: Random
  readonly log: Log
}

export interface SmtpListener {
  readonly name: string
  /** With the port that the system chose where 0 was asked for. */
  readonly address: NetAddress
  /** Sessions now. */
  readonly sessions: number
  /**
   * Accepts no more; idle clients are told 421 at once, others when their transaction is over, all after `graceMs`.
   * Resolves when the last connection is closed.
   */
  close(graceMs: number): Promise<void>
}

/** @throws PosternError ADDRESS_IN_USE, LISTEN_FAILED */
export async function listen(
  options: ListenerOptions,
  parts: ListenerParts,
): Promise<SmtpListener> {
  const reception = new Reception(options, parts)
  const { doors } = parts
  const socket = await doors.net.listen({
    address: options.address,
    accepted: (connection) => reception.accept(connection),
    failed: (error) =>
      doors.log.warn('accept.failed', { listener: options.name, error: error.message }),
  })
  return {
    name: options.name,
    address: socket.address,
    get sessions() {
      return reception.sessions
    },
    close: (graceMs) => close(socket, reception, graceMs, doors.clock),
  }
}

async function close(
  socket: NetListener,
  reception: Reception,
  graceMs: number,
  clock: Clock,
): Promise<void> {
  const stopped = socket.close()
  const empty = reception.retire()
  const timer = clock.after(graceMs, () => reception.dismiss())
  await Promise.all([stopped, empty])
  timer.cancel()
}

/** Who is in, and who may come in. */
class Reception {
  readonly #options: ListenerOptions
  readonly #parts: ListenerParts
  readonly #nextId: () => string
  /** The counter of all connections. */
  readonly #all: string
  /** Each with the counter of its address. */
  readonly #sessions = new Map<SessionConnection, string>()
  /** Clients that were turned away and have not gone yet. */
  readonly #turnedAway = new Set<Connection>()
  /** Clients that are being counted. */
  readonly #entering = new Set<Connection>()
  /** Clients whose session begins after a handshake. */
  readonly #handshakes = new Set<Connection>()
  #emptied: (() => void) | undefined

  constructor(options: ListenerOptions, parts: ListenerParts) {
    this.#options = options
    this.#parts = parts
    this.#nextId = sessionIds(parts.doors.random)
    this.#all = `smtp:${options.name}`
  }

  get sessions(): number {
    return this.#sessions.size
  }

  accept(connection: Connection): void {
    const fromAddress = `${this.#all}:${connection.remote.address}`
    const counted = this.#count(fromAddress)
    if (!(counted instanceof Promise)) return this.#admit(connection, fromAddress, counted)
    this.#entering.add(connection)
    void counted.then((refusal) => {
      this.#entering.delete(connection)
      this.#admit(connection, fromAddress, refusal)
    })
  }

  /** @returns why there is no room, or undefined */
  #count(fromAddress: string): MaybePromise<Reply | undefined> {
    const { maxConnections, maxConnectionsPerAddress } = this.#options
    const { counters } = this.#parts.doors
    const ofAddress = (taken: boolean): Reply | undefined => {
      if (!taken) counters.give(this.#all)
      return taken ? undefined : tooManyFromAddress
    }
    const ofAll = (taken: boolean): MaybePromise<Reply | undefined> => {
      if (!taken) return tooManyConnections
      const more = counters.take(fromAddress, maxConnectionsPerAddress)
      return more instanceof Promise ? more.then(ofAddress) : ofAddress(more)
    }
    const taken = counters.take(this.#all, maxConnections)
    return taken instanceof Promise ? taken.then(ofAll) : ofAll(taken)
  }

  #admit(connection: Connection, fromAddress: string, refusal: Reply | undefined): void {
    if (refusal !== undefined) this.#turnAway(connection, refusal)
    else if (this.#options.tls === 'implicit') void this.#openSecured(connection, fromAddress)
    else this.#open(connection, fromAddress)
  }

  /** Sends clients away as they become idle. @returns when none is left */
  retire(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#emptied = resolve
    for (const session of this.#sessions.keys()) session.retire()
    for (const connection of this.#handshakes) connection.destroy()
    this.#left()
    return promise
  }

  dismiss(): void {
    for (const session of this.#sessions.keys()) session.dismiss()
    const others = [...this.#turnedAway, ...this.#entering, ...this.#handshakes]
    for (const connection of others) connection.destroy()
  }

  /** The handshake first, then the session. One that fails ends in silence: there is no language to say why in. */
  async #openSecured(connection: Connection, fromAddress: string): Promise<void> {
    const { name } = this.#options
    this.#handshakes.add(connection)
    let state: TlsState | undefined
    try {
      state = await secured(connection, this.#handshake())
    } catch (error) {
      this.#parts.doors.log.info('tls.failed', {
        listener: name,
        remote: connection.remote.address,
        error: error instanceof Error ? error.message : String(error),
      })
    }
    this.#handshakes.delete(connection)
    if (state !== undefined && this.#emptied === undefined) {
      this.#open(connection, fromAddress, state)
      return
    }
    connection.destroy()
    this.#giveBack(fromAddress)
    this.#left()
  }

  readonly #handshake = (): Handshake => ({
    certificates: this.#parts.tls(),
    timeoutMs: this.#options.handshakeTimeoutMs ?? handshakeTimeoutMs,
  })

  #open(connection: Connection, fromAddress: string, tls?: TlsState): void {
    const { policy, queue, queueFlush, doors } = this.#parts
    const { clock, log, random } = doors
    const { tls: mode = 'starttls' } = this.#options
    const canStartTls = mode === 'starttls' && this.#parts.tls() !== undefined
    const facts: ConnectionFacts = {
      id: this.#nextId(),
      startedAt: clock.now(),
      listener: this.#options.name,
      remote: connection.remote,
      local: connection.local,
      ...(tls === undefined ? {} : { tls }),
    }
    let receiver
    try {
      const parts = { policy, queue, queueFlush, clock, log, random }
      receiver = new Receiver({ facts, ...parts, canStartTls })
    } catch (error) {
      // A bug in the policy: without it there is no session.
      log.error('policy.failed', {
        session: facts.id,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      })
      this.#giveBack(fromAddress)
      this.#turnAway(connection, notServing)
      return
    }
    const session = new SessionConnection({
      id: facts.id,
      connection,
      receiver,
      clock,
      log,
      handshake: this.#handshake,
      closed: this.#closed,
    })
    this.#sessions.set(session, fromAddress)
    session.start()
    if (this.#emptied !== undefined) session.retire()
  }

  readonly #closed = (session: SessionConnection): void => {
    const fromAddress = this.#sessions.get(session)
    if (fromAddress === undefined) return
    this.#sessions.delete(session)
    this.#giveBack(fromAddress)
    this.#left()
  }

  #giveBack(fromAddress: string): void {
    const { counters } = this.#parts.doors
    counters.give(this.#all)
    counters.give(fromAddress)
  }

  #turnAway(connection: Connection, reply: Reply): void {
    const { log } = this.#parts.doors
    log.info('connection.refused', {
      listener: this.#options.name,
      remote: connection.remote.address,
      reply: formatReply(reply).trimEnd(),
    })
    // A flood is not worth a farewell, and who expects a handshake would not understand one.
    if (this.#turnedAway.size >= maxTurnedAway || this.#options.tls === 'implicit') {
      connection.destroy()
      return
    }
    this.#turnedAway.add(connection)
    connection.attach({
      data: () => {},
      ended: () => {},
      drained: () => {},
      closed: () => {
        this.#turnedAway.delete(connection)
        this.#left()
      },
    })
    connection.write(formatReply(reply))
    connection.end()
  }

  #left(): void {
    const { size } = this.#sessions
    const others = this.#turnedAway.size + this.#entering.size + this.#handshakes.size
    if (size + others === 0) this.#emptied?.()
  }
}
