/**
 * Who may come in: connections in all, from one address and from one network, by load, and as long as there are file
 * descriptors. Whoever is let in holds a place until they leave it. A count may live in another process, so every
 * answer may be a promise; where it does not, none is made.
 */
import { clientNetwork, type PrefixLengths } from '../mail/client-network.ts'
import { after, type MaybePromise } from '../mail/maybe-promise.ts'
import { reply, type Reply } from '../mail/reply.ts'
import type { TransientStatus } from '../mail/status.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Counters } from '../runtime/counters.ts'
import type { Log } from '../runtime/log.ts'
import type { HostProcess } from '../runtime/process.ts'
import { DescriptorReserve } from './descriptor-reserve.ts'

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

/** 4.3.2: we are full (RFC 3463 §3.4); 4.7.0: this client has enough. */
const words: { readonly [L in LimitName]: readonly [status: TransientStatus, text: string] } = {
  connections: ['4.3.2', 'Too many connections, come back later'],
  address: ['4.7.0', 'Too many connections from your address'],
  network: ['4.7.0', 'Too many connections from your network'],
  load: ['4.3.2', 'Too busy, come back later'],
  descriptors: ['4.3.2', 'Too busy, come back later'],
}

/** The system updates its load average every five seconds. */
const loadHoldsMs = 1_000

/** What one connection has been counted as. */
export class Place {
  readonly #counters: Pick<Counters, 'give'>
  readonly #keys: string[] = []

  constructor(counters: Pick<Counters, 'give'>) {
    this.#counters = counters
  }

  took(key: string): void {
    this.#keys.push(key)
  }

  /** Gives back all of it; once is enough. */
  leave(): void {
    for (const key of this.#keys.splice(0)) this.#counters.give(key)
  }
}

export class Admission {
  readonly #listener: string
  readonly #limits: ConnectionLimits
  readonly #doors: AdmissionDoors
  readonly #reserve: DescriptorReserve
  readonly #refusals: ReadonlyMap<LimitName, Refusal>
  #load = 0
  #loadUntilMs = 0

  constructor(listener: string, limits: ConnectionLimits, doors: AdmissionDoors) {
    this.#listener = listener
    this.#limits = limits
    this.#doors = doors
    this.#reserve = new DescriptorReserve({ ...doors, listener })
    this.#refusals = refusalsOf(limits.limitTexts ?? {})
  }

  /** Before anything is known of the client. */
  enter(): MaybePromise<Place | Refusal> {
    if (!this.#reserve.spare()) return this.#refusal('descriptors')
    if (this.#overloaded()) return this.#refusal('load')
    const place = new Place(this.#doors.counters)
    const key = `smtp:${this.#listener}`
    return after(this.#take(place, key, this.#limits.maxConnections), (taken) =>
      taken ? place : this.#refusal('connections'),
    )
  }

  /** Once the client's address is known. One who is refused has left the place. */
  identify(place: Place, address: string): MaybePromise<Refusal | undefined> {
    const { maxConnectionsPerAddress, maxConnectionsPerNetwork } = this.#limits
    // Who comes by a UNIX socket has no address, and all of them would be one client.
    if (address === 'unix') return undefined
    const ofAddress = this.#take(
      place,
      `smtp:${this.#listener}:${address}`,
      maxConnectionsPerAddress,
    )
    return after(ofAddress, (taken) => {
      if (!taken) return this.#leave(place, 'address')
      if (maxConnectionsPerNetwork === undefined) return undefined
      const network = clientNetwork(address, this.#limits.networkBits)
      if (network === undefined) return undefined
      const key = `smtp:${this.#listener}:${network}`
      return after(this.#take(place, key, maxConnectionsPerNetwork), (also) =>
        also ? undefined : this.#leave(place, 'network'),
      )
    })
  }

  #take(place: Place, key: string, limit: number): MaybePromise<boolean> {
    // The type, not the value, says whether it may be a promise: a Map answers at once.
    const answer: MaybePromise<boolean> = this.#doors.counters.take(key, limit)
    return after(answer, (taken) => {
      if (taken) place.took(key)
      return taken
    })
  }

  #leave(place: Place, limit: LimitName): Refusal {
    place.leave()
    return this.#refusal(limit)
  }

  #overloaded(): boolean {
    const { maxLoad } = this.#limits
    if (maxLoad === undefined) return false
    const { clock, process } = this.#doors
    const nowMs = clock.monotonicMs()
    if (nowMs >= this.#loadUntilMs) {
      this.#load = process.loadAverage()
      this.#loadUntilMs = nowMs + loadHoldsMs
    }
    return this.#load > maxLoad
  }

  #refusal(limit: LimitName): Refusal {
    const refusal = this.#refusals.get(limit)
    if (refusal === undefined) throw new Error(`no words for the limit ${limit}`)
    return refusal
  }
}

function refusalsOf(
  texts: NonNullable<ConnectionLimits['limitTexts']>,
): ReadonlyMap<LimitName, Refusal> {
  const names: readonly LimitName[] = ['connections', 'address', 'network', 'load', 'descriptors']
  return new Map(
    names.map((limit) => {
      const [status, text] = words[limit]
      const chosen = limit === 'descriptors' ? texts.load : texts[limit]
      return [limit, { limit, reply: reply(421, status, chosen ?? text) }]
    }),
  )
}
