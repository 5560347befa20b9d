/** Asks the supervisor of the gateway that runs with a configuration folder. */
import { join, resolve } from 'node:path'
import { inState, stateInLines } from '../config/state-folder.ts'
import { askGateway } from '../control/control-client.ts'
import { isPosternError } from '../mail/errors.ts'
import type { JsonValue } from '../mail/json.ts'
import { unlessMissingNow } from '../runtime/missing.ts'
import { stayAwake } from '../runtime/node/awake.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { nodeNet } from '../runtime/node/net.ts'
import { readFolder } from './read-offline.ts'
import {
  readSupervisorAnswer,
  type SupervisorAnswers,
  type SupervisorVerb,
} from './supervisor-requests.ts'

/**
 * Where the socket lies; a configuration with mistakes in it is no reason not to find it.
 * @throws PosternError DISK_FAILED where we may not read it: nothing can be said of its gateway then
 */
export function supervisorSocket(folder: string): string {
  const { configuration } = readFolder(folder)
  if (configuration !== undefined) return configuration.operator.socket
  return resolve(folder, inState('../var/control/socket', stateInLines(textOf(folder))))
}

function textOf(folder: string): string {
  return (
    unlessMissingNow(() =>
      new TextDecoder().decode(systemDisk.readFileNow(join(folder, 'postern.yaml'))),
    ) ?? ''
  )
}

/**
 * @param folder the configuration folder
 * @returns undefined where no gateway runs
 * @throws PosternError NOT_ALLOWED where we may not ask it, PEER_FAILED where it says no, TIMEOUT, CONNECT_FAILED
 */
export async function askSupervisor<V extends SupervisorVerb>(
  folder: string,
  verb: V,
  of: JsonValue = null,
): Promise<SupervisorAnswers[V] | undefined> {
  const path = supervisorSocket(folder)
  try {
    const answer = await askGateway({ verb, of }, { net: nodeNet, clock: systemClock, path })
    return readSupervisorAnswer(verb, answer)
  } catch (error) {
    if (isPosternError(error, 'CONNECT_FAILED') && isNobody(error.cause)) return undefined
    throw error
  }
}

/** No socket, or one that somebody has left who is gone. */
function isNobody(cause: unknown): boolean {
  if (!(cause instanceof Error) || !('code' in cause)) return false
  return cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED'
}

const lookMs = 50
/** What the gateway takes beyond its grace, and some. */
const beyondMs = 10_000

/** Waits for the end of a gateway that has been told to stop: its socket goes last. @returns whether it is gone */
export async function untilGone(folder: string, graceMs: number): Promise<boolean> {
  const deadline = systemClock.monotonicMs() + graceMs + beyondMs
  while (systemClock.monotonicMs() < deadline) {
    // One that hangs up is still there.
    const isThere = await askSupervisor(folder, 'status').catch(() => true)
    if (isThere === undefined) return true
    await stayAwake(lookMs)
  }
  return false
}
