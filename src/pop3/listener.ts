/** Listens for POP3 clients, and gives each a session, within limits. Who comes beyond them is told so and sent away. */
import { isPosternError } from '../mail/errors.ts'
import type { TlsState } from '../mail/session.ts'
import type { Connection, ListenAddress, Net, NetListener, TlsContext } from '../runtime/net.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Disk } from '../runtime/disk.ts'
import type { Random } from '../runtime/random.ts'
import {
  Admission,
  limitsFor,
  Place,
  type AdmissionDoors,
  type ConnectionLimits,
  type LimitName,
} from '../smtp/admission.ts'
import type { ConnectionFacts, Introduction, Policy, TlsChoice } from '../smtp/policy.ts'
import { PopConnection } from './connection.ts'
import type { Mailboxes } from './mailboxes.ts'
import { OctetBook } from './octet-book.ts'
import * as replies from './replies.ts'
import { PopSession } from './session.ts'

export interface PopListenerOptions extends ConnectionLimits {
  readonly name: string
  readonly address: ListenAddress
  readonly socketMode?: number | undefined
  readonly tls: 'off' | 'starttls' | 'implicit'
  readonly handshakeTimeoutMs: number
}

export interface PopListenerParts {
  readonly policy: Policy
  readonly mailboxes: Mailboxes
  /** The certificates, asked for anew by each handshake. @throws PosternError CONFIG_INVALID where what is chosen cannot be used */
  tls(choice?: TlsChoice): TlsContext | undefined
  readonly doors: AdmissionDoors & {
    readonly net: Net
    readonly disk: Disk
    readonly random: Random
  }
}

export interface PopListener {
  readonly name: string
  readonly address: ListenAddress
  /** Sessions now. */
  readonly sessions: number
  /** Accepts no more; sessions end after the command that is being answered, all after `graceMs`. */
  close(graceMs: number): Promise<void>
}

/** @throws PosternError ADDRESS_IN_USE, LISTEN_FAILED */
export async function listenForPop3(
  options: PopListenerOptions,
  parts: PopListenerParts,
): Promise<PopListener> {
  const reception = new Reception(options, parts)
  const { net, clock, log } = parts.doors
  const socket = await net.listen({
    address: options.address,
    socketMode: options.socketMode,
    accepted: (connection) => reception.accept(connection),
    failed: (error) => log.error('accept.failed', { listener: options.name, error: error.message }),
  })
  return {
    name: options.name,
    address: socket.address,
    get sessions() {
      return reception.sessions
    },
    close: (graceMs) => close(socket, reception, { graceMs, clock }),
  }
}

async function close(
  socket: NetListener,
  reception: Reception,
  { graceMs, clock }: { readonly graceMs: number; readonly clock: Clock },
): Promise<void> {
  const stopped = socket.close()
  const empty = reception.retire()
  const timer = clock.after(graceMs, () => reception.dismiss())
  await Promise.all([stopped, empty])
  timer.cancel()
}

/** What is said to whom a limit keeps out. */
const refusals: { readonly [L in LimitName]: replies.Answer } = {
  connections: replies.tooManyConnections,
  address: replies.tooManyConnections,
  network: replies.tooManyConnections,
  load: replies.notServing,
  descriptors: replies.notServing,
}

/** Clients that are on their way in, or out with a last word. */
const mostTurnedAway = 100

class Reception {
  readonly #options: PopListenerOptions
  readonly #parts: PopListenerParts
  readonly #admission: Admission
  readonly #octets = new OctetBook()
  readonly #idStart: string
  #idCount = 0
  /** Each with what it is counted as. */
  readonly #sessions = new Map<PopConnection, Place>()
  /** Clients that have no session yet. */
  readonly #arriving = new Set<Connection>()
  #emptied: (() => void) | undefined

  constructor(options: PopListenerOptions, parts: PopListenerParts) {
    this.#options = options
    this.#parts = parts
    this.#admission = new Admission(options.name, options, parts.doors)
    this.#idStart = Buffer.from(parts.doors.random.bytes(4)).toString('hex')
  }

  get sessions(): number {
    return this.#sessions.size
  }

  accept(connection: Connection): void {
    this.#arriving.add(connection)
    void this.#receive(connection).catch((error: unknown) => {
      const { log } = this.#parts.doors
      log.error('pop3.failed', { remote: connection.remote.address, error: String(error) })
      this.#turnAway(connection, replies.notServing)
    })
  }

  retire(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#emptied = resolve
    for (const session of this.#sessions.keys()) session.retire()
    for (const connection of this.#arriving) connection.destroy()
    this.#left()
    return promise
  }

  dismiss(): void {
    for (const session of this.#sessions.keys()) session.dismiss()
  }

  async #receive(connection: Connection): Promise<void> {
    const place = await this.#admission.enter()
    if (!(place instanceof Place)) return this.#refuse(connection, place.limit)
    try {
      await this.#admit(connection, place)
    } catch (error) {
      place.leave()
      throw error
    }
  }

  async #admit(connection: Connection, place: Place): Promise<void> {
    const { name, tls: mode } = this.#options
    const { remote } = connection
    const introduction = await this.#parts.policy.introduce({ listener: name, remote })
    if (introduction.denied) {
      place.leave()
      return this.#turnAway(connection, replies.denied)
    }
    // MAXLOAD keeps mail waiting, not people who want to read theirs; as `max_load`, which POP3 listeners have not.
    const limits = { ...limitsFor(this.#options, introduction.limits), maxLoad: undefined }
    const refusal = await this.#admission.identify(place, remote.address, limits)
    if (refusal !== undefined) return this.#refuse(connection, refusal.limit)
    if (mode !== 'implicit') return this.#open(connection, { introduction, place })
    const tls = await this.#secured(connection, introduction)
    if (tls !== undefined) return this.#open(connection, { introduction, place, tls })
    this.#drop(connection, place)
  }

  /** A handshake that fails ends in silence: there is no language to say why in. */
  async #secured(
    connection: Connection,
    introduction: Introduction,
  ): Promise<TlsState | undefined> {
    const { handshakeTimeoutMs: timeoutMs, name } = this.#options
    try {
      const context = this.#parts.tls(this.#parts.policy.tlsFor(name, introduction))
      if (context === undefined) return undefined
      // While it was asked who may come in, the client has begun with the handshake.
      const received = Buffer.alloc(0)
      return await connection.startTls({ side: 'server', context, timeoutMs, received })
    } catch (error) {
      const { address } = connection.remote
      this.#parts.doors.log[isPosternError(error, 'CONFIG_INVALID') ? 'error' : 'info'](
        'tls.failed',
        {
          listener: name,
          remote: address,
          error: String(error),
        },
      )
      return undefined
    }
  }

  #open(
    connection: Connection,
    { introduction, place, tls }: { introduction: Introduction; place: Place; tls?: TlsState },
  ): void {
    if (this.#emptied !== undefined) return this.#drop(connection, place)
    const { policy, mailboxes, doors } = this.#parts
    const { clock, log } = doors
    const { remote, local } = connection
    const { remoteName } = introduction
    const facts: ConnectionFacts = {
      id: `${this.#idStart}-${(++this.#idCount).toString(36)}`,
      startedAt: clock.now(),
      listener: this.#options.name,
      remote,
      local,
      introduction,
      ...(remoteName === undefined ? {} : { remoteName }),
      ...(tls === undefined ? {} : { tls }),
    }
    const sessionPolicy = policy.open(facts)
    const session = new PopSession({
      facts,
      policy: sessionPolicy,
      mailboxes,
      timestamp: `<${facts.id}.${facts.startedAt}@${sessionPolicy.settings.hostname}>`,
      doors: { ...doors, octets: this.#octets },
      canStartTls: this.#options.tls === 'starttls' && this.#parts.tls() !== undefined,
    })
    const { handshakeTimeoutMs } = this.#options
    const opened = new PopConnection({
      id: facts.id,
      connection,
      session,
      clock,
      log,
      handshakeTimeoutMs,
      tls: () => this.#parts.tls(sessionPolicy.settings.tls),
      finished: () => place.release(),
      closed: (gone) => {
        this.#sessions.delete(gone)
        place.leave()
        this.#left()
      },
    })
    this.#arriving.delete(connection)
    this.#sessions.set(opened, place)
    opened.start()
  }

  /** Nobody's session, as it turns out. */
  #drop(connection: Connection, place: Place): void {
    place.leave()
    connection.destroy()
    this.#gone(connection)
  }

  #refuse(connection: Connection, limit: LimitName): void {
    this.#turnAway(connection, refusals[limit])
  }

  #turnAway(connection: Connection, answer: replies.Answer): void {
    // Who expects a handshake would not understand it, and in a flood nobody lingers.
    if (this.#options.tls === 'implicit' || this.#arriving.size > mostTurnedAway) {
      connection.destroy()
      return this.#gone(connection)
    }
    const ignored = { data: () => {}, ended: () => {}, drained: () => {} }
    connection.attach({ ...ignored, closed: () => this.#gone(connection) })
    connection.resume()
    connection.write(answer.text)
    connection.end()
  }

  #gone(connection: Connection): void {
    this.#arriving.delete(connection)
    this.#left()
  }

  #left(): void {
    if (this.#sessions.size + this.#arriving.size === 0) this.#emptied?.()
  }
}
