/**
 * Entries that have answered nothing but faults for long. A breaker opens after a row of faults within a minute: where little
 * mail comes it never does, and whoever is asked once in ten minutes may be away for a day.
 */
import type { Instant } from '../mail/instant.ts'
import { chainMetrics } from '../runtime/metrics/inventory.ts'
import type { MetricLabels } from '../runtime/metrics/metrics.ts'
import type { Facts } from './facts.ts'

/** Of one entry at one stage. JSON. */
export type Silence = {
  /** As the counters have it. */
  readonly answers: number
  readonly faults: number
  /** The first and the last look that saw new faults, with no answer between them; absent while it answers. */
  readonly since?: Instant
  readonly until?: Instant
}

export type Silences = { readonly [place: string]: Silence }

/** What one entry has said at one stage since its process began. */
export interface Said {
  readonly entry: string
  readonly stage: string
  readonly answers: number
  readonly faults: number
}

/** Places that are remembered: those that ever failed. */
const mostPlaces = 200

/** What says that nobody answers; a client that left, or an option that does not fit, says nothing of that. */
const telling: readonly string[] = ['threw', 'rejected', 'timeout', 'breaker-open']

/** Of each entry at each stage. */
export function saidBy(facts: Pick<Facts, 'all'>): readonly Said[] {
  const said = new Map<string, Said>()
  const add = (labels: MetricLabels, more: Pick<Said, 'answers' | 'faults'>): void => {
    const { entry = '', stage = '' } = labels
    const { answers, faults } = said.get(`${entry}/${stage}`) ?? { answers: 0, faults: 0 }
    const sum = { answers: answers + more.answers, faults: faults + more.faults }
    said.set(`${entry}/${stage}`, { entry, stage, ...sum })
  }
  // Each fault counts as the verdict that `on_fault` makes of it, too.
  for (const { labels, value } of facts.all(chainMetrics.verdicts)) {
    add(labels, { answers: value, faults: 0 })
  }
  for (const { labels, value } of facts.all(chainMetrics.faults)) {
    const isTelling = telling.includes(labels['fault'] ?? '')
    add(labels, { answers: -value, faults: isTelling ? value : 0 })
  }
  return [...said.values()]
}

/** @param before what was remembered at the last look */
export function silencesNow(said: readonly Said[], before: Silences, now: Instant): Silences {
  const failed = said
    .map((each) => [`${each.entry}/${each.stage}`, each] as const)
    .filter(([place, { faults }]) => faults > 0 || before[place] !== undefined)
  return Object.fromEntries(
    failed
      .slice(0, mostPlaces)
      .map(([place, each]) => [place, silenceOf(each, before[place], now)]),
  )
}

/** How long each entry has been silent, at the stage where that is longest. */
export function silentMs(said: readonly Said[], silences: Silences): ReadonlyMap<string, number> {
  const longest = new Map<string, number>()
  for (const { entry, stage } of said) {
    const { since = 0, until = 0 } = silences[`${entry}/${stage}`] ?? {}
    longest.set(entry, Math.max(longest.get(entry) ?? 0, until - since))
  }
  return longest
}

function silenceOf({ answers, faults }: Said, before: Silence | undefined, now: Instant): Silence {
  const known = before ?? { answers: 0, faults: 0 }
  const { since, until } = known
  const kept = since === undefined || until === undefined ? {} : { since, until }
  // Counters that are lower belong to a new process: of these nothing is known yet.
  if (answers < known.answers || faults < known.faults) return { answers, faults, ...kept }
  if (answers > known.answers) return { answers, faults }
  if (faults === known.faults) return { answers, faults, ...kept }
  return { answers, faults, since: since ?? now, until: now }
}
