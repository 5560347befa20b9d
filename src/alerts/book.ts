/**
 * Which alerts are active, and who is still to be told of what. One episode is told twice, when it begins and when it
 * ends, and a restart in between tells nothing anew: all of it is JSON and lies in the store.
 */
import type { Instant } from '../mail/instant.ts'
import type { JsonObject, JsonValue } from '../mail/json.ts'
import { nothingRemembered, type AlertMemory } from './look.ts'
import type { AlertReading } from './readings.ts'
import type { Silence } from './silent-entries.ts'

export type ActiveAlert = {
  readonly key: string
  readonly since: Instant
  /** As it was when it was looked at last. */
  readonly summary: string
}

const noticeStates = ['begin', 'end', 'test'] as const

/** What somebody is to be told of. */
export type Notice = {
  readonly key: string
  readonly state: (typeof noticeStates)[number]
  readonly at: Instant
  /** When the episode began. */
  readonly since: Instant
  readonly summary: string
  readonly owes: { readonly mail: boolean; readonly webhook: boolean }
}

/** What lies in the store. */
export type AlertState = {
  readonly version: 1
  readonly active: readonly ActiveAlert[]
  readonly notices: readonly Notice[]
  /** When mails were sent, in the last hour. */
  readonly mails: readonly Instant[]
  readonly memory: AlertMemory
}

export const freshState: AlertState = {
  version: 1,
  active: [],
  notices: [],
  mails: [],
  memory: nothingRemembered,
}

/** Notices that nobody could be told of go when they are so many, the oldest first, or so old. */
const mostNotices = 200
const noticeLifeMs = 86_400_000

/** Since when each trouble is bad, or good again; forgotten at a restart, which costs a moment. */
export interface Trends {
  readonly bad: ReadonlyMap<string, Instant>
  readonly good: ReadonlyMap<string, Instant>
}

export const noTrends: Trends = { bad: new Map(), good: new Map() }

export interface Told {
  readonly mail: boolean
  readonly webhook: boolean
}

/** Takes in what was seen now. */
export function afterLook(
  state: AlertState,
  trends: Trends,
  seen: {
    readonly readings: readonly AlertReading[]
    readonly now: Instant
    readonly owes: Told
    /** What must be good for so long, until its alert ends. */
    readonly endsAfterMs: number
  },
): { readonly state: AlertState; readonly trends: Trends } {
  const { readings, now, owes, endsAfterMs } = seen
  const byKey = new Map(readings.map((reading) => [reading.key, reading]))
  const bad = since(
    trends.bad,
    now,
    readings.filter(({ health }) => health === 'bad').map(({ key }) => key),
  )
  // What is not there any more, such as an entry that was removed, is well.
  const well = state.active.filter(({ key }) => (byKey.get(key)?.health ?? 'good') === 'good')
  const good = since(
    trends.good,
    now,
    well.map(({ key }) => key),
  )
  const activeKeys = new Set(state.active.map(({ key }) => key))
  const begun = readings
    .filter(({ key, forMs }) => !activeKeys.has(key) && now - (bad.get(key) ?? Infinity) >= forMs)
    .map(({ key, summary }) => ({ key, since: bad.get(key) ?? now, summary }))
  const ended = well.filter(({ key }) => now - (good.get(key) ?? now) >= endsAfterMs)
  const stays = state.active
    .filter((alert) => !ended.includes(alert))
    .map((alert) => {
      const reading = byKey.get(alert.key)
      return reading?.health === 'bad' ? { ...alert, summary: reading.summary } : alert
    })
  const notices = [
    ...begun.map((alert) => noticeOf(alert, 'begin', now, owes)),
    ...ended.map((alert) => noticeOf(alert, 'end', now, owes)),
  ]
  return {
    state: withNotices({ ...state, active: [...stays, ...begun] }, notices, now),
    trends: { bad, good },
  }
}

/** Each that is so now, with when it began to be. */
function since(
  before: ReadonlyMap<string, Instant>,
  now: Instant,
  keys: readonly string[],
): ReadonlyMap<string, Instant> {
  return new Map(keys.map((key) => [key, Math.min(before.get(key) ?? now, now)]))
}

function noticeOf(alert: ActiveAlert, state: Notice['state'], at: Instant, owes: Told): Notice {
  return { ...alert, state, at, owes }
}

export function testNotice(now: Instant, owes: Told): Notice {
  const summary = 'a test, asked for with: postern alerts test'
  return { key: 'test', state: 'test', at: now, since: now, summary, owes }
}

/** Bounded: what is too old or too much goes. */
export function withNotices(state: AlertState, more: readonly Notice[], now: Instant): AlertState {
  const notices = [...state.notices, ...more]
    .filter(({ owes, at }) => (owes.mail || owes.webhook) && now - at < noticeLifeMs)
    .slice(-mostNotices)
  return { ...state, notices }
}

/** Reads what the store has; what makes no sense is as if nothing had been kept. */
export function readState(value: JsonValue | undefined): AlertState {
  if (!isObject(value) || value['version'] !== 1) return freshState
  const { active, notices, mails, memory } = value
  return {
    version: 1,
    active: listOf(active).flatMap(readActive),
    notices: listOf(notices).flatMap(readNotice),
    mails: listOf(mails).filter((each) => typeof each === 'number'),
    memory: readMemory(memory),
  }
}

function readActive(value: JsonValue): readonly ActiveAlert[] {
  if (!isObject(value)) return []
  const { key, since: began, summary } = value
  const isOne = typeof key === 'string' && typeof began === 'number' && typeof summary === 'string'
  return isOne ? [{ key, since: began, summary }] : []
}

function readNotice(value: JsonValue): readonly Notice[] {
  if (!isObject(value)) return []
  const { at, owes } = value
  const state = noticeStates.find((each) => each === value['state'])
  if (state === undefined || typeof at !== 'number' || !isObject(owes)) return []
  const told = { mail: owes['mail'] === true, webhook: owes['webhook'] === true }
  return readActive(value).map((alert) => ({ ...alert, state, at, owes: told }))
}

function readMemory(value: JsonValue | undefined): AlertMemory {
  const { growth, starts, silences, supervisor } = isObject(value) ? value : {}
  return {
    supervisor: typeof supervisor === 'number' ? supervisor : 0,
    growth: Object.fromEntries(
      entriesOf(growth).flatMap(([key, each]) => {
        const { value: count, at } = isObject(each) ? each : {}
        return typeof count === 'number' && typeof at === 'number'
          ? [[key, { value: count, at }] as const]
          : []
      }),
    ),
    silences: Object.fromEntries(
      entriesOf(silences).flatMap(([key, each]) => readSilence(each).map((one) => [key, one])),
    ),
    starts: Object.fromEntries(
      entriesOf(starts).map(([key, each]) => [
        key,
        listOf(each).filter((time) => typeof time === 'number'),
      ]),
    ),
  }
}

function readSilence(value: JsonValue | undefined): readonly Silence[] {
  const { answers, faults, since: began, until } = isObject(value) ? value : {}
  if (typeof answers !== 'number' || typeof faults !== 'number') return []
  const isSilent = typeof began === 'number' && typeof until === 'number'
  return [{ answers, faults, ...(isSilent ? { since: began, until } : {}) }]
}

function entriesOf(value: JsonValue | undefined): readonly [string, JsonValue | undefined][] {
  return isObject(value) ? Object.entries(value) : []
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : []
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
