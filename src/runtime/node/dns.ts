/**
 * The DNS by node:dns. Asks few questions at a time: a burst of datagrams gets lost on the way and then
 * times out. Questions beyond that wait in line, the line is bounded. No cache: `caching-dns.ts` has it.
 *
 * What node:dns hands out are records without the names they belong to, and c-ares looks for the type alone. That is left
 * so: a resolver keeps what does not belong to a question out of its answers, and whoever can put a record of a wrong name
 * into one, the resolver itself or somebody who guesses port and number, could write the right name as well.
 */
import type { RecordWithTtl } from 'node:dns'
import { Resolver } from 'node:dns/promises'
import { randomInt } from 'node:crypto'
import ipaddr from 'ipaddr.js'
import { isPosternError, PosternError } from '../../mail/errors.ts'
import { abortable } from '../abortable.ts'
import type { Dns, DnsAnswer, MxRecord } from '../dns.ts'
import { exchange, overTcp, overUdp, serverOf } from './dns-exchange.ts'
import { encodeQuestion, type RecordType } from './dns-message.ts'

export interface NodeDnsOptions {
  /** Addresses with optional port, `127.0.0.1` or `[::1]:5353`; absent: what the system uses. */
  readonly servers?: readonly string[]
  /** For one question to one server; each server is asked twice at least. */
  readonly timeoutMs?: number
  readonly maxInFlight?: number
  readonly maxWaiting?: number
}

/**
 * So long a question counts as one of a burst. What is not answered by then is no datagram on its way, but a name whose
 * servers are dead, which strangers can name by the hundred: all others would wait for them until they time out.
 */
const burstMs = 200

interface Question<T> {
  /** As errors call it. */
  readonly about: string
  /** Where its records stand, and of which type they are. */
  readonly name: string
  readonly type: RecordType
  readonly ask: () => Promise<readonly T[]>
}

export function nodeDns({
  servers,
  timeoutMs = 2_000,
  maxInFlight = 128,
  maxWaiting = 10_000,
}: NodeDnsOptions = {}): Dns {
  const resolver = new Resolver({ timeout: timeoutMs, tries: 2 })
  if (servers !== undefined) resolver.setServers(servers)
  const line = questionLine(maxInFlight, maxWaiting)

  const ask = <T>(
    question: Question<T>,
    signal: AbortSignal | undefined,
  ): Promise<DnsAnswer<T>> => {
    const whole = async (): Promise<DnsAnswer<T>> => {
      const answer = await patiently(question, timeoutMs)
      if (answer.answer !== 'no-data') return answer
      if (!(await isCutShort(question, resolver.getServers(), timeoutMs))) return answer
      throw new PosternError('DNS_FAILED', `${question.about}: the answer is too long`)
    }
    return abortable(line(whole), signal, 'a question to the DNS')
  }
  const four = (name: string, signal?: AbortSignal): Promise<DnsAnswer<RecordWithTtl>> =>
    ask({ about: name, name, type: 'A', ask: () => resolver.resolve4(name, { ttl: true }) }, signal)
  const six = (name: string, signal?: AbortSignal): Promise<DnsAnswer<RecordWithTtl>> => {
    const records = (): Promise<RecordWithTtl[]> => resolver.resolve6(name, { ttl: true })
    return ask({ about: name, name, type: 'AAAA', ask: records }, signal)
  }

  return {
    addresses: async (name, signal) => {
      if (isLocalhost(name)) return { answer: 'found', records: ['127.0.0.1', '::1'] }
      return eitherOf(await Promise.allSettled([four(name, signal), six(name, signal)]))
    },
    ipv4: async (name, signal) => {
      if (isLocalhost(name)) return { answer: 'found', records: ['127.0.0.1'] }
      return eitherOf(await Promise.allSettled([four(name, signal)]))
    },
    mx: (name, signal) => {
      const records = async (): Promise<MxRecord[]> =>
        (await resolver.resolveMx(name)).map(({ exchange: host, priority }) => {
          return { exchange: host, preference: priority }
        })
      return ask({ about: name, name, type: 'MX', ask: records }, signal)
    },
    txt: (name, signal) => {
      const records = async (): Promise<string[]> =>
        (await resolver.resolveTxt(name)).map((strings) => strings.join(''))
      return ask({ about: name, name, type: 'TXT', ask: records }, signal)
    },
    // Not resolver.reverse: c-ares looks into the hosts file, and a server that fails becomes "no such name" there.
    reverse: async (address, signal) => {
      const name = reverseName(address)
      if (name === undefined) return { answer: 'no-name' }
      if (isLoopback(address)) return { answer: 'found', records: ['localhost'] }
      const records = (): Promise<string[]> => resolver.resolvePtr(name)
      return ask({ about: address, name, type: 'PTR', ask: records }, signal)
    },
  }
}

/**
 * Whether there are more records than an answer can hold. Such an answer comes cut short, by TCP too, and c-ares takes it for
 * one without records: it does not say which of the two it was. Most names have no IPv6 address, and for these nobody is
 * asked again.
 */
async function isCutShort(
  { name, type }: Pick<Question<unknown>, 'name' | 'type'>,
  servers: readonly string[],
  timeoutMs: number,
): Promise<boolean> {
  if (type === 'AAAA') return false
  for (const text of servers) {
    const question = encodeQuestion(randomInt(65_536), name, type)
    const asking = { question, server: serverOf(text), timeoutMs }
    // oxlint-disable-next-line no-await-in-loop -- the next server only where this one does not answer
    const short = await exchange(asking, overUdp).catch(unlessOurs)
    if (short === undefined) continue
    if (!short.truncated) return false
    // oxlint-disable-next-line no-await-in-loop -- the last one
    return (await exchange(asking, overTcp).catch(unlessOurs))?.truncated !== false
  }
  return false
}

/** A name server that fails says nothing; anything else that is thrown is a mistake of ours. */
function unlessOurs(error: unknown): undefined {
  if (!isPosternError(error, 'DNS_FAILED')) throw error
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

/**
 * Asked again until the time is over: c-ares gives up after five times what answers have taken lately, two seconds where most
 * come out of a cache near by, and a name that has to be looked for takes longer.
 */
async function patiently<T>(question: Question<T>, timeoutMs: number): Promise<DnsAnswer<T>> {
  const endMs = performance.now() + timeoutMs
  for (;;) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- again, where there was no answer
      return await answered(question)
    } catch (error) {
      const isLate = error instanceof PosternError && codeOf(error.cause) === 'ETIMEOUT'
      if (!isLate || performance.now() >= endMs) throw error
    }
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

/** What c-ares calls an error may be an answer. A name that can not exist does not. */
async function answered<T>({ about, ask }: Question<T>): Promise<DnsAnswer<T>> {
  try {
    const records = await ask()
    return records.length > 0 ? { answer: 'found', records } : { answer: 'no-data' }
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENODATA') return { answer: 'no-data' }
    if (code === 'ENOTFOUND' || code === 'EBADNAME') return { answer: 'no-name' }
    // What Node has no name for says that there is no server to ask.
    const said = code === 'UNKNOWN_ARES_ERROR' ? 'no name server can be asked' : String(code)
    throw new PosternError('DNS_FAILED', `${about}: ${said}`, { cause: error })
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

/** Runs so many questions at a time, the others in their order. Nobody waits for long behind those that get no answer. */
function questionLine(
  maxInFlight: number,
  maxWaiting: number,
): <T>(question: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let inFlight = 0
  const makeRoom = (): void => {
    const next = waiting.shift()
    if (next === undefined) inFlight--
    else next()
  }
  return async (question) => {
    if (inFlight >= maxInFlight) {
      if (waiting.length >= maxWaiting) throw new PosternError('DNS_FAILED', 'too many questions')
      await new Promise<void>((resolve) => waiting.push(resolve))
    } else inFlight++
    let hasLeft = false
    const leave = (): void => {
      if (!hasLeft) makeRoom()
      hasLeft = true
    }
    const timer = setTimeout(leave, burstMs)
    try {
      return await question()
    } finally {
      clearTimeout(timer)
      leave()
    }
  }
}
