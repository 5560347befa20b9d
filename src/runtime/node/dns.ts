/**
 * The DNS by node:dns. Asks few questions at a time: a burst of datagrams gets lost on the way and then
 * times out. Questions beyond that wait in line, the line is bounded. No cache: `caching-dns.ts` has it.
 */
import type { RecordWithTtl } from 'node:dns'
import { Resolver } from 'node:dns/promises'
import ipaddr from 'ipaddr.js'
import { PosternError } from '../../mail/errors.ts'
import { abortable } from '../abortable.ts'
import type { Dns, DnsAnswer } from '../dns.ts'

export interface NodeDnsOptions {
  /** Addresses with optional port, `127.0.0.1` or `[::1]:5353`; absent: what the system uses. */
  readonly servers?: readonly string[]
  /** For one question to one server; each server is asked twice. */
  readonly timeoutMs?: number
  readonly maxInFlight?: number
  readonly maxWaiting?: number
}

type Asked<T> = (signal?: AbortSignal) => Promise<DnsAnswer<T>>

export function nodeDns({
  servers,
  timeoutMs = 2_000,
  maxInFlight = 128,
  maxWaiting = 10_000,
}: NodeDnsOptions = {}): Dns {
  const resolver = new Resolver({ timeout: timeoutMs, tries: 2 })
  if (servers !== undefined) resolver.setServers(servers)
  const line = questionLine(maxInFlight, maxWaiting)

  const ask =
    <T>(name: string, question: () => Promise<readonly T[]>): Asked<T> =>
    (signal) =>
      abortable(
        line(() => answered(name, question)),
        signal,
        'a question to the DNS',
      )

  return {
    addresses: async (name, signal) => {
      if (isLocalhost(name)) return { answer: 'found', records: ['127.0.0.1', '::1'] }
      const four = ask(name, () => resolver.resolve4(name, { ttl: true }))(signal)
      const six = ask(name, () => resolver.resolve6(name, { ttl: true }))(signal)
      return eitherOf(await Promise.allSettled([four, six]))
    },
    ipv4: async (name, signal) => {
      if (isLocalhost(name)) return { answer: 'found', records: ['127.0.0.1'] }
      const four = ask(name, () => resolver.resolve4(name, { ttl: true }))(signal)
      return eitherOf(await Promise.allSettled([four]))
    },
    mx: (name, signal) =>
      ask(name, async () => {
        const records = await resolver.resolveMx(name)
        return records.map(({ exchange, priority }) => ({ exchange, preference: priority }))
      })(signal),
    txt: (name, signal) =>
      ask(name, async () => {
        const records = await resolver.resolveTxt(name)
        return records.map((strings) => strings.join(''))
      })(signal),
    // Not resolver.reverse: c-ares looks into the hosts file, and a server that fails becomes "no such name" there.
    reverse: async (address, signal) => {
      const name = reverseName(address)
      if (name === undefined) return { answer: 'no-name' }
      if (isLoopback(address)) return { answer: 'found', records: ['localhost'] }
      return ask(address, () => resolver.resolvePtr(name))(signal)
    },
  }
}

/** Where the names of an address stand: below in-addr.arpa (RFC 1035 §3.5) or ip6.arpa (RFC 3596 §2.5). */
function reverseName(address: string): string | undefined {
  if (!ipaddr.isValid(address)) return undefined
  const parsed = ipaddr.process(address)
  const octets = parsed.toByteArray().toReversed()
  return parsed.kind() === 'ipv4'
    ? `${octets.join('.')}.in-addr.arpa`
    : `${octets.flatMap((octet) => [octet & 15, octet >> 4].map((each) => each.toString(16))).join('.')}.ip6.arpa`
}

function isLoopback(address: string): boolean {
  return address === '127.0.0.1' || address === '::1'
}

/** RFC 6761 §6.3: never asked of a server. */
function isLocalhost(name: string): boolean {
  return /^(?:.+\.)?localhost\.?$/i.test(name)
}

/** What c-ares calls an error may be an answer. A name that can not exist does not. */
async function answered<T>(
  name: string,
  question: () => Promise<readonly T[]>,
): Promise<DnsAnswer<T>> {
  try {
    const records = await question()
    return records.length > 0 ? { answer: 'found', records } : { answer: 'no-data' }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENODATA') return { answer: 'no-data' }
    if (code === 'ENOTFOUND' || code === 'EBADNAME') return { answer: 'no-name' }
    // What Node has no name for says that there is no server to ask.
    const said = code === 'UNKNOWN_ARES_ERROR' ? 'no name server can be asked' : String(code)
    throw new PosternError('DNS_FAILED', `${name}: ${said}`, { cause: error })
  }
}

/** Addresses of both families; one family that fails does not hide what the other found. */
function eitherOf(
  settled: readonly PromiseSettledResult<DnsAnswer<RecordWithTtl>>[],
): DnsAnswer<string> {
  const records: string[] = []
  let ttlSeconds = Infinity
  let noName = true
  let failure: PromiseRejectedResult | undefined
  for (const outcome of settled) {
    if (outcome.status === 'rejected') failure ??= outcome
    else if (outcome.value.answer === 'found') {
      for (const { address, ttl } of outcome.value.records) {
        records.push(address)
        ttlSeconds = Math.min(ttlSeconds, ttl)
      }
    } else if (outcome.value.answer === 'no-data') noName = false
  }
  if (records.length > 0) return { answer: 'found', records, ttlMs: ttlSeconds * 1000 }
  if (failure !== undefined) throw failure.reason
  return { answer: noName ? 'no-name' : 'no-data' }
}

/** Runs so many questions at a time, the others in their order. */
function questionLine(
  maxInFlight: number,
  maxWaiting: number,
): <T>(question: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let inFlight = 0
  return async (question) => {
    if (inFlight >= maxInFlight) {
      if (waiting.length >= maxWaiting) throw new PosternError('DNS_FAILED', 'too many questions')
      await new Promise<void>((resolve) => waiting.push(resolve))
    } else inFlight++
    try {
      return await question()
    } finally {
      const next = waiting.shift()
      if (next === undefined) inFlight--
      else next()
    }
  }
}
