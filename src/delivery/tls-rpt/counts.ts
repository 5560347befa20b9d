/**
 * How often sessions with a domain's mail exchangers came to TLS, and why not, for each day (UTC) and policy. Kept in
 * the store at once, bounded in every direction; losing it loses a part of a report. Every process and every while has an
 * entry of its own, so nobody waits for another to write; they are added up when they are read.
 */
import type { Instant } from '../../mail/instant.ts'
import type { JsonValue } from '../../mail/json.ts'
import type { Store, StoreTable } from '../../runtime/store.ts'
import {
  policyTypes,
  tlsFailures,
  type PolicyFacts,
  type TlsFailure,
  type TlsSighting,
} from './sighting.ts'

export interface FailureCount {
  readonly failure: TlsFailure
  /** Name and address of the mail exchanger; empty where it did not come to one. */
  readonly host: string
  readonly address: string
  readonly reason: string
  count: number
}

export interface PolicyCount {
  readonly policy: PolicyFacts
  successes: number
  /** All of them, also those that have no place among the details. */
  failures: number
  readonly details: FailureCount[]
}

/** What is known of one domain and day. */
export interface DomainDay {
  readonly domain: string
  /** `2026-11-21`. */
  readonly day: string
  readonly policies: readonly PolicyCount[]
}

const maxEntries = 20_000
const maxCounting = 2_000
const maxPolicies = 8
const maxDetails = 20
const maxLines = 20
const maxText = 200
/** How long it can be asked for. */
const keptMs = 14 * 86_400_000

export function tlsCountTable(store: Store): StoreTable {
  return store.table('tls_reports', { maxEntries })
}

/** The day of an instant, in UTC as reports have it (RFC 8460 §4.2). */
export function dayOf(at: Instant): string {
  return new Date(at).toISOString().slice(0, 10)
}

interface Counting {
  readonly key: string
  readonly policies: PolicyCount[]
}

export class TlsCounts {
  readonly #table: StoreTable
  readonly #now: () => Instant
  /** Distinguishes this process from all others that count. */
  readonly #run: string
  readonly #counting = new Map<string, Counting>()
  #begun = 0

  constructor(store: Store, { now, run }: { readonly now: () => Instant; readonly run: string }) {
    this.#table = tlsCountTable(store)
    this.#now = now
    this.#run = run
  }

  count({ domain, policy, hop, outcome }: TlsSighting): void {
    // No name that a report could be asked for by.
    if (!/^[\x21-\x7e]{1,255}$/.test(domain)) return
    const now = this.#now()
    const { key, policies } = this.#countingOf(`${dayOf(now)} ${domain}`)
    const found = policyIn(policies, cut(policy))
    if (outcome.failure === undefined) found.successes += 1
    else {
      addFailure(found, {
        failure: outcome.failure,
        host: hop?.name.slice(0, 255) ?? '',
        address: hop?.address.slice(0, 50) ?? '',
        reason: outcome.reason?.slice(0, maxText) ?? '',
        count: 1,
      })
    }
    this.#table.putLater(key, encode(policies), now + keptMs)
  }

  /** Who has not been heard of for longest makes room: what was counted is in the store. */
  #countingOf(name: string): Counting {
    const known = this.#counting.get(name)
    if (known !== undefined) return known
    const [oldest] = this.#counting.keys()
    if (this.#counting.size >= maxCounting && oldest !== undefined) this.#counting.delete(oldest)
    const counting = { key: `${name} ${this.#run}.${this.#begun++}`, policies: [] }
    this.#counting.set(name, counting)
    return counting
  }
}

function cut({ type, lines, mx }: PolicyFacts): PolicyFacts {
  const short = (texts: readonly string[]): readonly string[] =>
    texts.slice(0, maxLines).map((text) => text.slice(0, maxText))
  return { type, lines: short(lines), mx: short(mx) }
}

/** The counts of this policy. A domain that has too many in one day has the rest under the last of them. */
function policyIn(policies: PolicyCount[], policy: PolicyFacts): PolicyCount {
  const same = JSON.stringify(policy)
  const known = policies.find((each) => JSON.stringify(each.policy) === same)
  const last = policies.length >= maxPolicies ? policies.at(-1) : undefined
  const found = known ?? last
  if (found !== undefined) return found
  const fresh: PolicyCount = { policy, successes: 0, failures: 0, details: [] }
  policies.push(fresh)
  return fresh
}

function addFailure(to: PolicyCount, added: FailureCount): void {
  to.failures += added.count
  const known = to.details.find(
    ({ failure, host, address, reason }) =>
      failure === added.failure &&
      host === added.host &&
      address === added.address &&
      reason === added.reason,
  )
  if (known !== undefined) known.count += added.count
  else if (to.details.length < maxDetails) to.details.push({ ...added })
}

/** `[type, [line …], [mx …], successes, failures, [[failure, host, address, reason, count] …]]` for each policy. */
function encode(policies: readonly PolicyCount[]): JsonValue {
  return policies.map(({ policy: { type, lines, mx }, successes, failures, details }) => [
    policyTypes.indexOf(type),
    [...lines],
    [...mx],
    successes,
    failures,
    details.map(({ failure, host, address, reason, count }) => [
      tlsFailures.indexOf(failure),
      host,
      address,
      reason,
      count,
    ]),
  ])
}

const pageOfScan = 1_000

/** All domains of a day, or one; in order of their names. @throws PosternError STORE_FAILED */
export async function readDay(
  table: Pick<StoreTable, 'scan'>,
  day: string,
  only?: string,
): Promise<readonly DomainDay[]> {
  const days = new Map<string, PolicyCount[]>()
  const to = only === undefined ? `${day}!` : `${day} ${only}!`
  for (let from = only === undefined ? `${day} ` : `${day} ${only} `; ;) {
    const found = await table.scan({ from, to, limit: pageOfScan, order: 'ascending' })
    for (const { key, value } of found) {
      const [, domain = ''] = key.split(' ')
      const sum = days.get(domain) ?? []
      days.set(domain, sum)
      addInto(sum, value)
    }
    const last = found.at(-1)
    if (last === undefined || found.length < pageOfScan) break
    from = `${last.key}\0`
  }
  return [...days].map(([domain, policies]) => ({ domain, day, policies }))
}

function addInto(sum: PolicyCount[], value: JsonValue): void {
  for (const each of listOf(value)) {
    const [type, lines, mx, successes, failures, details] = listOf(each)
    const found = policyIn(sum, {
      type: policyTypes[numberOf(type)] ?? 'no-policy-found',
      lines: listOf(lines).map(textOf),
      mx: listOf(mx).map(textOf),
    })
    found.successes += numberOf(successes)
    const before = found.failures
    for (const detail of listOf(details)) {
      const [failure, host, address, reason, count] = listOf(detail)
      addFailure(found, {
        failure: tlsFailures[numberOf(failure)] ?? 'validation-failure',
        host: textOf(host),
        address: textOf(address),
        reason: textOf(reason),
        count: numberOf(count),
      })
    }
    found.failures = before + numberOf(failures)
  }
}

/** What lies in the store is judged, not believed. */
function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : []
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : ''
}

function numberOf(value: JsonValue | undefined): number {
  return typeof value === 'number' ? value : 0
}
