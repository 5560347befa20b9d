/**
 * The MTA-STS policies of the domains we send to (RFC 8461), fetched when their id changes and kept in the store for
 * as long as they say. What can not be fetched now is no policy, unless an older one has not expired: then that holds.
 * What the last fetch came to is known for some minutes without the store, so that mail waits for none of them twice.
 * One that is a day old is fetched again while it holds, so that nobody need only keep us from its host on the last day.
 */
import { isPosternError, PosternError } from '../../mail/errors.ts'
import type { JsonValue } from '../../mail/json.ts'
import { printable } from '../../mail/reply.ts'
import type { Log } from '../../runtime/log.ts'
import type { Store, StoreTable } from '../../runtime/store.ts'
import type { TlsFailure, TlsObserver } from '../tls-rpt/sighting.ts'
import { httpsGet, type HttpsDoors } from './https-get.ts'
import { parseStsPolicy, stsId, type StsPolicy } from './policy.ts'

export interface StsDoors extends HttpsDoors {
  readonly store: Store
  readonly log: Log
}

const maxPolicies = 10_000
/** RFC 8461 §3.3 allows a minute; mail waits for it. */
const fetchMs = 15_000
/** So long what a fetch came to stands beside the store; after one that failed none is tried. */
const latelyMs = 300_000

/** RFC 8461 §10.2: once a day is often enough. */
const freshMs = 86_400_000

const noPolicyServed = 'what it serves is no policy'

interface Kept {
  readonly id: string
  readonly policy: StsPolicy
}

interface Fetched {
  readonly id: string
  /** Undefined: it failed. */
  readonly policy: StsPolicy | undefined
  /** By the monotonic clock. */
  readonly untilMs: number
}

export class StsPolicies {
  readonly #doors: StsDoors
  readonly #table: StoreTable
  /** One fetch for a domain at a time, whoever else asks. */
  readonly #fetching = new Map<string, Promise<StsPolicy | undefined>>()
  /** By domain, the oldest first. */
  readonly #lately = new Map<string, Fetched>()
  readonly #tlsSeen: TlsObserver | undefined

  /** @param tlsSeen told of policies that can not be had */
  constructor(doors: StsDoors, tlsSeen?: TlsObserver) {
    this.#doors = doors
    this.#tlsSeen = tlsSeen
    // Each may have an entry beside it that says when it was fetched.
    this.#table = doors.store.table('mta_sts', { maxEntries: 2 * maxPolicies })
  }

  /** The policy in force for a domain; undefined where there is none. Never throws for what DNS, peer or store did. */
  async find(domain: string, signal: AbortSignal): Promise<StsPolicy | undefined> {
    try {
      const [id, kept] = await Promise.all([this.#id(domain, signal), this.#kept(domain)])
      if (id === undefined) return kept?.policy
      if (id === kept?.id) {
        if ((await this.#known(freshKey(domain))) === undefined) this.#renew(domain, id)
        return kept.policy
      }
      return (await this.#fetched(domain, id)) ?? kept?.policy
    } catch (error) {
      if (!isPosternError(error)) throw error
      this.#doors.log.warn('mta_sts.trouble', { domain, error: error.message })
      return undefined
    }
  }

  /** Undefined where there is no record, or no answer: then what is kept counts (RFC 8461 §5.1). */
  async #id(domain: string, signal: AbortSignal): Promise<string | undefined> {
    try {
      const answer = await this.#doors.dns.txt(`_mta-sts.${domain}`, signal)
      return answer.answer === 'found' ? stsId(answer.records) : undefined
    } catch (error) {
      if (isPosternError(error, 'DNS_FAILED')) return undefined
      throw error
    }
  }

  async #kept(domain: string): Promise<Kept | undefined> {
    const value = await this.#known(domain)
    if (value !== undefined) return decode(value)
    const { id, policy } = this.#fetchedLately(domain) ?? {}
    return id === undefined || policy === undefined ? undefined : { id, policy }
  }

  #fetchedLately(domain: string): Fetched | undefined {
    const lately = this.#lately.get(domain)
    const isOver = lately !== undefined && lately.untilMs <= this.#doors.clock.monotonicMs()
    return isOver ? undefined : lately
  }

  #remember(domain: string, { id, policy }: Omit<Fetched, 'untilMs'>): void {
    const forMs = Math.min(latelyMs, (policy?.maxAgeSeconds ?? Infinity) * 1000)
    this.#lately.delete(domain)
    this.#lately.set(domain, { id, policy, untilMs: this.#doors.clock.monotonicMs() + forMs })
    for (const oldest of this.#lately.keys()) {
      if (this.#lately.size <= maxPolicies) break
      this.#lately.delete(oldest)
    }
  }

  /** A store that does not answer makes no policy go away: it is fetched. */
  async #known(key: string): Promise<JsonValue | undefined> {
    try {
      return await this.#table.get(key)
    } catch (error) {
      if (!isPosternError(error, 'STORE_FAILED')) throw error
      this.#doors.log.warn('mta_sts.not_known', { key, error: error.message })
      return undefined
    }
  }

  /** Nobody waits for it: whatever it meets is caught here. */
  #renew(domain: string, id: string): void {
    this.#fetched(domain, id).catch((error: unknown) => {
      this.#doors.log.warn('mta_sts.not_fetched', { domain, id, error: String(error) })
    })
  }

  #fetched(domain: string, id: string): Promise<StsPolicy | undefined> {
    const key = `${domain} ${id}`
    const known = this.#fetching.get(key)
    if (known !== undefined) return known
    const fetching = this.#fetch(domain, id).finally(() => this.#fetching.delete(key))
    this.#fetching.set(key, fetching)
    return fetching
  }

  /** Has its own deadline and nobody's signal: others may wait for it. */
  async #fetch(domain: string, id: string): Promise<StsPolicy | undefined> {
    const { log, clock } = this.#doors
    const lately = this.#fetchedLately(domain)
    if (lately?.id === id) return lately.policy
    try {
      const policy = parseStsPolicy(
        await httpsGet(this.#doors, {
          host: `mta-sts.${domain}`,
          path: '/.well-known/mta-sts.txt',
          timeoutMs: fetchMs,
          signal: new AbortController().signal,
        }),
      )
      if (policy === undefined) {
        throw new PosternError('PEER_FAILED', noPolicyServed)
      }
      log.info('mta_sts.fetched', { domain, id, mode: policy.mode })
      const expiresAt = clock.now() + policy.maxAgeSeconds * 1000
      this.#table.putLater(domain, encode({ id, policy }), expiresAt)
      this.#table.putLater(freshKey(domain), id, clock.now() + freshMs)
      this.#remember(domain, { id, policy })
      return policy
    } catch (error) {
      if (!isPosternError(error)) throw error
      log.warn('mta_sts.not_fetched', { domain, id, error: error.message })
      const outcome = { failure: failureOf(error), reason: printable(error.message) }
      this.#tlsSeen?.({ domain, policy: { type: 'sts', lines: [], mx: [] }, outcome })
      // A new id whose policy nobody can have undoes none that is in force.
      if (lately?.policy === undefined) this.#remember(domain, { id, policy: undefined })
      else this.#lately.set(domain, { ...lately, id })
      return undefined
    }
  }
}

/** No domain begins so. */
function freshKey(domain: string): string {
  return `= ${domain}`
}

function failureOf({ message }: PosternError): TlsFailure {
  if (message.includes(noPolicyServed)) return 'sts-policy-invalid'
  return message.includes('TLS: ') ? 'sts-webpki-invalid' : 'sts-policy-fetch-error'
}

/** `[id, mode, maxAgeSeconds, mx, …]`. */
function encode({ id, policy: { mode, maxAgeSeconds, mx } }: Kept): JsonValue {
  return [id, mode, maxAgeSeconds, ...mx]
}

/** What the store holds is judged like what a peer sends. */
function decode(value: JsonValue): Kept | undefined {
  if (!Array.isArray(value)) return undefined
  const [id, mode, maxAge, ...mx] = value.map(String)
  const lines = ['version: STSv1', `mode: ${mode}`, `max_age: ${maxAge}`]
  const policy = parseStsPolicy([...lines, ...mx.map((name) => `mx: ${name}`)].join('\n'))
  return id === undefined || policy === undefined ? undefined : { id, policy }
}
