/**
 * Who may come in: connections in all, from one address and from one network, by load, and as long as there are file
 * descriptors. Whoever is let in holds a place until they leave it. A count may live in another process, so every
 * answer may be a promise; where it does not, none is made.
 */
import { clientNetwork, type PrefixLengths } from '../mail/client-network.ts'
import { after, type MaybePromise } from '../mail/maybe-promise.ts'
import { reply, type Reply } from '../mail/reply.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Counters } from '../runtime/counters.ts'
import type { Log } from '../runtime/log.ts'
import type { HostProcess } from '../runtime/process.ts'
import { DescriptorReserve } from './descriptor-reserve.ts'
import type { ClientLimits } from './policy.ts'

export interface ConnectionLimits {
  /** Connections at one time. */
  readonly maxConnections: number
  /** Connections at one time from one client address. */
  readonly maxConnectionsPerAddress: number
  /** … and from one network; no limit where absent. */
  readonly maxConnectionsPerNetwork?: number | undefined
  /** What one network is; /24 and /64 where absent. */
  readonly networkBits?: PrefixLengths
  /** The load average over one minute above which nobody is let in; no limit where absent. */
  readonly maxLoad?: number | undefined
  /** What is said in place of our own words, without code. */
  readonly limitTexts?: { readonly [L in TextedLimit]?: string | undefined }
}

/** The limits of a listener, as they hold for one client. */
export function limitsFor(own: ConnectionLimits, client: ClientLimits): ConnectionLimits {
  const { texts, ...limits } = client
  if (texts === undefined) return { ...own, ...limits }
  return { ...own, ...limits, limitTexts: { ...own.limitTexts, ...texts } }
}

/** Limits whose text an operator may choose. */
export type TextedLimit = 'connections' | 'address' | 'network' | 'load'
export type LimitName = TextedLimit | 'descriptors'

/** Why somebody is not let in. */
export interface Refusal {
  readonly limit: LimitName
  readonly reply: Reply
}

export interface AdmissionDoors {
  readonly clock: Clock
  readonly counters: Pick<Counters, 'take' | 'give'>
  readonly process: Pick<HostProcess, 'loadAverage' | 'descriptors'>
  readonly log: Log
}

/** x.3.2: we are full (RFC 3463 §3.4); x.7.0: this client has enough. */
const words: { readonly [L in LimitName]: readonly [detail: '3.2' | '7.0', text: string] } = {
  connections: ['3.2', 'Too many connections, come back later'],
  address: ['7.0', 'Too many connections from your address'],
  network: ['7.0', 'Too many connections from your network'],
  load: ['3.2', 'Too busy, come back later'],
  descriptors: ['3.2', 'Too busy, come back later'],
}

/** One of `key`, for whoever is at `place`. */
interface Taking {
  readonly place: Place
  readonly key: string
  readonly of: 'listener' | 'client'
  readonly limit: number
}

/** The system updates its load average every five seconds. */
const loadHoldsMs = 1_000

/** Where a limit is reached it is looked at once more after so long: whoever leaves may be on the way out. */
const secondLookMs = 100
/** Clients that may wait for that at one time; in a flood nobody does. */
const mostSecondLooks = 100

/** What one connection has been counted as. */
export class Place {
  readonly #counters: Pick<Counters, 'give'>
  readonly #ofListener: string[] = []
  readonly #ofClient: string[] = []

  constructor(counters: Pick<Counters, 'give'>) {
    this.#counters = counters
  }

  /** @param of whether it is one of all connections, or one of this client's */
  took(key: string, of: 'listener' | 'client'): void {
    const keys = of === 'listener' ? this.#ofListener : this.#ofClient
    keys.push(key)
  }

  /** The client has ended its session and may come again; its socket is one of all until it is closed. */
  release(): void {
    this.#give(this.#ofClient)
  }

  /** Gives back all of it; once is enough. */
  leave(): void {
    this.#give(this.#ofClient)
    this.#give(this.#ofListener)
  }

  #give(keys: string[]): void {
    for (const key of keys.splice(0)) this.#counters.give(key)
  }
}

export class Admission {
  readonly #listener: string
  readonly #limits: ConnectionLimits
  readonly #doors: AdmissionDoors
  readonly #reserve: DescriptorReserve
  #load = 0
  #loadUntilMs = 0
  #secondLooks = 0

  constructor(listener: string, limits: ConnectionLimits, doors: AdmissionDoors) {
    this.#listener = listener
    this.#limits = limits
    this.#doors = doors
    this.#reserve = new DescriptorReserve({ ...doors, listener })
  }

  /** Before anything is known of the client. */
  enter(): MaybePromise<Place | Refusal> {
    if (!this.#reserve.spare()) return refusal('descriptors', this.#limits)
    const place = new Place(this.#doors.counters)
    const key = `smtp:${this.#listener}`
    const taking = { place, key, of: 'listener', limit: this.#limits.maxConnections } as const
    return after(this.#take(taking), (taken) =>
      taken ? place : refusal('connections', this.#limits),
    )
  }

  /**
   * Once it is known who the client is. One who is refused has left the place.
   * @param limits those of this client, where they are not the listener's
   */
  identify(
    place: Place,
    address: string,
    limits: ConnectionLimits = this.#limits,
  ): MaybePromise<Refusal | undefined> {
    const { maxConnectionsPerAddress, maxConnectionsPerNetwork } = limits
    if (this.#overloaded(limits)) return leave(place, 'load', limits)
    // Who comes by a UNIX socket has no address, and all of them would be one client.
    if (address === 'unix') return undefined
    const key = `smtp:${this.#listener}:${address}`
    const taking = { place, key, of: 'client', limit: maxConnectionsPerAddress } as const
    return after(this.#take(taking), (taken) => {
      if (!taken) return leave(place, 'address', limits)
      if (maxConnectionsPerNetwork === undefined) return undefined
      const network = clientNetwork(address, limits.networkBits)
      if (network === undefined) return undefined
      const ofNetwork = `smtp:${this.#listener}:${network}`
      const also = this.#take({ ...taking, key: ofNetwork, limit: maxConnectionsPerNetwork })
      return after(also, (both) => (both ? undefined : leave(place, 'network', limits)))
    })
  }

  #take(taking: Taking): MaybePromise<boolean> {
    return after(this.#tryToTake(taking), (taken) => taken || this.#lookAgain(taking))
  }

  #tryToTake({ place, key, of, limit }: Taking): MaybePromise<boolean> {
    // The type, not the value, says whether it may be a promise: a Map answers at once.
    const answer: MaybePromise<boolean> = this.#doors.counters.take(key, limit)
    return after(answer, (taken) => {
      if (taken) place.took(key, of)
      return taken
    })
  }

  /** A client that has read our last word may be back before its socket's end was heard of, here or by another worker. */
  #lookAgain(taking: Taking): MaybePromise<boolean> {
    if (taking.limit < 1 || this.#secondLooks >= mostSecondLooks) return false
    this.#secondLooks += 1
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#doors.clock.after(secondLookMs, resolve)
    return promise.then(() => {
      this.#secondLooks -= 1
      return this.#tryToTake(taking)
    })
  }

  #overloaded({ maxLoad }: ConnectionLimits): boolean {
    if (maxLoad === undefined) return false
    const { clock, process } = this.#doors
    const nowMs = clock.monotonicMs()
    if (nowMs >= this.#loadUntilMs) {
      this.#load = process.loadAverage()
      this.#loadUntilMs = nowMs + loadHoldsMs
    }
    return this.#load > maxLoad
  }
}

function leave(place: Place, limit: LimitName, limits: ConnectionLimits): Refusal {
  place.leave()
  return refusal(limit, limits)
}

/** A text of a tcp.smtp rule (DIEMSG) may begin with its reply code; of those only 421 and 554 exist here. */
function refusal(limit: LimitName, { limitTexts = {} }: ConnectionLimits): Refusal {
  const [detail, text] = words[limit]
  const chosen = limit === 'descriptors' ? limitTexts.load : limitTexts[limit]
  const [, kind, plain] = /^([245])\d\d(?:[ -](.*))?$/.exec(chosen ?? '') ?? []
  const said = plain ?? (chosen === undefined || chosen === '' ? text : chosen)
  return kind === '5'
    ? { limit, reply: reply(554, `5.${detail}`, said) }
    : { limit, reply: reply(421, `4.${detail}`, said) }
}
