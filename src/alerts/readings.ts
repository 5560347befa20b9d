/** What the numbers of a gateway mean to its operator: pure, from the snapshot of all workers and what was seen before. */
import type { Instant } from '../mail/instant.ts'
import { printable } from '../mail/reply.ts'
import {
  chainMetrics,
  processMetrics,
  queueMetrics,
  receiverMetrics,
  spoolMetrics,
  worldMetrics,
} from '../runtime/metrics/inventory.ts'
import type { MetricsSnapshot } from '../runtime/metrics/snapshot.ts'
import { Facts } from './facts.ts'
import { saidBy, silencesNow, silentMs, type Silences } from './silent-entries.ts'
import { steadyMs, type AlertLimits, type AlertSettings } from './settings.ts'

/** `between`: neither bad enough to begin an alert nor good enough to end one. */
export type Health = 'bad' | 'between' | 'good'

export interface AlertReading {
  /** Names one trouble: `disk/space`, `dependency/spamassassin`. */
  readonly key: string
  readonly health: Health
  /** How long it must be bad before anybody is told. */
  readonly forMs: number
  /** One sentence. */
  readonly summary: string
}

/** What must be remembered from one look to the next. JSON. */
export type AlertMemory = {
  /** Counters: their value, and when it grew last. */
  readonly growth: { readonly [name: string]: { readonly value: number; readonly at: Instant } }
  /** Of each worker, when those that bore its number in the last hour began; seconds. */
  readonly starts: { readonly [worker: string]: readonly number[] }
  /** Of entries that ever failed to answer. */
  readonly silences: Silences
  /** The supervisor whose workers they are: who restarts the gateway has a reason. */
  readonly supervisor: number
}

export const nothingRemembered: AlertMemory = {
  growth: {},
  starts: {},
  silences: {},
  supervisor: 0,
}

export interface Look {
  readonly readings: readonly AlertReading[]
  readonly memory: AlertMemory
}

const minuteMs = 60_000
const hourMs = 3_600_000
const dayMs = 86_400_000
/** A worker that began so often within an hour dies again and again. */
const mostStarts = 4
/** An alert of a limit ends when the value has come back a good deal below it. */
const calm = 0.8

export interface Looking {
  readonly limits: AlertLimits & Pick<AlertSettings, 'lookEveryMs'>
  readonly before: AlertMemory
  /** The process id of the supervisor. */
  readonly supervisor: number
  /** Of the alerts that are active. */
  readonly active?: readonly string[]
}

/** @param snapshot of all workers together */
export function look(
  snapshot: MetricsSnapshot,
  { limits, before: remembered, supervisor, active = [] }: Looking,
): Look {
  const facts = new Facts(snapshot)
  const isSame = remembered.supervisor === supervisor
  const before = isSame ? remembered : { ...remembered, starts: {} }
  const growth = grown(facts, before)
  const starts = startsNow(facts, before)
  const said = saidBy(facts)
  // The sum of some is no sum: what they said is looked at when all answer.
  const silences =
    workersMissing(facts) === 0 ? silencesNow(said, before.silences, facts.now) : before.silences
  return {
    readings: [
      ...queueReadings(facts, limits, steadyMs(limits).bad),
      ...dependencyReadings(facts, limits, silentMs(said, silences)),
      ...signatureReadings(facts, limits),
      ...unknownSignatures(facts, active),
      ...certificateReadings(facts, limits),
      ...diskReadings(facts, limits),
      ...workerReadings(facts, starts),
      ...configReadings(facts),
      ...storeReadings(facts),
      ...eventReadings(facts, growth),
    ],
    memory: { growth, starts, silences, supervisor },
  }
}

function queueReadings(facts: Facts, limits: AlertLimits, forMs: number): readonly AlertReading[] {
  const fresh = facts.one(queueMetrics.messages, { state: 'fresh' }) ?? 0
  const deferred = facts.one(queueMetrics.messages, { state: 'deferred' }) ?? 0
  const age = (state: string): number => (facts.one(queueMetrics.oldest, { state }) ?? 0) * 1000
  const { queueMessages, queueAgeMs, deferredAgeMs } = limits
  const waiting = fresh + deferred
  return [
    {
      key: 'queue/depth',
      health: above(waiting, queueMessages),
      forMs,
      summary: `${waiting} messages wait in the queue, more than ${queueMessages}`,
    },
    {
      key: 'queue/age',
      health: above(age('fresh'), queueAgeMs),
      forMs,
      summary: `a message waits for its first delivery since ${inWords(age('fresh'))}`,
    },
    ...(deferredAgeMs === undefined
      ? []
      : [
          {
            key: 'queue/deferred-age',
            health: above(age('deferred'), deferredAgeMs),
            forMs,
            summary: `a message could not be delivered since ${inWords(age('deferred'))}`,
          },
        ]),
  ]
}

function dependencyReadings(
  facts: Facts,
  { dependencyDownMs }: AlertLimits,
  silent: ReadonlyMap<string, number>,
): readonly AlertReading[] {
  return facts.all(chainMetrics.breakers).map(({ labels: { entry = '' }, value }) => {
    const isSilent = (silent.get(entry) ?? 0) >= dependencyDownMs
    return {
      key: `dependency/${entry}`,
      health: value > 0 || isSilent ? 'bad' : 'good',
      forMs: isSilent ? 0 : dependencyDownMs,
      summary: `what the entry ${entry} depends on does not answer; its on_fault decides meanwhile`,
    }
  })
}

function isSignatures(name: string): boolean {
  return name.startsWith('postern_plugin_') && name.endsWith('_signatures_timestamp_seconds')
}

/** Every plugin that reports when its signatures were made. */
function signatureReadings(
  facts: Facts,
  { signaturesAgeMs }: AlertLimits,
): readonly AlertReading[] {
  return facts.matching(isSignatures).map(({ labels: { entry = '', server = '' }, value }) => {
    const ageMs = facts.now - value * 1000
    return {
      key: `signatures/${entry}/${server}`,
      health: ageMs > signaturesAgeMs ? 'bad' : 'good',
      forMs: 0,
      summary: `the virus signatures of ${printable(server)} are ${inWords(ageMs)} old`,
    }
  })
}

/** An entry that reports none, since it has reached nobody from its start on, has not got newer ones by that. */
function unknownSignatures(facts: Facts, active: readonly string[]): readonly AlertReading[] {
  const reporting = new Set(facts.matching(isSignatures).map(({ labels }) => labels['entry']))
  const silent = facts
    .all(chainMetrics.breakers)
    .map(({ labels }) => labels['entry'] ?? '')
    .filter((entry) => !reporting.has(entry))
  return active
    .filter((key) => silent.some((entry) => key.startsWith(`signatures/${entry}/`)))
    .map((key) => ({ key, health: 'between', forMs: 0, summary: '' }))
}

function certificateReadings(
  facts: Facts,
  { certificateMs }: AlertLimits,
): readonly AlertReading[] {
  return facts
    .all(receiverMetrics.certificateExpiry)
    .map(({ labels: { listener = '', name = '' }, value }) => {
      const leftMs = value * 1000 - facts.now
      const when = leftMs < 0 ? 'has expired' : `expires in ${inWords(leftMs)}`
      return {
        key: `certificate/${listener}/${name}`,
        health: leftMs < certificateMs ? 'bad' : 'good',
        forMs: 0,
        summary: `the certificate for ${printable(name)} of the listener ${listener} ${when}`,
      }
    })
}

function diskReadings(
  facts: Facts,
  { diskFreePercent: limit }: AlertLimits,
): readonly AlertReading[] {
  const kinds = [
    ['space', 'is', spoolMetrics.diskFree, spoolMetrics.diskSize],
    ['inodes', 'are', spoolMetrics.inodesFree, spoolMetrics.inodes],
  ] as const
  return kinds.flatMap(([what, isOrAre, free, all]): readonly AlertReading[] => {
    const size = facts.one(all) ?? 0
    // A file system that makes inodes as it needs them has none to count.
    if (size === 0) return []
    const percent = ((facts.one(free) ?? 0) / size) * 100
    const health = percent < limit ? 'bad' : percent < limit / calm ? 'between' : 'good'
    const summary = `${percent.toFixed(1)}% of the ${what} ${isOrAre} free where the spool lies`
    return [{ key: `disk/${what}`, health, forMs: 0, summary }]
  })
}

function workerReadings(facts: Facts, starts: AlertMemory['starts']): readonly AlertReading[] {
  const wanted = facts.one(processMetrics.workersWanted) ?? 0
  const there = facts.one(processMetrics.workers) ?? wanted
  return [
    {
      key: 'workers/missing',
      health: there < wanted ? 'bad' : 'good',
      forMs: 2 * minuteMs,
      summary: `${there} of ${wanted} workers answer`,
    },
    ...Object.entries(starts).map(([worker, times]): AlertReading => {
      const health = times.length >= mostStarts ? 'bad' : times.length > 1 ? 'between' : 'good'
      const summary = `worker ${worker} was started ${times.length} times within an hour`
      return { key: `workers/restarts/${worker}`, health, forMs: 0, summary }
    }),
  ]
}

function workersMissing(facts: Facts): number {
  const wanted = facts.one(processMetrics.workersWanted) ?? 0
  return Math.max(0, wanted - (facts.one(processMetrics.workers) ?? wanted))
}

function storeReadings(facts: Facts): readonly AlertReading[] {
  const damaged = facts.one(spoolMetrics.storeDamaged) ?? 0
  const files =
    damaged === 1 ? 'file of the store or the traces was' : 'files of the store or the traces were'
  return [
    {
      key: 'store/damaged',
      health: damaged > 0 ? 'bad' : 'good',
      forMs: 0,
      summary: `${damaged} damaged ${files} set aside and begun anew: greylist and limits have forgotten; postern stat names what to look at and remove`,
    },
    {
      key: 'store/failing',
      health: (facts.one(spoolMetrics.storeFailing) ?? 0) > 0 ? 'bad' : 'good',
      forMs: minuteMs,
      summary:
        'the store cannot be read or written; the on_fault of the entries that need it decides meanwhile',
    },
  ]
}

function configReadings(facts: Facts): readonly AlertReading[] {
  const damaged = facts.one(spoolMetrics.damaged) ?? 0
  return [
    {
      key: 'config/not-loaded',
      health: facts.one(processMetrics.configLoaded) === 0 ? 'bad' : 'good',
      forMs: 0,
      summary: 'the configuration on the disk has mistakes, and the one before it is in force',
    },
    {
      key: 'spool/damaged',
      health: damaged > 0 ? 'bad' : 'good',
      forMs: 0,
      summary: `${damaged} ${damaged === 1 ? 'record or message was' : 'records or messages were'} set aside: postern queue damaged`,
    },
  ]
}

/** What is bad in itself, for as long as it happened lately. */
const events = [
  {
    key: 'messages/suspect',
    lastsMs: hourMs,
    metric: worldMetrics.logEvents,
    labels: { level: 'error', event: 'message.ends-workers' },
    summary:
      'a message was not judged, since messages like it have ended workers; it was set aside',
  },
  {
    key: 'traces/dropped',
    lastsMs: 5 * minuteMs,
    metric: chainMetrics.tracesDropped,
    labels: {},
    summary: 'explanations of accepted mail are not kept, because the store is behind',
  },
  {
    key: 'store/dropped',
    lastsMs: 5 * minuteMs,
    metric: spoolMetrics.storeDropped,
    labels: {},
    summary: 'writes to the store are dropped: it is behind, or it fails',
  },
] as const

function eventReadings(facts: Facts, growth: AlertMemory['growth']): readonly AlertReading[] {
  return events.map(({ key, lastsMs, summary }) => {
    const at = growth[key]?.at ?? 0
    const health = at > 0 && facts.now - at < lastsMs ? 'bad' : 'good'
    return { key, health, forMs: 0, summary }
  })
}

/**
 * A counter that is lower than before belongs to a new process: nothing is known of it but that it counts. While a worker does
 * not answer the sum is lower as well, and is not remembered: with its answer it would seem to have grown.
 */
function grown(facts: Facts, { growth }: AlertMemory): AlertMemory['growth'] {
  const isWhole = workersMissing(facts) === 0
  return Object.fromEntries(
    events.map(({ key, metric, labels }) => {
      const value = facts.one(metric, labels) ?? 0
      const before = growth[key] ?? { value: 0, at: 0 }
      if (value > before.value) return [key, { value, at: facts.now }]
      return [key, { value: isWhole ? value : before.value, at: before.at }]
    }),
  )
}

function startsNow(facts: Facts, { starts }: AlertMemory): AlertMemory['starts'] {
  const since = (facts.now - hourMs) / 1000
  return Object.fromEntries(
    facts.all(processMetrics.started).map(({ labels: { worker = '' }, value }) => {
      const times = new Set([...(starts[worker] ?? []), value])
      return [worker, [...times].filter((time) => time > since).slice(-mostStarts)]
    }),
  )
}

function above(value: number, limit: number): Health {
  if (value > limit) return 'bad'
  return value > limit * calm ? 'between' : 'good'
}

/** `3 days`, `2 hours`, `5 minutes`: rounded down. */
export function inWords(ms: number): string {
  const units = [
    ['day', dayMs],
    ['hour', hourMs],
    ['minute', minuteMs],
  ] as const
  const [name, unit] = units.find(([, each]) => ms >= each) ?? ['second', 1000]
  const count = Math.max(0, Math.floor(ms / unit))
  return `${count} ${name}${count === 1 ? '' : 's'}`
}
