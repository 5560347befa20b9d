/** What the numbers of a gateway mean to its operator, each by itself. Pure. */
import { printable } from '../mail/reply.ts'
import {
  chainMetrics,
  processMetrics,
  queueMetrics,
  receiverMetrics,
  spoolMetrics,
  worldMetrics,
} from '../runtime/metrics/inventory.ts'
import type { Facts } from './facts.ts'
import { inWords } from './in-words.ts'
import type { AlertLimits } from './settings.ts'

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

const minuteMs = 60_000
/** An alert of a limit ends when the value has come back a good deal below it. */
const calm = 0.8

export function queueReadings(
  facts: Facts,
  limits: AlertLimits,
  forMs: number,
): readonly AlertReading[] {
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

export function dependencyReadings(
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

/** Of every plugin that reports when its signatures were made. */
export function signatureReadings(
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
export function unknownSignatures(
  facts: Facts,
  active: readonly string[],
): readonly AlertReading[] {
  const reporting = new Set(facts.matching(isSignatures).map(({ labels }) => labels['entry']))
  const silent = facts
    .all(chainMetrics.breakers)
    .map(({ labels }) => labels['entry'] ?? '')
    .filter((entry) => !reporting.has(entry))
  return active
    .filter((key) => silent.some((entry) => key.startsWith(`signatures/${entry}/`)))
    .map((key) => ({ key, health: 'between', forMs: 0, summary: '' }))
}

/**
 * Of every plugin that says what it does without: a DNS list, one server of several, a back end. What is not asked keeps
 * nobody out, and often nothing else shows it.
 */
export function restReadings(
  facts: Facts,
  { dependencyDownMs }: AlertLimits,
): readonly AlertReading[] {
  const resting = (name: string): boolean =>
    name.startsWith('postern_plugin_') && name.endsWith('_resting')
  return facts.matching(resting).map(({ labels: { entry = '', ...named }, value }) => {
    const what = Object.values(named).join(' ')
    return {
      key: `resting/${entry}/${what}`,
      health: value > 0 ? 'bad' : 'good',
      forMs: dependencyDownMs,
      summary: `the entry ${entry} does without ${printable(what)}, which does not answer, or not as it must`,
    }
  })
}

export function certificateReadings(
  facts: Facts,
  { certificateMs }: AlertLimits,
): readonly AlertReading[] {
  return facts
    .all(receiverMetrics.certificateExpiry)
    .map(({ labels: { listener = '', name = '' }, value }) => {
      const leftMs = value * 1000 - facts.now
      const when = leftMs < 0 ? 'has expired' : `expires in ${inWords(leftMs)}`
      const whose = listener === '' ? 'that options or rules choose' : `of the listener ${listener}`
      return {
        key: `certificate/${listener}/${name}`,
        health: leftMs < certificateMs ? 'bad' : 'good',
        forMs: 0,
        summary: `the certificate for ${printable(name)} ${whose} ${when}`,
      }
    })
}

export function diskReadings(
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

export function workerReadings(facts: Facts): readonly AlertReading[] {
  const { there, wanted } = facts.workers
  return [
    {
      key: 'workers/missing',
      health: there < wanted ? 'bad' : 'good',
      forMs: 2 * minuteMs,
      summary: `${there} of ${wanted} workers answer`,
    },
  ]
}

export function storeReadings(facts: Facts): readonly AlertReading[] {
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

export function logReadings(facts: Facts): readonly AlertReading[] {
  return [
    {
      key: 'log/failing',
      health: (facts.one(worldMetrics.logFailing) ?? 0) > 0 ? 'bad' : 'good',
      forMs: minuteMs,
      summary:
        'the log cannot be written; its lines wait in memory, 16 MB for each place and process, and are lost beyond; postern stat says why',
    },
  ]
}

export function configReadings(facts: Facts): readonly AlertReading[] {
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

function above(value: number, limit: number): Health {
  if (value > limit) return 'bad'
  return value > limit * calm ? 'between' : 'good'
}
