/**
 * Listens, and gives each connection a session, within limits: connections in all and from one address. Who comes
 * beyond them is told 421 and sent away. A close lets transactions finish up to a deadline and sends idle clients away.
 */
import type { MaybePromise } from '../mail/maybe-promise.ts'
import { formatReply, type Reply } from '../mail/reply.ts'
import type { Queue } from '../queue/queue.ts'
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
import { sessionIds } from './session-ids.ts'

/** Farewells that may be on their way at one time. */
const maxTurnedAway = 100

export interface ListenerOptions {
  /** Its name in the configuration. */
  readonly name: string
  readonly address: NetAddress
  /** Connections at one time. */
  readonly maxConnections: number
  /** Connections at one time from one client address. */
  readonly maxConnectionsPerAddress: number
}

export interface ListenerParts {
  readonly policy: Policy
  readonly queue: Pick<Queue, 'begin'>
  /** For ETRN. */
  readonly queueFlush?: QueueFlush
  /** The certificate for STARTTLS, asked for anew by each session; `undefined`: there is none. */
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
    else this.#open(connection, fromAddress)
  }

  /** Sends clients away as they become idle. @returns when none is left */
  retire(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#emptied = resolve
    for (const session of this.#sessions.keys()) session.retire()
    this.#left()
    return promise
  }

  dismiss(): void {
    for (const session of this.#sessions.keys()) session.dismiss()
    for (const connection of [...this.#turnedAway, ...this.#entering]) connection.destroy()
  }

  #open(connection: Connection, fromAddress: string): void {
    const { policy, queue, queueFlush, doors } = this.#parts
    const { clock, log } = doors
    const tls = this.#parts.tls()
    const facts: ConnectionFacts = {
      id: this.#nextId(),
      startedAt: clock.now(),
      listener: this.#options.name,
      remote: connection.remote,
      local: connection.local,
    }
    let receiver
    try {
      const canStartTls = tls !== undefined
      receiver = new Receiver({ facts, policy, queue, queueFlush, clock, log, canStartTls })
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
    const { id } = facts
    const closed = this.#closed
    const session = new SessionConnection({ id, connection, receiver, clock, log, tls, closed })
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
    // A flood is not worth a farewell.
    if (this.#turnedAway.size >= maxTurnedAway) {
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
    if (size + this.#turnedAway.size + this.#entering.size === 0) this.#emptied?.()
  }
}
