/** Who is in, and who may come in: each connection gets a session, within limits; who comes beyond them is sent away. */
import { errorMessage, errorStack, isPosternError } from '../mail/errors.ts'
import { after, type MaybePromise } from '../mail/maybe-promise.ts'
import type { TlsState } from '../mail/session.ts'
import type { Connection } from '../runtime/net.ts'
import { Admission, limitsFor, Place } from './admission.ts'
import { Arrivals, type Arrival } from './arrival.ts'
import { SessionConnection } from './connection.ts'
import { Farewells, type Farewell } from './farewells.ts'
import { noMeter, type ListenerMeter } from './listener-meter.ts'
import type { ListenerOptions, ListenerParts } from './listener-parts.ts'
import type { ConnectionFacts, Introduction, TlsChoice } from './policy.ts'
import { Receiver, type SessionReceiver } from './receiver.ts'
import { notServing } from './replies.ts'
import { failureLevel, secured, type Handshake } from './secured.ts'
import { sessionIds } from './session-ids.ts'

/** So long a handshake may take. */
const handshakeTimeoutMs = 30_000

/** A client of whom the policy has heard. */
type Introduced = Arrival & { readonly introduction: Introduction }

export class Reception {
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
  readonly #farewells: Farewells
  #emptied: (() => void) | undefined

  constructor(options: ListenerOptions, parts: ListenerParts) {
    this.#options = options
    this.#parts = parts
    this.#nextId = sessionIds(parts.doors.random)
    this.#admission = new Admission(options.name, options, parts.doors)
    this.#arrivals = new Arrivals(options, parts.doors.clock)
    this.#meter = parts.meter ?? noMeter
    this.#farewells = new Farewells(options, {
      log: parts.doors.log,
      meter: this.#meter,
      gone: () => this.#left(),
    })
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
    this.#farewells.cut()
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
      doors.log.error('policy.failed', { remote: remote.address, error: errorStack(error) })
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
        error: errorMessage(error),
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
        error: errorMessage(error),
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
    const { clock, log } = this.#parts.doors
    const { received, ...client } = arrival
    const facts: ConnectionFacts = {
      id: this.#nextId(),
      startedAt: clock.now(),
      listener: this.#options.name,
      ...client,
    }
    const receiver = this.#receiverFor(facts)
    if (receiver === undefined) return this.#unserved(connection, place, arrival)
    const session = new SessionConnection({
      id: facts.id,
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
    this.#arriving.delete(connection)
    this.#sessions.set(session, place)
    this.#logOpened(facts, received === undefined ? undefined : connection.remote)
    session.start(received)
    if (received !== undefined) connection.resume()
    if (this.#emptied !== undefined) session.retire()
  }

  /** @returns undefined where the policy fails */
  #receiverFor(facts: ConnectionFacts): SessionReceiver | undefined {
    const { policy, queue, queueFlush, doors } = this.#parts
    const { clock, log, random } = doors
    const { tls: mode = 'starttls' } = this.#options
    const canStartTls = mode === 'starttls' && this.#parts.tls() !== undefined
    const parts = { facts, policy, queue, queueFlush, clock, log, random, canStartTls }
    try {
      return this.#parts.receive?.(parts) ?? new Receiver(parts)
    } catch (error) {
      log.error('policy.failed', { session: facts.id, error: errorStack(error) })
      return undefined
    }
  }

  /** @param by who has said whose connection it is, where somebody has */
  #logOpened(facts: ConnectionFacts, by?: Connection['remote']): void {
    const { log } = this.#parts.doors
    const { id, remote, local, remoteName, introduction } = facts
    if (by !== undefined) {
      log.debug('connection.introduced', { session: id, by: by.address, remote: remote.address })
    }
    log.debug('session.opened', {
      session: id,
      listener: this.#options.name,
      remote: remote.address,
      port: remote.port,
      remoteName,
      remoteInfo: introduction?.remoteInfo,
      local: `${local.address}:${local.port}`,
      limit: this.#options.maxConnections,
    })
  }

  readonly #closed = (session: SessionConnection): void => {
    const place = this.#sessions.get(session)
    if (place === undefined) return
    this.#sessions.delete(session)
    place.leave()
    this.#left()
  }

  #turnAway(connection: Connection, { remote }: Pick<Arrival, 'remote'>, farewell: Farewell): void {
    this.#arriving.delete(connection)
    this.#farewells.say(connection, remote, farewell)
  }

  #left(): void {
    const { size } = this.#sessions
    if (size + this.#arriving.size + this.#farewells.size === 0) this.#emptied?.()
  }
}
