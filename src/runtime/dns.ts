import type { MaybePromise } from '../mail/maybe-promise.ts'

export interface MxRecord {
  readonly exchange: string
  readonly preference: number
}

/** What the DNS says of a name: records, that there are none of this type, that there is no such name. */
export type DnsAnswer<T> =
  | {
      readonly answer: 'found'
      readonly records: readonly T[]
      /** How long it may be remembered, where that is known. */
      readonly ttlMs?: number
    }
  | { readonly answer: 'no-data' | 'no-name' }

/**
 * The door to the DNS. Whatever is not an answer (time-out, SERVFAIL, refusal) is a PosternError DNS_FAILED. What is remembered
 * is answered at once: a promise for each would be most of what a question costs.
 */
export interface Dns {
  /** IPv4 and IPv6 addresses. */
  addresses(name: string, signal?: AbortSignal): MaybePromise<DnsAnswer<string>>
  /** IPv4 addresses alone: what DNS lists answer with. */
  ipv4(name: string, signal?: AbortSignal): MaybePromise<DnsAnswer<string>>
  mx(name: string, signal?: AbortSignal): MaybePromise<DnsAnswer<MxRecord>>
  /** Each record with its strings joined. */
  txt(name: string, signal?: AbortSignal): MaybePromise<DnsAnswer<string>>
  /** The same, for words that a client is told and nothing is decided by: a replay does without them. Absent: `txt`. */
  words?(name: string, signal?: AbortSignal): MaybePromise<DnsAnswer<string>>
  /** Names of an address. */
  reverse(address: string, signal?: AbortSignal): MaybePromise<DnsAnswer<string>>
  /**
   * Who remembers what came of answers, and does not ask again, says what these were, so that it is known what a verdict
   * rests on. It changes nothing. The same list each time is cheapest.
   */
  remembered?(answers: readonly HeardAnswer[]): void
}

/** A question and its answer, as somebody keeps them who asked. */
export type HeardAnswer =
  | {
      readonly question: 'addresses' | 'ipv4' | 'txt' | 'reverse'
      readonly of: string
      readonly answer: DnsAnswer<string> | 'failed'
    }
  | {
      readonly question: 'mx'
      readonly of: string
      readonly answer: DnsAnswer<MxRecord> | 'failed'
    }
