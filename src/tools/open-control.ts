/** The control socket of a running gateway. */
import { openControlServer, type ControlServer } from '../control/control-server.ts'
import type { ControlHandler } from '../control/control.ts'
import type { QueueDesk } from '../delivery/queue-desk.ts'
import { isPosternError } from '../mail/errors.ts'
import type { JsonValue } from '../mail/json.ts'
import type { QuarantineDesk } from '../quarantine/desk.ts'
import type { Doors } from '../runtime/doors.ts'
import { controlSocket } from './control-socket.ts'
import { answerQuarantine, asJson, readQuarantineRequest } from './quarantine-requests.ts'
import { answerRequest, readRequestOf, writeAnswer } from './queue-requests.ts'

export interface ControlParts {
  readonly doors: Pick<Doors, 'disk' | 'net' | 'clock' | 'log'>
  /** Locked: whatever socket lies in it belongs to a gateway that is gone. */
  readonly spool: string
  readonly desk: QueueDesk
  readonly quarantine: QuarantineDesk
  /** What else can be asked, by verb. */
  readonly others?: Iterable<readonly [verb: string, handler: ControlHandler]>
}

/** @returns undefined where there can be none, which is logged: mail goes on without it */
export async function openControl(parts: ControlParts): Promise<ControlServer | undefined> {
  const { disk, net, clock, log } = parts.doors
  const { folder, path } = controlSocket(parts.spool)
  try {
    await disk.makeDirectory(folder)
    await disk.remove(path).catch((error: unknown) => {
      if (!isPosternError(error, 'NOT_FOUND')) throw error
    })
    const queue = async (of: Parameters<typeof readRequestOf>[0]) =>
      writeAnswer(await answerRequest(parts.desk, readRequestOf(of)))
    const quarantine = async (of: JsonValue) =>
      asJson(await answerQuarantine(parts.quarantine, readQuarantineRequest(of)))
    const handlers = new Map<string, ControlHandler>([
      ['queue', queue],
      ['quarantine', quarantine],
      ...(parts.others ?? []),
    ])
    return await openControlServer({ net, clock, log, path, handlers })
  } catch (error) {
    if (!isPosternError(error)) throw error
    log.warn('control.unavailable', { path, error: error.message })
    return undefined
  }
}
