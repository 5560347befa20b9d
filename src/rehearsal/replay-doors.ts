/** The doors of a replay: they answer what was answered then, and never ask the world. */
import { doorQuestions } from '../filter/door-questions.ts'
import { isObject, list, number, text, texts } from '../filter/read-json.ts'
import { PosternError } from '../mail/errors.ts'
import type { JsonValue } from '../mail/json.ts'
import type { ChainDoors } from '../filter/entry-doors.ts'
import type { Counters } from '../runtime/counters.ts'
import type { Dns, DnsAnswer, MxRecord } from '../runtime/dns.ts'
import type { Job, Jobs } from '../runtime/jobs.ts'
import { metricRegistry } from '../runtime/metrics/registry.ts'
import { systemClock } from '../runtime/node/clock.ts'
import type { Store } from '../runtime/store.ts'
import { offlineDoors } from '../tools/offline-doors.ts'
import { silentLog } from '../tools/silent-log.ts'
import type { RecalledAnswers, Recall } from './recalled-answers.ts'

export function replayDoors(recall: Recall): ChainDoors {
  const closed = offlineDoors()
  const answers = (): RecalledAnswers => {
    const asking = recall.getStore()
    if (asking !== undefined) return asking
    throw new PosternError('NOT_FOUND', 'an answer outside of a step')
  }
  const dns = recalledDns(answers)
  return {
    accounts: shut('accounts', closed.accounts, recall),
    clock: {
      now: () => recall.getStore()?.time ?? 0,
      monotonicMs: () => closed.clock.monotonicMs(),
      after: (delayMs, callback) => recall.getStore()?.after(delayMs, callback) ?? never,
    },
    continuations: shut('continuations', closed.continuations, recall),
    counters: recalledCounters(answers),
    dns,
    jobs: jobsHere(answers, dns),
    log: silentLog,
    metrics: metricRegistry(systemClock),
    net: shut('net', closed.net, recall),
    programs: shut('programs', closed.programs, recall),
    random: {
      bytes: () => shutNow('random bytes', recall),
      integer: (bound) => number(answers().now(doorQuestions.integer(bound))),
    },
    store: recalledStore(answers),
  }
}

const never = { cancel: (): void => undefined }

function shutNow(name: string, recall: Recall): never {
  recall.getStore()?.miss(`it asks ${name}`)
  throw new PosternError('NOT_FOUND', `an answer of ${name}`)
}

/** A door behind which nobody answers any more. */
function shut<T extends object>(name: string, door: T, recall: Recall): T {
  // Of a frozen one a proxy could say nothing else than it does.
  return new Proxy({ ...door }, { get: () => () => shutNow(name, recall) })
}

/** A job is a function of what it is given: it is done again, here, where the answers of the step are at hand. */
function jobsHere(answers: () => RecalledAnswers, dns: Dns): Jobs {
  return {
    run<Input, Output>(module: URL, input: Input, signal: AbortSignal): Promise<Output> {
      const work = async (): Promise<Output> => {
        const { job }: { job: Job<Input, Output> } = await import(module.href)
        return job(input, { dns, signal })
      }
      return answers().real(work())
    },
    close: async () => {},
  }
}

function recalledDns(answers: () => RecalledAnswers): Dns {
  const { addresses, ipv4, mx, txt, reverse } = doorQuestions
  const ask = async <T>(
    question: string,
    read: (records: JsonValue) => readonly T[],
  ): Promise<DnsAnswer<T>> => {
    const answer = await answers().later(question)
    if (answer === 2) throw new PosternError('DNS_FAILED', question)
    if (Array.isArray(answer)) return { answer: 'found', records: read(answer) }
    return { answer: answer === 0 ? 'no-data' : 'no-name' }
  }
  return {
    addresses: (name) => ask(addresses(name), texts),
    ipv4: (name) => ask(ipv4(name), texts),
    mx: (name) => ask(mx(name), exchanges),
    txt: (name) => ask(txt(name), texts),
    words: (name) => Promise.reject(new PosternError('DNS_FAILED', name)),
    reverse: (address) => ask(reverse(address), texts),
  }
}

function exchanges(records: JsonValue): readonly MxRecord[] {
  return list(records).flatMap((each) =>
    isObject(each)
      ? [{ exchange: text(each['exchange']), preference: number(each['preference']) }]
      : [],
  )
}

/** Entries put their name before each key; it was noted without. */
function ownKey(key: string, { entry }: RecalledAnswers): string {
  for (const space of [`entry/${entry}/`, `shadow/${entry}/`]) {
    if (key.startsWith(space)) return key.slice(space.length)
  }
  return key
}

function recalledCounters(answers: () => RecalledAnswers): Counters {
  return {
    async take(key, limit) {
      const recalled = answers()
      return (await recalled.later(doorQuestions.take(ownKey(key, recalled), limit))) === true
    },
    give: () => undefined,
    async count(key) {
      const recalled = answers()
      return number(await recalled.later(doorQuestions.count(ownKey(key, recalled))))
    },
    async spend(rates) {
      const recalled = answers()
      const own = rates.map((rate) => ({ ...rate, key: ownKey(rate.key, recalled) }))
      const exhausted = await recalled.later(doorQuestions.spend(own))
      return exhausted === null ? undefined : number(exhausted)
    },
  }
}

function recalledStore(answers: () => RecalledAnswers): Store {
  return {
    table: (name) => ({
      async get(key) {
        const recalled = answers()
        const question = doorQuestions.get(ownKey(name, recalled), key)
        return (await recalled.later(question)) ?? undefined
      },
      put: async () => {},
      putLater: () => undefined,
      delete: async () => {},
      async scan() {
        const recalled = answers()
        recalled.miss('it looks through its store')
        return []
      },
    }),
    close: async () => {},
  }
}
