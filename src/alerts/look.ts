/** One look at a gateway: pure, from the snapshot of all workers and what was remembered of the looks before. */
import type { MetricsSnapshot } from '../runtime/metrics/snapshot.ts'
import { Facts } from './facts.ts'
import {
  certificateReadings,
  configReadings,
  dependencyReadings,
  diskReadings,
  logReadings,
  queueReadings,
  restReadings,
  signatureReadings,
  storeReadings,
  unknownSignatures,
  workerReadings,
  type AlertReading,
} from './readings.ts'
import { eventReadings, grown, type Growth } from './recent-events.ts'
import { restartReadings, startsNow, type Starts } from './restarts.ts'
import { steadyMs, type AlertLimits, type AlertSettings } from './settings.ts'
import { saidBy, silencesNow, silentMs, type Silences } from './silent-entries.ts'

/** What must be remembered from one look to the next. JSON. */
export type AlertMemory = {
  readonly growth: Growth
  readonly starts: Starts
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
  { limits, before, supervisor, active = [] }: Looking,
): Look {
  const facts = new Facts(snapshot)
  const growth = grown(facts, before.growth)
  const starts = startsNow(facts, before.supervisor === supervisor ? before.starts : {})
  const said = saidBy(facts)
  // The sum of some is no sum: what they said is looked at when all answer.
  const silences = facts.areWhole ? silencesNow(said, before.silences, facts.now) : before.silences
  return {
    readings: [
      ...queueReadings(facts, limits, steadyMs(limits).bad),
      ...dependencyReadings(facts, limits, silentMs(said, silences)),
      ...signatureReadings(facts, limits),
      ...unknownSignatures(facts, active),
      ...restReadings(facts, limits),
      ...certificateReadings(facts, limits),
      ...diskReadings(facts, limits),
      ...workerReadings(facts),
      ...restartReadings(starts),
      ...configReadings(facts),
      ...storeReadings(facts),
      ...logReadings(facts),
      ...eventReadings(facts, growth),
    ],
    memory: { growth, starts, silences, supervisor },
  }
}
