/** The DNS, counted: around the memory what is asked for, below it what a name server had to be asked, and how long that took. */
import type { MaybePromise } from '../mail/maybe-promise.ts'
import type { Clock } from './clock.ts'
import type { Dns, DnsAnswer, MxRecord } from './dns.ts'
import { worldMetrics } from './metrics/inventory.ts'
import type { Metrics } from './metrics/metrics.ts'

const types = ['addresses', 'ipv4', 'mx', 'txt', 'reverse'] as const
type QuestionType = (typeof types)[number]

type Ask<A> = (name: string, signal?: AbortSignal) => MaybePromise<A>

/** Around the memory. */
export function countedDns(dns: Dns, metrics: Metrics): Dns {
  const counting = (type: QuestionType) => {
    const lookups = metrics.counter(worldMetrics.dnsLookups, { type })
    return <A>(ask: Ask<A>): Ask<A> =>
      (name, signal) => {
        lookups.add()
        return ask(name, signal)
      }
  }
  return around(dns, { text: (type, ask) => counting(type)(ask), mail: counting('mx') })
}

/** Below the memory. */
export function timedDns(dns: Dns, metrics: Metrics, clock: Pick<Clock, 'monotonicMs'>): Dns {
  const timing = (type: QuestionType) => {
    const latency = metrics.histogram(worldMetrics.dnsLatency, { type })
    const count = (answer: string): void =>
      metrics.counter(worldMetrics.dnsQuestions, { type, answer }).add()
    return <A extends DnsAnswer<unknown>>(ask: Ask<A>): Ask<A> =>
      async (name, signal) => {
        const startedMs = clock.monotonicMs()
        let outcome = 'failed'
        try {
          const answer = await ask(name, signal)
          outcome = answer.answer
          return answer
        } finally {
          latency.observe((clock.monotonicMs() - startedMs) / 1000)
          count(outcome)
        }
      }
  }
  return around(dns, { text: (type, ask) => timing(type)(ask), mail: timing('mx') })
}

interface Wrapping {
  readonly text: (
    type: Exclude<QuestionType, 'mx'>,
    ask: Ask<DnsAnswer<string>>,
  ) => Ask<DnsAnswer<string>>
  readonly mail: (ask: Ask<DnsAnswer<MxRecord>>) => Ask<DnsAnswer<MxRecord>>
}

function around(dns: Dns, { text, mail }: Wrapping): Dns {
  return {
    addresses: text('addresses', (name, signal) => dns.addresses(name, signal)),
    ipv4: text('ipv4', (name, signal) => dns.ipv4(name, signal)),
    mx: mail((name, signal) => dns.mx(name, signal)),
    txt: text('txt', (name, signal) => dns.txt(name, signal)),
    reverse: text('reverse', (name, signal) => dns.reverse(name, signal)),
    ...(dns.words === undefined ? {} : { words: dns.words.bind(dns) }),
  }
}
