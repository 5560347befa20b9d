/**
 * The doors as one entry has them: its tables and counters bear its name, so that two entries never
 * meet in one key; a shadow entry works in a space of its own and leaves the real one untouched. What a door
 * answers is noted with the step that asked.
 */
import type { JsonValue } from '../mail/json.ts'
import { after, type MaybePromise } from '../mail/maybe-promise.ts'
import { isPosternError } from '../mail/errors.ts'
import type { PluginMetrics } from '../plugin/metrics.ts'
import type { PluginDoors } from '../plugin/plugin.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Counters } from '../runtime/counters.ts'
import type { Dns, DnsAnswer, HeardAnswer } from '../runtime/dns.ts'
import type { Log, LogFields } from '../runtime/log.ts'
import type { Metrics } from '../runtime/metrics/metrics.ts'
import type { Random } from '../runtime/random.ts'
import type { Store } from '../runtime/store.ts'
import { errorDetail } from './fault.ts'
import { guardedClock, guardedNet, guardedPrograms } from './guarded-callbacks.ts'
import { doorQuestions, packDnsAnswer } from './door-questions.ts'
import { answerJson, sharedNotes, type DoorRecorder, type SharedNotes } from './step-notes.ts'

/** What the doors of all entries are made of. */
export type ChainDoors = Omit<PluginDoors, 'metrics'> & { readonly metrics: Metrics }

export function entryDoors(
  doors: ChainDoors,
  {
    name,
    metrics,
    shadow,
    recorder,
  }: {
    readonly name: string
    readonly metrics: PluginMetrics
    readonly shadow: boolean
    readonly recorder: DoorRecorder
  },
): PluginDoors {
  const space = shadow ? `shadow/${name}` : `entry/${name}`
  const log = namedLog(doors.log, name)
  const failed = (error: unknown): void =>
    log.error('entry.callback-failed', { detail: errorDetail(error) })
  const noted = {
    accounts: unnoted('accounts', doors.accounts, recorder),
    clock: { ...notedClock(doors.clock, recorder), ...guardedClock(doors.clock, failed) },
    continuations: unnoted('continuations', doors.continuations, recorder),
    counters: notedCounters(ownCounters(doors.counters, space), recorder),
    dns: notedDns(doors.dns, recorder),
    jobs: unnoted('jobs', doors.jobs, recorder),
    net: unnoted('net', guardedNet(doors.net, failed), recorder),
    programs: unnoted('programs', guardedPrograms(doors.programs, failed), recorder),
    random: notedRandom(doors.random, recorder),
    store: notedStore(doors.store, space, recorder),
    ...(doors.mailboxes === undefined
      ? {}
      : { mailboxes: unnoted('mailboxes', doors.mailboxes, recorder) }),
  }
  return taken({ ...noted, metrics, log }, recorder)
}

/** Whoever takes a door that answers is followed from then on; the log and the metrics answer nothing. */
function taken(doors: PluginDoors, recorder: DoorRecorder): PluginDoors {
  return new Proxy(doors, {
    get(target, door) {
      if (door !== 'log' && door !== 'metrics') recorder.use()
      return Reflect.get(target, door)
    },
  })
}

/** A door of which no notes are kept: too much goes through it, or what does is secret. */
function unnoted<T extends object>(name: string, door: T, recorder: DoorRecorder): T {
  // The door itself may be frozen, and a proxy of what is frozen may hand out nothing else.
  const open: T = Object.create(Object.getPrototypeOf(door))
  return new Proxy(open, {
    has: (_, key) => key in door,
    get(_, key) {
      recorder.asking?.miss(name)
      const value: unknown = Reflect.get(door, key)
      return typeof value === 'function' ? value.bind(door) : value
    },
  })
}

function notedDns(dns: Dns, recorder: DoorRecorder): Dns {
  // An answer that is remembered is the same object each time.
  const packedAnswers = new WeakMap<DnsAnswer<JsonValue | object>, string>()
  const note = <T extends JsonValue | object>(
    question: string,
    answer: MaybePromise<DnsAnswer<T>>,
  ): MaybePromise<DnsAnswer<T>> => {
    const notes = recorder.asking
    if (notes === undefined) return answer
    if (answer instanceof Promise) return heard(answer, notes.ask(question))
    const json = packedAnswers.get(answer) ?? answerJson(packDnsAnswer(answer))
    packedAnswers.set(answer, json)
    notes.keepJson(question, json)
    return answer
  }
  const { addresses, ipv4, mx, txt, reverse } = doorQuestions
  // They are the same lists again and again, and belong to whoever remembers.
  const packedLists = new WeakMap<readonly HeardAnswer[], SharedNotes>()
  return {
    addresses: (name, signal) => note(addresses(name), dns.addresses(name, signal)),
    ipv4: (name, signal) => note(ipv4(name), dns.ipv4(name, signal)),
    mx: (name, signal) => note(mx(name), dns.mx(name, signal)),
    txt: (name, signal) => note(txt(name), dns.txt(name, signal)),
    words: (name, signal) => dns.words?.(name, signal) ?? dns.txt(name, signal),
    reverse: (address, signal) => note(reverse(address), dns.reverse(address, signal)),
    remembered(answers) {
      dns.remembered?.(answers)
      const notes = recorder.asking
      if (notes === undefined) return
      const shared = packedLists.get(answers) ?? packHeard(answers)
      packedLists.set(answers, shared)
      notes.adopt(shared)
    },
  }
}

function packHeard(answers: readonly HeardAnswer[]): SharedNotes {
  return sharedNotes(
    answers.map(({ question, of, answer }) => {
      return { question: doorQuestions[question](of), answer: packDnsAnswer(answer) }
    }),
  )
}

async function heard<T extends JsonValue | object>(
  asking: Promise<DnsAnswer<T>>,
  answered: (answer: JsonValue) => void,
): Promise<DnsAnswer<T>> {
  try {
    const answer = await asking
    answered(packDnsAnswer(answer))
    return answer
  } catch (error) {
    // Who stopped waiting has heard nothing.
    if (!isPosternError(error, 'ABORTED')) answered(packDnsAnswer('failed'))
    throw error
  }
}

function notedClock(clock: Clock, recorder: DoorRecorder): Omit<Clock, 'after'> {
  return {
    now() {
      const now = clock.now()
      recorder.asking?.keepOnce(doorQuestions.now(), now)
      return now
    },
    monotonicMs: () => clock.monotonicMs(),
  }
}

function notedRandom(random: Random, recorder: DoorRecorder): Random {
  return {
    bytes(length) {
      recorder.asking?.miss('random bytes')
      return random.bytes(length)
    },
    integer(bound) {
      const drawn = random.integer(bound)
      recorder.asking?.keep(doorQuestions.integer(bound), drawn)
      return drawn
    },
  }
}

function ownCounters(counters: Counters, space: string): Counters {
  return {
    take: (key, limit) => counters.take(`${space}/${key}`, limit),
    give: (key) => counters.give(`${space}/${key}`),
    count: (key) => counters.count(`${space}/${key}`),
    spend: (rates) =>
      counters.spend(rates.map((rate) => ({ ...rate, key: `${space}/${rate.key}` }))),
  }
}

function notedCounters(counters: Counters, recorder: DoorRecorder): Counters {
  const note = <T extends JsonValue | undefined>(
    question: string,
    answer: MaybePromise<T>,
  ): MaybePromise<T> => {
    const answered = recorder.asking?.ask(question)
    if (answered === undefined) return answer
    return after(answer, (value) => {
      answered(value ?? null)
      return value
    })
  }
  const { take, count, spend } = doorQuestions
  return {
    take: (key, limit) => note(take(key, limit), counters.take(key, limit)),
    give: (key) => counters.give(key),
    count: (key) => note(count(key), counters.count(key)),
    spend: (rates) => note(spend(rates), counters.spend(rates)),
  }
}

function notedStore(store: Store, space: string, recorder: DoorRecorder): Store {
  return {
    table(name, bounds) {
      const table = store.table(`${space}/${name}`, bounds)
      return {
        async get(key, signal) {
          const answered = recorder.asking?.ask(doorQuestions.get(name, key))
          const value = await table.get(key, signal)
          answered?.(value ?? null)
          return value
        },
        remembered(key, value) {
          recorder.asking?.keep(doorQuestions.get(name, key), value ?? null)
        },
        put: (key, value, expiresAt) => table.put(key, value, expiresAt),
        putLater: (key, value, expiresAt) => table.putLater(key, value, expiresAt),
        delete: (key) => table.delete(key),
        scan(range) {
          recorder.asking?.miss('a scan of the store')
          return table.scan(range)
        },
      }
    },
    close: async () => {},
  }
}

/** Every line says which entry wrote it. */
function namedLog(log: Log, entry: string): Log {
  const named = (fields?: LogFields): LogFields => ({ ...fields, entry })
  return {
    debug: (event, fields) => log.debug(event, named(fields)),
    info: (event, fields) => log.info(event, named(fields)),
    warn: (event, fields) => log.warn(event, named(fields)),
    error: (event, fields) => log.error(event, named(fields)),
  }
}
