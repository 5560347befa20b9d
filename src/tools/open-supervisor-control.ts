/** The control socket of a running gateway's supervisor: what concerns all of its workers. */
import { formatListenAddress } from '../config/listen-address.ts'
import type { Configuration } from '../config/configuration.ts'
import { isObject } from '../control/control-lines.ts'
import { openControlServer, type ControlServer } from '../control/control-server.ts'
import type { ControlHandler } from '../control/control.ts'
import { groupId } from '../formats/group-file.ts'
import { isPosternError, PosternError } from '../mail/errors.ts'
import type { Instant } from '../mail/instant.ts'
import type { JsonValue } from '../mail/json.ts'
import type { Doors } from '../runtime/doors.ts'
import type { Supervisor } from '../workers/supervisor.ts'
import { databasesSetAside } from './set-aside.ts'
import {
  asJsonValue,
  type GatewayStatus,
  type SupervisorAnswers,
  type SupervisorVerb,
} from './supervisor-requests.ts'

export interface SupervisorControlParts {
  readonly doors: Pick<Doors, 'disk' | 'net' | 'clock' | 'log' | 'process'>
  readonly supervisor: Supervisor
  readonly operator: Configuration['operator']
  /** Where they lie. */
  readonly databases: Pick<Configuration, 'store' | 'traces'>
  readonly version: string
  readonly hostname: string
  /** The configuration folder, absolute. */
  readonly folder: string
  readonly startedAt: Instant
  /** How long a session or a delivery may take to end. */
  readonly graceMs: number
  /** Called when an operator wants the gateway to end. */
  stop(graceMs: number): void
  /** Asks every worker, and puts the answers together. */
  steer(verb: 'queue' | 'quarantine', of: JsonValue): Promise<JsonValue>
}

/** @returns undefined where there can be none, which is logged: mail goes on without it */
export async function openSupervisorControl(
  parts: SupervisorControlParts,
): Promise<ControlServer | undefined> {
  const { net, clock, log, disk } = parts.doors
  const { folder, socket: path, group } = parts.operator
  try {
    await disk.makeDirectory(folder)
    const handlers = new Map<string, ControlHandler>(Object.entries(answersOf(parts)))
    const id = group === undefined ? undefined : await idOf(group, parts.doors)
    return await openControlServer({ net, clock, log, path, group: id, handlers })
  } catch (error) {
    if (!isPosternError(error)) throw error
    log.warn('control.unavailable', { path, error: error.message })
    return undefined
  }
}

async function idOf(group: string, { disk }: Pick<Doors, 'disk'>): Promise<number> {
  const id = groupId(new TextDecoder().decode(await disk.readFile('/etc/group')), group)
  if (id === undefined) throw new PosternError('CONFIG_INVALID', `there is no group ${group}`)
  return id
}

type Answerers = { readonly [V in SupervisorVerb]: ControlHandler }

function answersOf(parts: SupervisorControlParts): Answerers {
  const { supervisor } = parts
  const saying =
    <V extends SupervisorVerb>(does: (of: JsonValue) => Promise<SupervisorAnswers[V]>) =>
    async (of: JsonValue) =>
      asJsonValue(await does(of))
  return {
    status: saying<'status'>(() => statusOf(parts)),
    reload: saying<'reload'>(async () => {
      const report = await supervisor.reload()
      if (report === undefined) throw new Error('no worker answers')
      return report
    }),
    restart: saying<'restart'>((of) => supervisor.restart(graceOf(of, parts))),
    flush: saying<'flush'>(async () => ({ messages: await supervisor.retryNow() })),
    admit: saying<'admit'>(async (of) => {
      const everybody = isObject(of) ? of['everybody'] : undefined
      if (typeof everybody !== 'boolean') throw new TypeError('say everybody: true or false')
      supervisor.admit(everybody)
      return { admits: everybody }
    }),
    stop: saying<'stop'>(async (of) => {
      const graceMs = graceOf(of, parts)
      parts.stop(graceMs)
      return { pid: parts.doors.process.pid, graceMs }
    }),
    queue: async (of) => {
      const absent = await supervisor.gathered(replacedMs)
      const answer = await parts.steer('queue', of)
      return isObject(answer) && absent.length > 0 ? { ...answer, absent } : answer
    },
    quarantine: async (of) => {
      await supervisor.gathered(replacedMs)
      return parts.steer('quarantine', of)
    },
  }
}

/** So long an operator waits for a worker that is being replaced; one that dies again and again may take longer. */
const replacedMs = 10_000
/** An hour is as good as for ever. */
const longestGraceMs = 3_600_000

function graceOf(of: JsonValue, { graceMs }: SupervisorControlParts): number {
  const wanted = isObject(of) ? of['graceMs'] : undefined
  if (wanted === undefined) return graceMs
  if (typeof wanted !== 'number' || !(wanted >= 0)) throw new TypeError('not a time to wait')
  return Math.min(wanted, longestGraceMs)
}

async function statusOf(parts: SupervisorControlParts): Promise<GatewayStatus> {
  const { supervisor, doors, version, folder, hostname, startedAt } = parts
  const workers = await supervisor.status()
  const statuses = workers.flatMap(({ status }) => status ?? [])
  const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0)
  const due = statuses.flatMap(({ nextDueAt }) => nextDueAt ?? [])
  return {
    version,
    pid: doors.process.pid,
    startedAt,
    uptimeMs: Math.max(0, doors.clock.now() - startedAt),
    folder,
    hostname,
    admits: supervisor.admits,
    workers,
    listeners: supervisor.listeners.map(({ name, address }) => ({
      name,
      address: formatListenAddress(address),
    })),
    queue: {
      messages: sum(statuses.map(({ queued }) => queued)),
      delivering: sum(statuses.map(({ delivering }) => delivering)),
      nextDueAt: due.length === 0 ? undefined : Math.min(...due),
      paused: statuses[0]?.paused ?? [],
    },
    generation: Math.max(0, ...statuses.map(({ generation }) => generation)),
    lastReload: supervisor.lastReload,
    storeTrouble: statuses.find(({ storeTrouble }) => storeTrouble !== undefined)?.storeTrouble,
    logTrouble: statuses.find(({ logTrouble }) => logTrouble !== undefined)?.logTrouble,
    setAside: await databasesSetAside(doors.disk, parts.databases),
  }
}
