/**
 * The DNS with a memory: an answer is kept as long as its records allow, within bounds, and a question that is being
 * asked is not asked again beside it. What is no answer (time-out, SERVFAIL) is never kept. Bounded by the number of
 * answers and by their size, since strangers write them; the ones longest kept go first.
 */
import type { MaybePromise } from '../mail/maybe-promise.ts'
import { abortable } from './abortable.ts'
import type { Clock } from './clock.ts'
import type { Dns, DnsAnswer, MxRecord } from './dns.ts'

export interface CachingDnsOptions {
  readonly clock: Clock
  /** Answers kept at one time. */
  readonly maxAnswers?: number
  /** Where the records say nothing of their own: node:dns knows the TTL of addresses only. */
  readonly usualMs?: number
  /** However long the records allow (RFC 8767 §4 has no use for us: a gateway must learn of a delisting). */
  readonly mostMs?: number
  /** "No such name" and "no such record": the SOA that would tell (RFC 2308 §5) is not handed out. */
  readonly negativeMs?: number
}

/** Longer answers are not kept: a stranger may publish 64 KB under any number of names. */
const longestKept = 2_048

type AnyAnswer = DnsAnswer<string> | DnsAnswer<MxRecord>

interface Kept<A> {
  readonly answer: A
  /** By the monotonic clock. */
  readonly until: number
}

export function cachingDns(dns: Dns, options: CachingDnsOptions): Dns {
  const text = new AnswerCache<DnsAnswer<string>>(options)
  const mail = new AnswerCache<DnsAnswer<MxRecord>>(options)
  return {
    addresses: (name, signal) =>
      text.ask(`addresses ${plain(name)}`, () => dns.addresses(name), signal),
    ipv4: (name, signal) => text.ask(`ipv4 ${plain(name)}`, () => dns.ipv4(name), signal),
    mx: (name, signal) => mail.ask(`mx ${plain(name)}`, () => dns.mx(name), signal),
    txt: (name, signal) => text.ask(`txt ${plain(name)}`, () => dns.txt(name), signal),
    reverse: (address, signal) =>
      text.ask(`reverse ${address}`, () => dns.reverse(address), signal),
  }
}

class AnswerCache<A extends AnyAnswer> {
  readonly #clock: Clock
  readonly #maxAnswers: number
  readonly #usualMs: number
  readonly #mostMs: number
  readonly #negativeMs: number
  /** In the order in which they were kept. */
  readonly #kept = new Map<string, Kept<A>>()
  readonly #asking = new Map<string, Promise<A>>()

  constructor({
    clock,
    maxAnswers = 20_000,
    usualMs = 300_000,
    mostMs = 3_600_000,
    negativeMs = 60_000,
  }: CachingDnsOptions) {
    this.#clock = clock
    this.#maxAnswers = maxAnswers
    this.#usualMs = usualMs
    this.#mostMs = mostMs
    this.#negativeMs = negativeMs
  }

  /** @throws PosternError DNS_FAILED, ABORTED: then the question itself goes on for whoever else asked it */
  ask(
    key: string,
    question: () => MaybePromise<A>,
    signal: AbortSignal | undefined,
  ): MaybePromise<A> {
    const kept = this.#kept.get(key)
    if (kept !== undefined && kept.until > this.#clock.monotonicMs()) return kept.answer
    let asking = this.#asking.get(key)
    if (asking === undefined) {
      asking = this.#put(key, question)
      this.#asking.set(key, asking)
    }
    return abortable(asking, signal, 'a question to the DNS')
  }

  async #put(key: string, question: () => MaybePromise<A>): Promise<A> {
    try {
      const answer = await question()
      this.#keep(key, answer)
      return answer
    } finally {
      this.#asking.delete(key)
    }
  }

  #keep(key: string, answer: A): void {
    const forMs =
      answer.answer === 'found'
        ? Math.min(answer.ttlMs ?? this.#usualMs, this.#mostMs)
        : this.#negativeMs
    this.#kept.delete(key)
    if (forMs <= 0 || lengthOf(answer) > longestKept) return
    this.#kept.set(key, { answer, until: this.#clock.monotonicMs() + forMs })
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= this.#maxAnswers) break
      this.#kept.delete(oldest)
    }
  }
}

/** Names are compared without regard to case, and a dot at the end says nothing new. */
function plain(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}

/** Characters, about as many as bytes of memory. */
function lengthOf(answer: AnyAnswer): number {
  if (answer.answer !== 'found') return 0
  let length = 0
  for (const record of answer.records) {
    length += typeof record === 'string' ? record.length : record.exchange.length
  }
  return length
}
