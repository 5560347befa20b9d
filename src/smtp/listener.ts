/**
 * Listens, and gives each connection a session, within limits. Who comes beyond them is told 421 and sent away.
 * A close lets transactions finish up to a deadline and sends idle clients away.
 */
import { isPosternError } from '../mail/errors.ts'
import { after, type MaybePromise } from '../mail/maybe-promise.ts'
import { formatReply, type Reply } from '../mail/reply.ts'
import type { TlsState } from '../mail/session.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Connection, ListenAddress, NetListener } from '../runtime/net.ts'
import { Admission, limitsFor, Place, type LimitName } from './admission.ts'
import { Arrivals, type Arrival } from './arrival.ts'
import { SessionConnection } from './connection.ts'
import { noMeter, type ListenerMeter } from './listener-meter.ts'
import type { ListenerDoors, ListenerOptions, ListenerParts } from './listener-parts.ts'
import type { ConnectionFacts, Introduction, TlsChoice } from './policy.ts'
import { Receiver } from './receiver.ts'
import { notServing } from './replies.ts'
import { failureLevel, secured, type Handshake } from './secured.ts'
import { sessionIds } from './session-ids.ts'

/** Farewells that may be on their way at one time. */
const maxTurnedAway = 100
/** So long a handshake may take. */
const handshakeTimeoutMs = 30_000

export interface SmtpListener {
  readonly name: string
  /** With the port that the system chose where 0 was asked for. */
  readonly address: ListenAddress
  /** Sessions now. */
  readonly sessions: number
  /**
   * Accepts no more; idle clients are told 421 at once, others when their transaction is over, all after `graceMs` but
   * those whose message is being committed: they hear first what came of it.
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
    socketMode: options.socketMode,
    accepted: (connection) => reception.accept(connection),
    failed: acceptFailed(options.name, doors),
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

/** Once a second is enough: what it wants for is wanted for by each connection. */
function acceptFailed(listener: string, { clock, log }: ListenerDoors): (error: Error) => void {
  let silentUntilMs = 0
  return (error) => {
    const nowMs = clock.monotonicMs()
    if (nowMs < silentUntilMs) return
    silentUntilMs = nowMs + 1_000
    log.error('accept.failed', { listener, error: error.message })
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

/** A client of whom the policy has heard. */
type Introduced = Arrival & { readonly introduction: Introduction }

function errorText(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** Who is in, and who may come in. */
class Reception {
  readonly #options: ListenerOptions
  readonly #parts: ListenerParts
  readonly #nextId: () => string
  readonly #admission: Admission
  readonly #arrivals: Arrivals
  readonly #meter: ListenerMeter
  /** Each with what it is counted as. */
  readonly #sessions = new Map<SessionConnection, Place>()
  /** Clients that have no session yet. */
  readonly #arriving = new Set<Connection>()
  /** Clients that were turned away and have not gone yet. */
  readonly #turnedAway = new Set<Connection>()
  #emptied: (() => void) | undefined

  constructor(options: ListenerOptions, parts: ListenerParts) {
    this.#options = options
    this.#parts = parts
    this.#nextId = sessionIds(parts.doors.random)
    this.#admission = new Admission(options.name, options, parts.doors)
    this.#arrivals = new Arrivals(options, parts.doors.clock)
    this.#meter = parts.meter ?? noMeter
  }

  get sessions(): number {
    return this.#sessions.size
  }

  accept(connection: Connection): void {
    this.#arriving.add(connection)
    const received = after(this.#admission.enter(), (place) =>
      place instanceof Place
        ? this.#receive(connection, place)
        : this.#turnAway(connection, connection, place),
    )
    if (received instanceof Promise) void received.catch(this.#lost(connection))
  }

  /** Sends clients away as they become idle. @returns when none is left */
  retire(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#emptied = resolve
    for (const session of this.#sessions.keys()) session.retire()
    // Others are greeted and sent away as soon as it is known who they are; a handshake would be waited for in vain.
    if (this.#options.tls === 'implicit') this.#forsake()
    this.#left()
    return promise
  }

  dismiss(): void {
    this.#forsake()
    for (const session of this.#sessions.keys()) session.dismiss()
    for (const connection of this.#turnedAway) connection.destroy()
  }

  /** Those that have not been greeted. */
  #forsake(): void {
    for (const connection of this.#arriving) connection.destroy()
  }

  /** Finds out who it is; then they are counted too. */
  #receive(connection: Connection, place: Place): MaybePromise<void> {
    const arrived = this.#arrivals.of(connection)
    const admitted = after(arrived, (arrival) => this.#admit(connection, place, arrival))
    return admitted instanceof Promise ? admitted.catch(this.#lost(connection, place)) : admitted
  }

  #admit(connection: Connection, place: Place, arrival: Arrival): MaybePromise<void> {
    return after(this.#introduce(arrival), (introduction) => {
      if (introduction === undefined) return this.#unserved(connection, place, arrival)
      const limits = limitsFor(this.#options, introduction.limits)
      const refused = this.#admission.identify(place, arrival.remote.address, limits)
      return after(refused, (refusal) => {
        if (refusal !== undefined) return this.#turnAway(connection, arrival, refusal)
        const { remoteName } = introduction
        const client = {
          ...arrival,
          ...(remoteName === undefined ? {} : { remoteName }),
          introduction,
        }
        const ownTls = this.#options.tls === 'implicit' && arrival.tls === undefined
        if (ownTls) return this.#openSecured(connection, place, client)
        return this.#open(connection, place, client)
      })
    })
  }

  /** @returns `undefined`, now or later, where the policy fails */
  #introduce(arrival: Arrival): MaybePromise<Introduction | undefined> {
    const { remote, local, remoteName, environment, received } = arrival
    const { policy, doors } = this.#parts
    const failed = (error: unknown): undefined => {
      doors.log.error('policy.failed', { remote: remote.address, error: errorText(error) })
    }
    try {
      const introduced = policy.introduce({
        listener: this.#options.name,
        remote,
        // Behind a preamble somebody else has the connection.
        ...(received === undefined ? { local } : {}),
        ...(remoteName === undefined ? {} : { remoteName }),
        ...(environment === undefined ? {} : { environment }),
      })
      return introduced instanceof Promise ? introduced.catch(failed) : introduced
    } catch (error) {
      return failed(error)
    }
  }

  /** There is a bug in the policy: without it there is no session. */
  #unserved(connection: Connection, place: Place, arrival: Pick<Arrival, 'remote'>): void {
    place.leave()
    this.#turnAway(connection, arrival, { reply: notServing })
  }

  /** What to do where nobody can say whose connection it is. */
  #lost(connection: Connection, place?: Place): (error: unknown) => void {
    return (error) => {
      const { log } = this.#parts.doors
      // Load balancers look whether anybody listens, and leave.
      const level = isPosternError(error, 'ABORTED') ? 'debug' : 'warn'
      log[level]('connection.unintroduced', {
        listener: this.#options.name,
        remote: connection.remote.address,
        error: error instanceof Error ? error.message : String(error),
      })
      place?.leave()
      connection.destroy()
      this.#arriving.delete(connection)
      this.#left()
    }
  }

  /** The handshake first, then the session. One that fails ends in silence: there is no language to say why in. */
  async #openSecured(connection: Connection, place: Place, arrival: Introduced): Promise<void> {
    // While it was asked who may come in, the client has begun with the handshake.
    const { received = Buffer.alloc(0), ...client } = arrival
    const { policy } = this.#parts
    let tls: TlsState | undefined
    try {
      const choice = policy.tlsFor(this.#options.name, arrival.introduction)
      tls = await secured(connection, { ...this.#handshake(choice), received })
      this.#meter.secured(tls.protocol)
    } catch (error) {
      this.#meter.secured('failed')
      this.#parts.doors.log[failureLevel(error)]('tls.failed', {
        listener: this.#options.name,
        remote: arrival.remote.address,
        error: error instanceof Error ? error.message : String(error),
      })
    }
    if (tls !== undefined && this.#emptied === undefined) {
      return this.#open(connection, place, { ...client, tls })
    }
    place.leave()
    connection.destroy()
    this.#arriving.delete(connection)
    this.#left()
  }

  readonly #handshake = (choice: TlsChoice | undefined): Handshake => ({
    certificates: () => this.#parts.tls(choice),
    timeoutMs: this.#options.handshakeTimeoutMs ?? handshakeTimeoutMs,
  })

  #open(connection: Connection, place: Place, arrival: Introduced): void {
    const { policy, queue, queueFlush, doors } = this.#parts
    const { clock, log, random } = doors
    const { tls: mode = 'starttls' } = this.#options
    const canStartTls = mode === 'starttls' && this.#parts.tls() !== undefined
    const { received, ...client } = arrival
    const facts: ConnectionFacts = {
      id: this.#nextId(),
      startedAt: clock.now(),
      listener: this.#options.name,
      ...client,
    }
    let receiver
    try {
      const parts = { policy, queue, queueFlush, clock, log, random }
      const whole = { facts, ...parts, canStartTls }
      receiver = this.#parts.receive?.(whole) ?? new Receiver(whole)
    } catch (error) {
      log.error('policy.failed', { session: facts.id, error: errorText(error) })
      return this.#unserved(connection, place, arrival)
    }
    const { id } = facts
    const session = new SessionConnection({
      id,
      connection,
      receiver,
      clock,
      log,
      handshake: this.#handshake,
      meter: this.#meter,
      finished: (ended) => this.#sessions.get(ended)?.release(),
      closed: this.#closed,
      recording: this.#parts.record?.(facts),
    })
    this.#meter.opened()
    if (received !== undefined) {
      const { remote } = connection
      log.debug('connection.introduced', {
        session: id,
        by: remote.address,
        remote: facts.remote.address,
      })
    }
    this.#arriving.delete(connection)
    this.#sessions.set(session, place)
    log.debug('session.opened', {
      session: id,
      listener: this.#options.name,
      remote: facts.remote.address,
      port: facts.remote.port,
      remoteName: facts.remoteName,
      remoteInfo: facts.introduction?.remoteInfo,
      local: `${facts.local.address}:${facts.local.port}`,
      limit: this.#options.maxConnections,
    })
    session.start(received)
    if (received !== undefined) connection.resume()
    if (this.#emptied !== undefined) session.retire()
  }

  readonly #closed = (session: SessionConnection): void => {
    const place = this.#sessions.get(session)
    if (place === undefined) return
    this.#sessions.delete(session)
    place.leave()
    this.#left()
  }

  #turnAway(
    connection: Connection,
    { remote }: Pick<Arrival, 'remote'>,
    { limit, reply }: { readonly limit?: LimitName; readonly reply: Reply },
  ): void {
    const { log } = this.#parts.doors
    this.#arriving.delete(connection)
    this.#meter.refused(limit ?? 'policy')
    log.info('connection.refused', {
      listener: this.#options.name,
      remote: remote.address,
      limit,
      reply: formatReply(reply).trimEnd(),
    })
    // Who expects a handshake, or another protocol, would not understand a farewell.
    if (this.#options.tls === 'implicit' || this.#options.wordless === true) {
      connection.destroy()
      this.#left()
      return
    }
    // In a flood, and where descriptors are short, nobody lingers: whoever does not read at once has missed it.
    if (this.#turnedAway.size >= maxTurnedAway || limit === 'descriptors') {
      connection.write(formatReply(reply))
      connection.destroy()
      this.#left()
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
    connection.resume()
    connection.write(formatReply(reply))
    connection.end()
  }

  #left(): void {
    const { size } = this.#sessions
    if (size + this.#arriving.size + this.#turnedAway.size === 0) this.#emptied?.()
  }
}
