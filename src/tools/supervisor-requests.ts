/** What can be asked of the supervisor of a running gateway, and what it answers, as it goes over its control socket. */
import { isObject } from '../control/control-lines.ts'
import type { Instant } from '../mail/instant.ts'
import type { JsonValue } from '../mail/json.ts'
import type { Mistake } from '../plugin/mistake.ts'
import { needsStart, type ReloadReport } from '../workers/messages.ts'
import type { Restart, WorkerState } from '../workers/supervision.ts'

export { needsStart }
export type { ReloadReport, Restart, WorkerState }

export interface GatewayStatus {
  readonly version: string
  /** Of the supervisor. */
  readonly pid: number
  readonly startedAt: Instant
  readonly uptimeMs: number
  /** The configuration folder, absolute. */
  readonly folder: string
  readonly hostname: string
  /** Whether clients are let in. */
  readonly admits: boolean
  readonly workers: readonly WorkerState[]
  readonly listeners: readonly { readonly name: string; readonly address: string }[]
  readonly queue: {
    /** Messages, those that are held included. */
    readonly messages: number
    /** Of them under way now. */
    readonly delivering: number
    readonly nextDueAt?: Instant | undefined
    /** What is not delivered for now: `all`, domains, routes. */
    readonly paused: readonly { readonly what: string; readonly name?: string }[]
  }
  /** Readings of the configuration in force, by the worker that has made most of them. */
  readonly generation: number
  readonly lastReload?: ReloadReport | undefined
  /** Why what the store is asked fails now. */
  readonly storeTrouble?: string | undefined
  /** Why the log cannot be written now; its lines wait, as long as there is room for them. */
  readonly logTrouble?: string | undefined
  /** Damaged databases beside those in use. */
  readonly setAside?: readonly string[]
}

/** The answer to each verb. */
export interface SupervisorAnswers {
  readonly status: GatewayStatus
  readonly reload: ReloadReport
  readonly restart: Restart
  /** Every message is due now. */
  readonly flush: { readonly messages: number }
  /** `{ everybody: boolean }`: lets clients in, or tells them to come back later. */
  readonly admit: { readonly admits: boolean }
  /** Answered before it stops: the socket is gone when the gateway is. */
  readonly stop: { readonly pid: number; readonly graceMs: number }
  /** As a worker answers it, for all of them (queue-requests.ts). */
  readonly queue: JsonValue
  /** Likewise (quarantine-requests.ts). */
  readonly quarantine: JsonValue
}

export type SupervisorVerb = keyof SupervisorAnswers

/** Keys by which an answer is known to be one; what else stands in it another version may have changed. */
const marks: { readonly [V in SupervisorVerb]: readonly string[] } = {
  status: ['version', 'pid', 'workers', 'listeners', 'queue'],
  reload: ['ok', 'mistakes'],
  restart: ['ok'],
  flush: ['messages'],
  admit: ['admits'],
  stop: ['pid'],
  queue: [],
  quarantine: [],
}

/** @throws TypeError for what is no answer to this verb */
export function readSupervisorAnswer<V extends SupervisorVerb>(
  verb: V,
  value: JsonValue,
): SupervisorAnswers[V] {
  const missing = marks[verb].filter((key) => !isObject(value) || value[key] === undefined)
  if (missing.length > 0) throw new TypeError('the gateway is of another version: restart it')
  return JSON.parse(JSON.stringify(value))
}

/** Without the keys that are absent. */
export function asJsonValue(
  value: SupervisorAnswers[SupervisorVerb] | readonly Mistake[],
): JsonValue {
  return JSON.parse(JSON.stringify(value))
}
